package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
)

// TestCustomersImport: good rows are imported whatever the others hold, and every
// bad one is told with its line.
func TestCustomersImport(t *testing.T) {
	w := startTestWorld(t)
	write := func(name, text string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const header = "external_id,name,email,phone,x,value,consent_match\n"
	for _, r := range []struct {
		name, text string
		fails      bool
		out        string
		errs       []string
	}{
		{"OK", header + "T-1,Ana Test,ana.test@example.com,+12025550191,8300001,900,yes\nT-2,Jon Test,,,,,\n", false,
			"2 rows: 2 customers created, 0 updated, 0 unchanged, 0 rejected\n", nil},
		{"OK again", header + "T-1,Ana Test,ana.test@example.com,+12025550191,8300001,900,yes\nT-2,Jon Test,,,,,\n", false,
			"2 rows: 0 customers created, 0 updated, 2 unchanged, 0 rejected\n", nil},
		{"OK with a byte order mark and CRLF", "\ufeff" + strings.ReplaceAll(header+"T-3,Bo Test,,,,,\n", "\n", "\r\n"), false,
			"1 rows: 1 customers created, 0 updated, 0 unchanged, 0 rejected\n", nil},
		{"ErrRows", header + "T-4,Cy Test,not-an-address,,,,\nT-5,Di Test,,12,,,\nT-6,Ed Test,,,,many,\nT-7,Flo Test,,,,,perhaps\nT-8,Gus Test,,,,50,\n,Nobody,,,,,\n", true,
			"6 rows: 1 customers created, 0 updated, 0 unchanged, 5 rejected\n",
			[]string{`bad.csv:2: `, `"not-an-address" is not an e-mail address`, `bad.csv:3: `, `bad.csv:4: `, `"many" is not an amount`, `bad.csv:5: `, `"perhaps" is neither yes nor no`, `bad.csv:7: `}},
		{"ErrEmpty", "", true, "", []string{"bad.csv"}},
		{"ErrNoID", "name,email\nAna,a@example.com\n", true, "", []string{"external_id"}},
		{"ErrQuotes", header + `T-9,"Ana,,,,` + "\n", true,
			"1 rows: 0 customers created, 0 updated, 0 unchanged, 1 rejected\n", []string{"bad.csv:2"}},
		{"ErrUnknownColumn", "external_id,nmae\nT-9,Ana\n", true, "", []string{"nmae"}},
		{"ErrBinary", "\x00\x01\x02\xff\xfe", true, "", []string{"bad.csv"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			stdout, stderr, err := fielder(t, "customers", "import", write("bad.csv", r.text))
			if (err != nil) != r.fails || stdout != r.out {
				t.Errorf("said %q, %v; want %q\n%s", stdout, err, r.out, stderr)
			}
			said := stderr
			if err != nil {
				said += err.Error()
			}
			for _, want := range r.errs {
				if !strings.Contains(said, want) {
					t.Errorf("nothing says %q:\n%s", want, said)
				}
			}
			if status(err, &strings.Builder{}) != map[bool]int{false: 0, true: 1}[r.fails] {
				t.Errorf("status for %v", err)
			}
			// A progress line of a terminal has no place in a file or pipe.
			if strings.Contains(stderr, "\r") {
				t.Errorf("progress in a pipe: %q", stderr)
			}
		})
	}
	c, i, err := w.table.CustomerByIdentity(t.Context(), "x", "8300001")
	if err != nil || c.Name != "Ana Test" || i.Grade == "" || c.Prospect {
		t.Errorf("%+v, %+v, %v", c, i, err)
	}
	if _, _, err := w.table.CustomerByIdentity(t.Context(), "email", "not-an-address"); care.CodeOf(err) != care.NotFound {
		t.Errorf("a rejected row was written: %v", err)
	}
}
