// Package day is the form of a recorded day of social traffic: lines of JSON,
// each a body in a platform's own wire format (or a phone call), with the moment
// it came in. The files lie in events/samples/day, written by scripts/samples
// and played by "fielder demo".
package day

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"
)

// Date is the recorded day (UTC).
const Date = "2026-11-17"

// Ways in which a line reaches Fielder.
const (
	ViaX        = "webhook:x"
	ViaMeta     = "webhook:meta"
	ViaMastodon = "poll:mastodon" // a notification that the next poll finds
	ViaBluesky  = "poll:bluesky"
	ViaCall     = "call"
)

// Line is one thing that happens.
type Line struct {
	// At is the time of day in UTC, "07:42:10".
	At  string `json:"at"`
	Via string `json:"via"`
	// Body is the platform's own JSON: a webhook body, one notification, or a Call.
	Body json.RawMessage `json:"body"`
	// Story names the scripted story that the line belongs to, "" for chatter.
	Story string `json:"story,omitempty"`
	// Expect is what must become of the post of a scripted line.
	Expect string `json:"expect,omitempty"`
}

// Call is a phone call into the contact centre.
type Call struct {
	Contact string `json:"contact"` // Connect's contact id
	From    string `json:"from"`    // E.164
	Agent   string `json:"agent"`
	Seconds int    `json:"seconds"`
}

// Time is when the line happens.
func (l Line) Time() (time.Time, error) {
	return time.Parse("2006-01-02T15:04:05", Date+"T"+l.At)
}

// maxLine bounds one line: the largest webhook body that Fielder takes.
const maxLine = 4 << 20

// Read reads every *.jsonl file of dir, in order of time. Lines of the same
// second keep the order of the files' names and lines.
func Read(dir fs.FS) ([]Line, error) {
	files, err := fs.Glob(dir, "*.jsonl")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.jsonl files: is this a recorded day?")
	}
	sort.Strings(files)
	var out []Line
	for _, name := range files {
		f, err := dir.Open(name)
		if err != nil {
			return nil, err
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(make([]byte, 64*1024), maxLine)
		n := 1
		for ; sc.Scan(); n++ {
			if strings.TrimSpace(sc.Text()) == "" {
				continue
			}
			var l Line
			if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
				f.Close()
				return nil, fmt.Errorf("%s:%d: %v", name, n, err)
			}
			if _, err := l.Time(); err != nil {
				f.Close()
				return nil, fmt.Errorf("%s:%d: at %q is not a time of day such as 07:42:10", name, n, l.At)
			}
			out = append(out, l)
		}
		err = sc.Err()
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %v", name, n, err)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].At < out[j].At })
	return out, nil
}
