package config

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf16"
)

// bound is how long a file may take to be refused: a second on the machine of a
// person, and patience for a busy one.
const bound = 30 * time.Second

func utf16Of(text string, order binary.AppendByteOrder, mark bool) string {
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

// room is most of the biggest file that is read; short runs, which have the race
// detector's twentyfold time on top, take a sixteenth of it.
func room() int {
	if testing.Short() {
		return MaxFileBytes / 16
	}
	return MaxFileBytes - 1000
}

// repeat fills the room.
func repeat(s string) string { return strings.Repeat(s, room()/len(s)) }

func numbered(format func(i string) string) string {
	var b strings.Builder
	for i := 0; b.Len() < room(); i++ {
		b.WriteString(format(strconv.Itoa(i)))
	}
	return b.String()
}

// hostile are whole files with what one of the errors must say; "" where any error
// with a place will do.
func hostile() []struct{ name, file, text, want string } {
	const f = "followup.yaml"
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		last := "*" + string(c-1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat(last+", ", 8) + last + "]\n"
	}
	return []struct{ name, file, text, want string }{
		{"anchor", f, "enabled: &on false\n", "followup.yaml:1:10: anchors, aliases and merge keys are not supported: write the value again"},
		{"alias", f, "enabled: false\nperDay: *on\n", "followup.yaml:2:9: anchors, aliases and merge keys are not supported: write the value again"},
		{"alias in a list", f, "platforms: [x, *on]\n", "followup.yaml:1:16: anchors, aliases and merge keys are not supported: write the value again"},
		{"alias of itself", f, "platforms: &a [*a]\n", "followup.yaml:1:12: anchors, aliases and merge keys are not supported: write the value again"},
		{"billion laughs", f, bomb, "followup.yaml:1:4: anchors, aliases and merge keys are not supported: write the value again"},
		{"merge key", f, "<<: {enabled: true}\n", "followup.yaml:1:1: anchors, aliases and merge keys are not supported: write the value again"},
		{"merge key in braces", "hours.yaml", "week: {<<: {mon: []}}\n", "hours.yaml:1:8: anchors, aliases and merge keys are not supported: write the value again"},
		{"tag", f, "enabled: !!bool false\n", "followup.yaml:1:10: tags are not supported: write the value without one"},
		{"tag that makes an object", f, "!!python/object/apply:os.system ['ls']\n", "followup.yaml:1:1: tags are not supported: write the value without one"},
		{"tag without a name", f, "template: ! a\n", "followup.yaml:1:11: tags are not supported: write the value without one"},
		{"tag without a handle", f, "template: !a!b c\n", "followup.yaml:1:11: tags are not supported: write the value without one"},
		{"tag never closed", f, "template: !<a b\n", "followup.yaml:1:11: tags are not supported: write the value without one"},
		{"anchor without a name", f, "template: & b\n", "followup.yaml:1:11: anchors, aliases and merge keys are not supported: write the value again"},
		{"anchor of the whole file", f, "&a\nenabled: false\n", "followup.yaml:1:1: anchors, aliases and merge keys are not supported: write the value again"},
		{"anchor of a key", f, "&a enabled: false\n", "followup.yaml:1:1: anchors, aliases and merge keys are not supported: write the value again"},
		{"directive", f, "%YAML 1.2\n---\nenabled: false\n", "followup.yaml:1:1: directives are not supported: remove this line"},
		{"two documents", f, "enabled: false\n---\nenabled: true\n", "followup.yaml:2:1: the file holds more than one document; remove the line \"---\""},
		{"two documents, the second of which is wrong", f, "enabled: false\n---\n@\n", "followup.yaml:3:1: a text cannot begin with \"@\"; put it in quotes"},
		{"something after the end", f, "enabled: false\n...\nperDay: 1\n", "followup.yaml:3:1: the file holds more than one document; remove the line \"---\""},
		{"5 MB", f, "# " + strings.Repeat("x", 5<<20), "followup.yaml: the file is larger than 1048576 bytes (1 MB)"},
		{"UTF-16, little endian", f, utf16Of("enabled: false\n", binary.LittleEndian, true), "followup.yaml:1:1: the file is saved as UTF-16; save it as UTF-8"},
		{"UTF-16, big endian", f, utf16Of("enabled: false\n", binary.BigEndian, true), "followup.yaml:1:1: the file is saved as UTF-16; save it as UTF-8"},
		{"UTF-16 without a mark", f, utf16Of("enabled: false\n", binary.LittleEndian, false), "followup.yaml:1:1: the file seems to be saved as UTF-16; save it as UTF-8"},
		{"UTF-32", f, "\xff\xfe\x00\x00e\x00\x00\x00", "followup.yaml:1:1: the file is saved as UTF-32; save it as UTF-8"},
		{"Latin-1", f, "enabled: false\ntemplate: Espa\xf1a\n", "followup.yaml:2:15: this is not UTF-8 text, perhaps Latin-1 (Windows-1252); save the file as UTF-8"},
		{"half a character", f, "template: \xc3", "followup.yaml:1:11: this is not UTF-8 text, perhaps Latin-1 (Windows-1252); save the file as UTF-8"},
		{"NUL", f, "enabled: false\nperDay: 1\x00\n", "followup.yaml:2:10: an invisible control character (U+0000) stands here; remove it"},
		{"escape character", f, "template: \x1b[31m\n", "followup.yaml:1:11: an invisible control character (U+001B) stands here; remove it"},
		{"control character of Latin-1", f, "template: a\u0085b\n", "followup.yaml:1:12: an invisible control character (U+0085) stands here; remove it"},
		{"line separator", f, "template: a\u2028b\n", "followup.yaml:1:12: an invisible character (U+2028) stands here; remove it"},
		{"second byte order mark", f, "\ufeff\ufeffenabled: false\n", "followup.yaml:1:1: an invisible character (U+FEFF) stands here; remove it"},
		{"no character", f, "template: a\uffffb\n", "followup.yaml:1:12: an invisible character (U+FFFF) stands here; remove it"},
		{"only NUL", f, "\x00\x00\x00\x00", "followup.yaml:1:1: an invisible control character (U+0000) stands here; remove it"},
		{"tab as indentation", "hours.yaml", "timeZone: UTC\nweek:\n\tmon: []\n", "hours.yaml:3:1: a tab stands here; YAML indents with spaces"},
		{"tab after spaces", "hours.yaml", "week:\n  mon: []\n  \ttue: []\n", "hours.yaml:3:3: a tab stands here; YAML indents with spaces"},
		{"tab after a dash", "routing.yaml", "queues:\n  -\tname: a\n", "routing.yaml:2:4: a tab stands here; YAML indents with spaces"},
		{"duplicate key", f, "enabled: false\nperDay: 1\nenabled: true\n", "followup.yaml:3:1: \"enabled\" is here twice; the first is in line 1"},
		{"duplicate key in quotes", f, "enabled: false\n\"enabled\": true\n", "followup.yaml:2:1: \"enabled\" is here twice; the first is in line 1"},
		{"huge whole number", f, "perDay: 99999999999999999999999999\n", "followup.yaml:1:9: expected a whole number"},
		{"huge number", "routing.yaml", "weights: {severity: 1e999}\n", "routing.yaml:1:21: expected a number"},
		{"infinity", "routing.yaml", "weights: {severity: .inf}\n", "routing.yaml:1:21: expected a number"},
		{"not a number", "routing.yaml", "weights: {severity: .nan}\n", "routing.yaml:1:21: expected a number"},
		{"hexadecimal", f, "perDay: 0x10\n", "followup.yaml:1:9: expected a whole number"},
		{"number in quotes", f, "perDay: \"10\"\n", "followup.yaml:1:9: expected a whole number, without quotes"},
		{"list as key", f, "[a]: b\n", "followup.yaml:1:1: expected a plain word as key"},
		{"mapping as key", f, "{a: b}: c\n", "followup.yaml:1:1: expected a plain word as key"},
		{"nothing as key", f, "?\n: false\n", "followup.yaml:1:2: expected a plain word as key"},
		{"nothing as key in braces", f, "{: false}\n", "followup.yaml:1:2: expected a plain word as key"},
		{"number as key", f, "1: a\n", "followup.yaml:1:1: unknown key \"1\""},
		{"deep brackets", f, "platforms: " + repeat("["), "followup.yaml:1:10012: this is nested too deeply"},
		{"deep braces over lines", f, "platforms: " + repeat("{a:\n "), "followup.yaml:10001:2: this is nested too deeply"},
		{"deep dashes", f, repeat("- "), "followup.yaml:1:20001: this is nested too deeply"},
		{"deep indentation", f, deepKeys(2000), "followup.yaml:42:42: this is nested too deeply"},
		{"deep in few brackets", f, "platforms: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), "followup.yaml:1:52: this is nested too deeply"},
		{"nothing but a comment", f, "# nothing\n", "followup.yaml: the file is empty"},
		{"nothing", f, "", "followup.yaml: the file is empty"},
		{"a text", f, "enabled\n", "followup.yaml:1:1: expected keys with values, such as \"name: value\""},

		// What people do wrong.
		{"colon in a text", f, "template: Hello: world\n", "followup.yaml:1:16: a second \": \" stands in this line; put the text in quotes"},
		{"no space after the colon", f, "enabled: false\nperDay:1\n", "followup.yaml:2:7: a space is missing after the colon: write \"key: value\""},
		{"colon missing", f, "enabled: false\nperDay 1\n", "followup.yaml:2:1: expected a key with a value, such as \"name: value\"; is a colon missing, or should this line be indented as part of the text above?"},
		{"indented too far", f, "enabled: false\n  perDay: 1\n", "followup.yaml:2:3: a key stands here, but the line above it has a value already; are the spaces on the left right, or are quotes missing around the text?"},
		{"indented unevenly", "hours.yaml", "week:\n    mon: []\n   tue: []\n", "hours.yaml:3:4: this line is indented by 3 spaces, the lines that it seems to belong to by 0; the same spaces on the left are needed"},
		{"list under a value", "followup.yaml", "platforms: x\n  - mastodon\n", "followup.yaml:1:12: expected a list, such as [a, b]"},
		{"dash after a key", f, "platforms: - x\n", "followup.yaml:1:12: a list begins on a line of its own: put \"- ...\" below, or write [a, b]"},
		{"variable without quotes", f, "template: {{name}}, hello\n", "followup.yaml:1:11: a text that begins with \"{{\" must stand in quotes"},
		{"variable without quotes in a list", f, "platforms: [{{name}}]\n", "followup.yaml:1:13: a text that begins with \"{{\" must stand in quotes"},
		{"handle without quotes", f, "template: @veloria\n", "followup.yaml:1:11: a text cannot begin with \"@\"; put it in quotes"},
		{"quote never closed", f, "enabled: false\ntemplate: \"Hello\nperDay: 1\n", "followup.yaml:2:11: the quote that opens here is never closed"},
		{"text after a quote", f, "template: \"Hello\" world\n", "followup.yaml:1:19: \"world\" stands after the closing quote; if it is all one text, put the whole in quotes and write \\\" for a quote in it"},
		{"bracket never closed", f, "platforms: [x,\nperDay: 1\n", "followup.yaml:1:12: \"[\" is never closed with \"]\""},
		{"comma missing", "hours.yaml", "week: {mon: [] tue: []}\n", "hours.yaml:1:16: expected \",\" or \"}\" before this; if it is all one text, put it in quotes"},
		{"unknown escape", f, "template: \"C:\\help\"\n", "followup.yaml:1:14: \"\\\\h\" means nothing; write \\\\ for a backslash, or use single quotes"},
		{"escape without digits", f, "template: \"\\xyz\"\n", "followup.yaml:1:14: \\x, \\u and \\U need hexadecimal digits; write \\\\ for a backslash, or use single quotes"},
		{"half a surrogate", f, "template: \"\\ud83d\"\n", "followup.yaml:1:14: this number is no character; write the character itself"},
		{"variable and more without quotes in a list", f, "platforms:\n  - {{name}}, hello\n", "followup.yaml:2:5: a text that begins with \"{{\" must stand in quotes"},
		{"bracket never closed before another key", f, "platforms: [x,\nperDay: 1\nenabled: false\n", "followup.yaml:3:8: expected \",\" or \"]\" before this; if it is all one text, put it in quotes; the \"[\" of line 1 is still open here"},
		{"bracket never closed after a comma", f, "platforms: [x,\n", "followup.yaml:2:1: the file ends here, but a bracket above is never closed"},
		{"bracket never closed in the last line", f, "platforms: [x,", "followup.yaml:1:15: the file ends here, but a bracket above is never closed"},
		{"text after a bracket", f, "platforms: [x] and y\n", "followup.yaml:1:16: \"and y\" stands after the closing bracket; if it is all one text, put the whole in quotes and write \\\" for a quote in it"},
		{"text after the only value", f, "\"enabled\" false\n", "followup.yaml:1:11: \"false\" stands after the closing quote; if it is all one text, put the whole in quotes and write \\\" for a quote in it"},
		{"bracket closed twice", f, "platforms: ]\n", "followup.yaml:1:12: a text cannot begin with \"]\"; put it in quotes"},
		{"comma twice", f, "platforms: [x,, y]\n", "followup.yaml:1:15: a value is missing before \",\""},
		{"two colons in a list", "rules.yaml", "rules:\n  - name: a: b\n", "rules.yaml:2:12: a second \": \" stands in this line; put the text in quotes"},
		{"question mark as text", f, "template: ? b\n", "followup.yaml:1:11: expected a plain word as key, without \"?\""},
		{"list item among keys", f, "enabled: false\n- perDay\n", "followup.yaml:2:1: a list item stands here, among keys; is the key of the list missing above?"},
		{"key among list items", "rules.yaml", "rules:\n  - name: a\n  owner: b\n", "rules.yaml:3:3: a list item, such as \"- name: value\", is expected here; is a dash missing, or are the spaces on the left wrong?"},
		{"indented unevenly far from the top", "rules.yaml", "rules:\n" + strings.Repeat("  - name: a\n    owner: b\n", 100) + "   owner: c\n", "rules.yaml:202:4: this line is indented by 3 spaces, the lines that it seems to belong to by 2; the same spaces on the left are needed"},
		{"bracket as key", f, "enabled: false\n]\n", "followup.yaml:2:1: expected a key with a value, such as \"name: value\""},
		{"colon missing in the last line", f, "enabled: false\nñandú", "followup.yaml:2:1: expected a key with a value"},
		{"sign of a block text", f, "template: >very< good\n", "followup.yaml:1:11: a text that begins with \">\" must stand in quotes"},
		{"block text in its first line", f, "template: | Hello\n", "followup.yaml:1:13: the text of a block begins on the next line; or put it in quotes"},
		{"tab below a text", f, "template: Hello\n\tworld\n", "followup.yaml:2:1: a tab stands here; YAML indents with spaces"},
		{"tab in a block text", f, "template: |\n\tHello\n", "followup.yaml:2:1: a tab stands here; YAML indents with spaces"},
		{"wide characters before a mistake", f, "template: ñ💚: x: y\n", "followup.yaml:1:13: a second \": \" stands in this line; put the text in quotes"},

		{"key a step too far out", "rules.yaml", "rules:\n  - name: a\n    template: b\n", "rules.yaml:3:5: unknown key \"template\"; it belongs under \"then\""},
		{"key a step too far in", "rules.yaml", "rules:\n  - name: a\n    then:\n      action: watch\n      guards: {hours: open}\n", "rules.yaml:5:7: unknown key \"guards\"; it belongs further out: indent it less"},
		{"the file of a test", "rules.yaml", "tests:\n  - name: a\n    \"-\": b\n", "rules.yaml:3:5: unknown key \"-\"; allowed: name, given, expect"},

		// What takes a parser long; what they hold is wrong in other ways, too.
		{"1 MB of keys", f, numbered(func(i string) string { return "k" + i + ": 1\n" }), "followup.yaml:1:1: unknown key \"k0\""},
		{"1 MB of one key", f, repeat("a: 1\n"), "followup.yaml:1:1: unknown key \"a\""},
		{"1 MB of keys in braces", "hours.yaml", "expect: {" + numbered(func(i string) string { return "k" + i + ": 1h, " }) + "}", "hours.yaml:1:"},
		{"1 MB of empty values", f, repeat("a:\n"), ""},
		{"1 MB of list items", f, repeat("- a\n"), ""},
		{"1 MB of empty items", f, repeat("-\n"), ""},
		{"1 MB of unknown platforms", f, "platforms: [" + repeat("a, ") + "]", ""},
		{"1 MB of languages", "brand.yaml", "languages: [" + repeat("aa,") + "]", ""},
		{"1 MB of aliases", f, repeat("- *a\n"), ""},
		{"1 MB of anchors", f, repeat("- &a b\n"), ""},
		{"1 MB of merge keys", f, repeat("<<: {a: b}\n"), ""},
		{"1 MB of a quote", f, "template: \"" + repeat("x\n  "), ""},
		{"1 MB of quotes", f, repeat("\""), ""},
		{"1 MB of a text", f, "template: " + repeat("x\n  "), ""},
		{"1 MB of a block text", f, "templat: |\n" + repeat("\n"), ""},
		{"1 MB of a folded text", f, "templat: >\n" + repeat("  x\n\n"), ""},
		{"1 MB of block texts", f, repeat("a: |\n"), ""},
		{"1 MB of question marks", f, repeat("? a\n"), ""},
		{"1 MB of documents", f, repeat("---\na: 1\n"), ""},
		{"1 MB of blanks", f, repeat(" "), ""},
		{"1 MB of blank lines", f, repeat("\n"), ""},
		{"1 MB of comments", f, repeat("#x\n"), ""},
		{"1 MB of ats", f, repeat("@"), ""},
		{"1 MB of stars", f, repeat("*"), ""},
		{"1 MB of commas", f, "platforms: [" + repeat(","), ""},
		{"1 MB of an open list", f, "platforms: [" + repeat("a, "), ""},
		{"1 MB of a wide list", f, "platforms: [" + repeat("é, "), ""},
		{"1 MB of digits", f, "perDay: " + repeat("9"), "followup.yaml:1:9: expected a whole number"},
		{"1 MB of unknown intents", "rules.yaml", "rules:\n" + repeat("- {when: {intents: [abcdefghijklmnop, bbcdefghijklmnopq]}}\n"), ""},
		{"1 MB of patterns", "brand.yaml", "orderNumbers: [" + repeat("'(a{1,900})', ") + "]", ""},
		{"1 MB of variables", "templates.yaml", "variables: {" + numbered(func(i string) string { return "v" + i + ": a, " }) + "}", ""},
		{"1 MB of uses of a variable", "templates.yaml", "templates: {a: {text: {en: {variants: ['" + repeat("{{x}}") + "']}}}}", ""},
	}
}

func deepKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", min(i, 300)) + "a:\n")
	}
	return b.String()
}

