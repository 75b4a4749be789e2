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

	"github.com/fielder-care/fielder/shared/care"
)

// The six files of a bundle, in the order in which mistakes are reported.
var files = []string{"brand.yaml", "rules.yaml", "templates.yaml", "hours.yaml", "routing.yaml", "followup.yaml"}

// Files names the files that Load reads.
func Files() []string { return append([]string(nil), files...) }

// MaxFileBytes bounds one YAML file. All six must fit one AppConfig hosted
// configuration (AppConfig quota: 2,048 KB).
const MaxFileBytes = 1 << 20

// The top levels of the files. Every file may have tests, beside the part of the
// bundle that it holds.
type (
	brandFile struct {
		Brand
		Tests []Test `yaml:"tests"`
	}
	rulesFile struct {
		People  People                    `yaml:"people"`
		OptOut  OptOut                    `yaml:"optOut"`
		Stop    Stop                      `yaml:"stop"`
		Budgets map[care.Platform]float64 `yaml:"budgets"`
		Storm   Storm                     `yaml:"storm"`
		Rules   []Rule                    `yaml:"rules"`
		Tests   []Test                    `yaml:"tests"`
	}
	templatesFile struct {
		Variables map[string]string   `yaml:"variables"`
		Templates map[string]Template `yaml:"templates"`
		Tests     []Test              `yaml:"tests"`
	}
	hoursFile struct {
		Hours
		Tests []Test `yaml:"tests"`
	}
	routingFile struct {
		Routing
		Tests []Test `yaml:"tests"`
	}
	followupFile struct {
		Followup
		Tests []Test `yaml:"tests"`
	}
)

// Places says where the values of the files stand.
type Places struct {
	where map[string]map[string]position
}

// Locate finds a value by its path, such as rules[2].when.intents[0] or
// templates.refund.text.en.short. What is missing stands where its parent does;
// line and column count from 1, and are 0 when the file is unknown or unreadable.
func (p Places) Locate(file, path string) (line, column int) {
	at, _ := nearest(p.where[file], path)
	return at.line, at.column
}

// has is true when the file says something at this very path.
func (p Places) has(file, path string) bool {
	_, ok := p.where[file][path]
	return ok
}

// Load is Read for those who need no places; the error is an Errors.
func Load(dir fs.FS) (*Bundle, error) {
	b, _, errs := Read(dir)
	if len(errs) > 0 {
		return nil, errs
	}
	return b, nil
}

// Read reads the six files at the top of dir and checks them. With any mistake the
// bundle is nil and the errors are all of them. Version is a hash of the files. A
// syntax error hides what else is wrong with its file, never with the others;
// names that a broken file would define are not reported as unknown.
func Read(dir fs.FS) (*Bundle, Places, Errors) {
	var (
		brand     brandFile
		rules     rulesFile
		templates templatesFile
		hours     hoursFile
		routing   routingFile
		followup  followupFile

		errs   Errors
		places = Places{map[string]map[string]position{}}
		wrong  = map[string][]string{}
		broken = map[string]bool{}
		hash   = sha256.New()
	)
	into := map[string]any{"brand.yaml": &brand, "rules.yaml": &rules, "templates.yaml": &templates,
		"hours.yaml": &hours, "routing.yaml": &routing, "followup.yaml": &followup}
	for _, file := range files {
		d := &decoder{file: file, where: map[string]position{}}
		data, err := read(dir, file)
		if err != nil {
			d.errs = append(d.errs, Error{File: file, Message: err.Error()})
			broken[file] = true
		} else {
			fmt.Fprintf(hash, "%s %d\n", file, len(data))
			hash.Write(data)
			broken[file] = !d.parse(data, into[file])
		}
		errs = append(errs, d.errs...)
		places.where[file], wrong[file] = d.where, d.wrong
	}
	b := &Bundle{
		Version: "sha256-" + hex.EncodeToString(hash.Sum(nil))[:16],
		Brand:   brand.Brand,
		People:  rules.People, OptOut: rules.OptOut, Stop: rules.Stop, Budgets: rules.Budgets, Storm: rules.Storm, Rules: rules.Rules,
		Templates: templates.Templates, Variables: templates.Variables,
		Hours: hours.Hours, Routing: routing.Routing, Followup: followup.Followup,
	}
	for i, tests := range [][]Test{brand.Tests, rules.Tests, templates.Tests, hours.Tests, routing.Tests, followup.Tests} {
		for _, t := range tests {
			t.File = files[i]
			b.Tests = append(b.Tests, t)
		}
	}
	follows := consequences(wrong)
	for _, p := range check(b, broken, places.has) {
		if follows(p) {
			continue
		}
		e := Error{File: p.file, Message: p.message}
		e.Line, e.Column = places.Locate(p.file, p.path)
		errs = append(errs, e)
	}
	if len(errs) > 0 {
		return nil, places, errs.sorted()
	}
	b.Hours.roster = new(roster)
	return b, places, nil
}

