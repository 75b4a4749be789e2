package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// The six files of a bundle, in the order in which mistakes are reported.
var files = []string{"brand.yaml", "rules.yaml", "templates.yaml", "hours.yaml", "routing.yaml", "followup.yaml"}

// Files names the files that Load reads.
func Files() []string { return append([]string(nil), files...) }

// MaxFileBytes bounds one YAML file. All six must fit one AppConfig hosted
// configuration (AppConfig quota: 2,048 KB).
const MaxFileBytes = 1 << 20

// rulesFile and templatesFile are the top levels of files that hold more than
// one part of a Bundle.
type (
	rulesFile struct {
		People People `yaml:"people"`
		Rules  []Rule `yaml:"rules"`
		Tests  []Test `yaml:"tests"`
	}
	templatesFile struct {
		Variables map[string]string   `yaml:"variables"`
		Templates map[string]Template `yaml:"templates"`
	}
)

// Load reads the six files at the top of dir and checks them. The error is an
// Errors with every mistake; then the bundle is nil. Version is a hash of the
// files. A syntax error hides what else is wrong with its file, never with the
// others; names that a broken file would define are not reported as unknown.
func Load(dir fs.FS) (*Bundle, error) {
	var (
		b         = &Bundle{}
		rules     rulesFile
		templates templatesFile
		errs      Errors
		where     = map[string]map[string]position{}
		broken    = map[string]bool{}
		hash      = sha256.New()
	)
	for _, file := range files {
		var into any
		switch file {
		case "brand.yaml":
			into = &b.Brand
		case "rules.yaml":
			into = &rules
		case "templates.yaml":
			into = &templates
		case "hours.yaml":
			into = &b.Hours
		case "routing.yaml":
			into = &b.Routing
		case "followup.yaml":
			into = &b.Followup
		}
		d := &decoder{file: file, where: map[string]position{}}
		data, err := read(dir, file)
		if err != nil {
			d.errs = append(d.errs, Error{File: file, Message: err.Error()})
			broken[file] = true
		} else {
			fmt.Fprintf(hash, "%s %d\n", file, len(data))
			hash.Write(data)
			broken[file] = !d.parse(data, into)
		}
		errs = append(errs, d.errs...)
		where[file] = d.where
	}
	b.People, b.Rules, b.Tests = rules.People, rules.Rules, rules.Tests
	b.Variables, b.Templates = templates.Variables, templates.Templates
	b.Version = "sha256-" + hex.EncodeToString(hash.Sum(nil))[:16]

	for _, p := range check(b, broken) {
		e := Error{File: p.file, Message: p.message}
		if place, ok := nearest(where[p.file], p.path); ok {
			e.Line, e.Column = place.line, place.column
		}
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return nil, errs.sorted()
	}
	b.Hours.roster = new(roster)
	return b, nil
}

// nearest finds where a path stands; what is missing stands where its parent
// does.
func nearest(where map[string]position, path string) (position, bool) {
	for {
		if p, ok := where[path]; ok {
			return p, true
		}
		path = strings.TrimSuffix(path, "#key")
		if p, ok := where[path]; ok {
			return p, true
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			p, ok := where[""]
			return p, ok
		}
		path = path[:i]
	}
}

func read(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		other := strings.TrimSuffix(name, ".yaml") + ".yml"
		if _, err := fs.Stat(dir, other); err == nil {
			return nil, fmt.Errorf("the file is missing; rename %s to %s", other, name)
		}
		return nil, errors.New("the file is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("the file is larger than %d bytes", MaxFileBytes)
	}
	return data, nil
}

// parse reads one file; false when its syntax is so wrong that nothing of it is
// known.
func (d *decoder) parse(data []byte, into any) (ok bool) {
	if !utf8.Valid(data) {
		line := 1 + bytes.Count(data[:invalidAt(data)], []byte("\n"))
		d.errs = append(d.errs, Error{File: d.file, Line: line, Column: 1, Message: "this is not UTF-8 text"})
		return false
	}
	if line, deep := tooDeep(data); deep {
		d.errs = append(d.errs, Error{File: d.file, Line: line, Column: 1, Message: "this is nested too deeply"})
		return false
	}
	tree, err := syntax(data)
	if err != nil {
		e := Error{File: d.file, Line: 1, Column: 1, Message: err.Error()}
		var se *yaml.SyntaxError
		if errors.As(err, &se) {
			e.Message = se.Message
			if se.Token != nil && se.Token.Position != nil {
				e.Line, e.Column = max(1, se.Token.Position.Line), max(1, se.Token.Position.Column)
			}
		}
		d.errs = append(d.errs, e)
		return false
	}
	var body ast.Node
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		if body != nil {
			d.fail(doc.Body, "the file holds more than one document; remove the line \"---\"")
			return true
		}
		body = doc.Body
	}
	if body == nil {
		d.errs = append(d.errs, Error{File: d.file, Message: "the file is empty"})
		return false
	}
	d.decode(body, reflect.ValueOf(into).Elem(), "")
	return true
}

// syntax parses YAML. The library is guarded because it is fed what people and
// other systems wrote: a panic in it is their syntax error, not our crash.
func syntax(data []byte) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, errors.New("this is not valid YAML")
		}
	}()
	return parser.ParseBytes(data, 0)
}

// tooDeep finds nesting that would exhaust the parser's stack: brackets without
// end, or a line that opens list after list.
func tooDeep(data []byte) (line int, deep bool) {
	const most = 100
	line = 1
	open, indicators := 0, 0
	fresh := true // only indicators and blanks so far in this line
	for _, c := range data {
		switch c {
		case '\n':
			line++
			indicators, fresh = 0, true
			continue
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		}
		if fresh {
			switch c {
			case '-', '?', ':':
				indicators++
			case ' ', '\t':
			default:
				fresh = false
			}
		}
		if open > most || indicators > most {
			return line, true
		}
	}
	return 0, false
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}