func TestHostileFilesAreRefusedInTime(t *testing.T) {
	for _, row := range hostile() {
		t.Run(row.name, func(t *testing.T) {
			files := small()
			files[row.file] = row.text
			type result struct {
				b   *Bundle
				err error
			}
			done := make(chan result, 1)
			start := time.Now()
			go func() {
				b, err := Load(fsOf(files))
				done <- result{b, err}
			}()
			var got result
			select {
			case got = <-done:
			case <-time.After(bound):
				t.Fatalf("not refused within %s", bound)
			}
			t.Logf("%v", time.Since(start))
			var errs Errors
			if !errors.As(got.err, &errs) || got.b != nil {
				t.Fatalf("taken: %v", got.err)
			}
			if len(errs) > maxErrors+1 {
				t.Errorf("%d errors", len(errs))
			}
			if !slices.ContainsFunc(errs, func(e Error) bool {
				return e.File == row.file && strings.HasPrefix(e.Error(), row.want) && (e.Line > 0 || row.want != "" || e.Message == "the file is empty")
			}) {
				t.Errorf("got  %.500s\nwant %s", errs, row.want)
			}
		})
	}
}

// A byte order mark before UTF-8, as some editors write it, is fine.
func TestByteOrderMark(t *testing.T) {
	files := small()
	for name := range files {
		files[name] = "\ufeff" + files[name]
	}
	if _, err := Load(fsOf(files)); err != nil {
		t.Error(err)
	}
	files["followup.yaml"] = "\ufeffenabeld: false\n"
	if _, err := Load(fsOf(files)); err == nil || !strings.HasPrefix(err.Error(), "followup.yaml:1:1: ") {
		t.Errorf("the mark moves the column: %v", err)
	}
}