// ReadBrand reads and checks a brand.yaml alone, for tools that need no rules.
// file is its name in the errors.
func ReadBrand(file string, data []byte) (Brand, Errors) {
	const name = "brand.yaml"
	var b brandFile
	d := &decoder{file: file, where: map[string]position{}}
	if len(data) > MaxFileBytes {
		return Brand{}, Errors{{File: file, Message: fmt.Sprintf("it has more than %d bytes", MaxFileBytes)}}
	}
	ok := d.parse(data, &b)
	errs := Errors(d.errs)
	if ok {
		broken := map[string]bool{}
		for _, f := range files {
			broken[f] = f != name
		}
		places := Places{map[string]map[string]position{name: d.where}}
		follows := consequences(map[string][]string{name: d.wrong})
		for _, p := range check(&Bundle{Brand: b.Brand}, broken, places.has) {
			if p.file != name || follows(p) {
				continue
			}
			e := Error{File: file, Message: p.message}
			e.Line, e.Column = places.Locate(name, p.path)
			errs = append(errs, e)
		}
	}
	if len(errs) > 0 {
		return Brand{}, errs.sorted()
	}
	return b.Brand, nil
}

// consequences tells the problems that only follow from values that could not be
// read and were reported already: those at or in such a value, and what seems to
// be missing where one is.
func consequences(wrong map[string][]string) func(problem) bool {
	at, around := map[string]bool{}, map[string]bool{}
	for file, paths := range wrong {
		for _, path := range paths {
			at[file+" "+path] = true
			for path = parent(path); path != ""; path = parent(path) {
				around[file+" "+path] = true
			}
		}
	}
	return func(p problem) bool {
		path := strings.TrimSuffix(p.path, "#key")
		if p.missing && around[p.file+" "+path] {
			return true
		}
		for ; path != ""; path = parent(path) {
			if at[p.file+" "+path] {
				return true
			}
		}
		return false
	}
}

// parent is the path of what holds a path's value, "" at the top.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// nearest finds where a path stands; what is missing stands where its parent
// does.
func nearest(where map[string]position, path string) (position, bool) {
	for {
		if p, ok := where[path]; ok {
			return p, true
		}
		if value, isKey := strings.CutSuffix(path, "#key"); isKey {
			path = value
			continue
		}
		if path == "" {
			return position{}, false
		}
		path = parent(path)
	}
}

// read gives a file's bytes. Its errors say what to do, and name no path of the
// machine.
func read(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		other := strings.TrimSuffix(name, ".yaml") + ".yml"
		if _, err := fs.Stat(dir, other); err == nil {
			return nil, fmt.Errorf("the file is missing; rename %s to %s", other, name)
		}
		return nil, errors.New("the file is missing")
	case err != nil:
		return nil, unreadable(err)
	case info.IsDir():
		return nil, errors.New("a folder of this name stands here; a file is needed")
	case !info.Mode().IsRegular():
		return nil, errors.New("this is no plain file")
	case info.Size() > MaxFileBytes:
		return nil, errTooLarge
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(data) > MaxFileBytes {
		return nil, errTooLarge
	}
	return data, nil
}

var errTooLarge = fmt.Errorf("the file is larger than %d bytes (1 MB)", MaxFileBytes)

func unreadable(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("the file cannot be read: %w", err)
}

// parse reads one file; false when its syntax is so wrong that nothing of it is
// known.
func (d *decoder) parse(data []byte, into any) (ok bool) {
	text, fault := utf8Text(data)
	if fault == nil {
		root, faults := parseYAML(text)
		for _, f := range faults {
			d.fail(f.at, "", "%s", f.message)
		}
		d.wrong = nil // the values that they spoilt are broken nodes
		if root != nil {
			d.value(root, reflect.ValueOf(into).Elem(), "")
			return true
		}
		if len(faults) == 0 {
			d.errs = append(d.errs, Error{File: d.file, Message: "the file is empty"})
		}
		return false
	}
	d.fail(fault.at, "", "%s", fault.message)
	return false
}

// utf8Text is what a file says, without a byte order mark; or where it is no
// UTF-8 text, and what it seems to be.
func utf8Text(data []byte) (string, *fault) {
	for _, bom := range []struct{ mark, name string }{
		{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	} {
		if bytes.HasPrefix(data, []byte(bom.mark)) {
			return "", &fault{position{1, 1}, "the file is saved as " + bom.name + "; save it as UTF-8"}
		}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if head := data[:min(len(data), 4)]; len(head) >= 2 && (head[0] == 0) != (head[1] == 0) && bytes.Count(head, []byte{0})*2 == len(head) {
		return "", &fault{position{1, 1}, "the file seems to be saved as UTF-16; save it as UTF-8"}
	}
	line, column := 1, 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return "", &fault{position{line, column}, "this is not UTF-8 text, perhaps Latin-1 (Windows-1252); save the file as UTF-8"}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0:
			return "", &fault{position{line, column}, fmt.Sprintf("an invisible control character (U+%04X) stands here; remove it", r)}
		case r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff: // line breaks of YAML 1.1, marks and no characters
			return "", &fault{position{line, column}, fmt.Sprintf("an invisible character (U+%04X) stands here; remove it", r)}
		case r == '\n', r == '\r' && !bytes.HasPrefix(data[i+1:], []byte("\n")):
			line, column = line+1, 0
		}
		column++
		i += size
	}
	return string(data), nil
}