func TestUnreadableFiles(t *testing.T) {
	rows := []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"a folder", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }, "followup.yaml: a folder of this name stands here; a file is needed"},
		{"no file", func(*testing.T, string) {}, "followup.yaml: the file is missing"},
		{"a link to nothing", func(t *testing.T, path string) { must(t, os.Symlink("nowhere", path)) }, "followup.yaml: the file is missing"},
		{"a device", func(t *testing.T, path string) { must(t, os.Symlink(os.DevNull, path)) }, "followup.yaml: this is no plain file"},
		{"no permission", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("enabled: false\n"), 0))
			if f, err := os.Open(path); err == nil {
				f.Close()
				t.Skip("this person may read everything")
			}
		}, "followup.yaml: the file cannot be read: permission denied"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range small() {
				if name != "followup.yaml" {
					must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
				}
			}
			row.make(t, filepath.Join(dir, "followup.yaml"))
			if _, err := Load(os.DirFS(dir)); err == nil || err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
	t.Run("an error while reading", func(t *testing.T) {
		if _, err := Load(failing{fsOf(small())}); err == nil || err.Error() != "followup.yaml: the file cannot be read: input/output error" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nothing at all", func(t *testing.T) {
		_, places, errs := Read(fstest.MapFS{})
		if len(errs) != len(files) {
			t.Errorf("%d errors, want one for each file: %v", len(errs), errs)
		}
		if line, column := places.Locate("rules.yaml", "rules[0]"); line != 0 || column != 0 {
			t.Errorf("a place in no file: %d:%d", line, column)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// failing breaks off in followup.yaml.
type failing struct{ fs.FS }

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if name == "followup.yaml" {
		return broken{file}, err
	}
	return file, err
}

type broken struct{ fs.File }

func (broken) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: "/home/ana/followup.yaml", Err: errors.New("input/output error")}
}

// BenchmarkHostile shows that time grows with the text, whatever it holds.
func BenchmarkHostile(b *testing.B) {
	for _, row := range hostile() {
		if !strings.HasPrefix(row.name, "1 MB") {
			continue
		}
		b.Run(row.name[len("1 MB of "):], func(b *testing.B) {
			files := small()
			files[row.file] = row.text
			dir := fsOf(files)
			b.SetBytes(int64(len(row.text)))
			for b.Loop() {
				_, _ = Load(dir)
			}
		})
	}
}
