package config

import (
	"archive/zip"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sunnyFiles are the least files with teams and units.
func sunnyFiles() map[string]string {
	files := small()
	files["brand.yaml"] += "units: [{name: Shop Gran Vía}, {name: Shop Larios}]\n"
	files["hours.yaml"] = `timeZone: Europe/Madrid
week:
  mon: ["08:00-14:00", "16:00-20:00"]
holidays: [{date: 2026-12-25}, {date: 2027-01-01}]
expect: {x: 1h}
teams:
  - name: manila
    timeZone: Asia/Manila
    week: {tue: ["09:00-24:00"]}
    languages: [en]
    platforms: [x]
units:
  Shop Gran Vía: {timeZone: Atlantic/Canary, week: {sat: ["10:00-21:00"]}, holidays: [{date: 2026-05-15}], expect: {default: 1d}}
  Shop Larios: {expect: {x: 2h}}
`
	return files
}

// What is expected may be left to the service levels.
func TestHoursOK(t *testing.T) {
	b, err := Load(fsOf(sunnyFiles()))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Hours.Units["Shop Gran Vía"].Expect["default"]; time.Duration(got) != Day {
		t.Errorf("1d is read as %s", got)
	}
	files := sunnyFiles()
	files["hours.yaml"] = strings.Replace(files["hours.yaml"], "expect: {x: 1h}\n", "", 1)
	if _, err := Load(fsOf(files)); err != nil {
		t.Errorf("without expectations: %v", err)
	}
}

func TestHoursErrors(t *testing.T) {
	rows := []struct {
		name, old, new string
		want           []string
	}{
		{"no time zone", "timeZone: Europe/Madrid\n", "", []string{`1:1: the time zone is missing: an IANA name such as Europe/Berlin is needed`}},
		{"an abbreviation", "Europe/Madrid", "CET", []string{`1:11: unknown time zone "CET", did you mean "Europe/Madrid"?`}},
		{"an offset", "Europe/Madrid", "UTC+2", []string{`1:11: "UTC+2" is an offset and knows no summer time: an IANA name such as Europe/Berlin is needed`}},
		{"this machine's", "Europe/Madrid", "Local", []string{`1:11: unknown time zone "Local": an IANA name such as Europe/Berlin is needed`}},
		{"a path", "Europe/Madrid", "Europe/../../etc/passwd", []string{`1:11: unknown time zone "Europe/../../etc/passwd": an IANA name such as Europe/Berlin is needed`}},
		{"a team's", "Asia/Manila", "Manila", []string{`8:15: unknown time zone "Manila", did you mean "Asia/Manila"?`}},
		{"a unit's", "Atlantic/Canary", "Atlantic/Canaries", []string{`13:29: unknown time zone "Atlantic/Canaries", did you mean "Atlantic/Canary"?`}},
		{"a team that is never open", `week: {tue: ["09:00-24:00"]}`, "week: {}", []string{`9:11: the week has no open hours at all`}},
		{"a night", "09:00-24:00", "22:00-06:00", []string{
			`9:12: the week has no open hours at all`, `9:18: "22:00-06:00" ends before it begins: hours over midnight are two spans, one to 24:00 and, on the next day, one from 00:00`}},
		{"no hours", "16:00-20:00", "16:00-16:00", []string{`3:24: "16:00-16:00" ends as it begins`}},
		{"hours as people write them", "16:00-20:00", "4pm - 8.30pm", []string{`3:24: "4pm - 8.30pm" is not a time span: write it as "16:00-20:30"`}},
		{"overlap", "16:00-20:00", "13:59-20:00", []string{`3:24: "13:59-20:00" overlaps another span of the same day`}},
		{"a day in full", "tue:", "Tuesday:", []string{`9:12: unknown day "Tuesday", did you mean "tue"? allowed: sun, mon, tue, wed, thu, fri, sat`}},
		{"a unit's day", "sat:", "sab:", []string{`13:53: unknown day "sab", did you mean "sat"? allowed: sun, mon, tue, wed, thu, fri, sat`}},
		{"no such day", "2026-05-15", "2026-04-31", []string{`13:94: "2026-04-31" is not a date: write it as 2026-12-31`}},
		{"a holiday twice", "2027-01-01", "2026-12-25", []string{`4:39: "2026-12-25" is here twice`}},
		{"an unknown platform", "expect: {x: 1h}", "expect: {twitter: 1h}", []string{`5:10: unknown platform "twitter"; allowed: default, x, facebook, messenger, instagram, mastodon, bluesky`}},
		{"nothing promised", "expect: {x: 2h}", "expect: {x: 0}", []string{`14:29: must be longer than 0`}},
		{"a team without a name", "name: manila", "name:", []string{`7:5: there is no value here`}},
		{"a team's name", "name: manila", "name: Manila", []string{`7:11: "Manila" is no name for a team: use lower-case letters, digits and hyphens`}},
		{"a team twice", "units:\n", "  - {name: manila, timeZone: UTC, week: {fri: [\"09:00-10:00\"]}}\nunits:\n", []string{`12:12: there is already a team named "manila"`}},
		{"a team's language", "languages: [en]", "languages: [tl]", []string{`10:17: unknown language "tl"; allowed: en, es`}},
		{"a team's platform", "platforms: [x]", "platforms: [facebok]", []string{`11:17: unknown platform "facebok", did you mean "facebook"? allowed: x, facebook, messenger, instagram, mastodon, bluesky`}},
		{"an unknown unit", "  Shop Larios:", "  Shop Lario:", []string{`14:3: unknown unit (of brand.yaml) "Shop Lario", did you mean "Shop Larios"? allowed: Shop Gran Vía, Shop Larios`}},
		{"a unit of which nothing is said", "{expect: {x: 2h}}", "{}", []string{`14:16: nothing is said of "Shop Larios": give it a timeZone, a week, holidays or expect, or leave it out`}},
		{"a unit's week that is never open", `{sat: ["10:00-21:00"]}`, "{sat: []}", []string{`13:53: the week has no open hours at all`}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			files := sunnyFiles()
			if !strings.Contains(files["hours.yaml"], row.old) {
				t.Fatalf("no %q in hours.yaml", row.old)
			}
			files["hours.yaml"] = strings.Replace(files["hours.yaml"], row.old, row.new, 1)
			_, err := Load(fsOf(files))
			var got []string
			var errs Errors
			if errors.As(err, &errs) {
				for _, e := range errs {
					got = append(got, strings.TrimPrefix(e.Error(), "hours.yaml:"))
				}
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// A broken brand.yaml does not make every unit and language unknown.
func TestHoursWithoutABrand(t *testing.T) {
	files := sunnyFiles()
	files["brand.yaml"] = "name: [\n"
	_, err := Load(fsOf(files))
	if err == nil || strings.Contains(err.Error(), "hours.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestHostileHoursAreRefusedInTime(t *testing.T) {
	lines := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	num := func(i int) string {
		return strings.Repeat("x", 3+i%40) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
	}
	rows := map[string]string{
		"spans": "  tue: [" + lines(20000, func(i int) string { return `"08:00-20:00", ` }) + "]\n",
		"teams": "teams:\n" + lines(5000, func(i int) string { return "  - {name: " + num(i) + ", timeZone: Eurpe/" + num(i) + "}\n" }),
		"some":  "teams:\n" + lines(50, func(i int) string { return "  - {name: " + num(i) + ", timeZone: Eurpe/" + num(i) + "}\n" }),
		"units": "units:\n" + lines(5000, func(i int) string { return "  " + num(i) + ": {timeZone: Eurpe/" + num(i) + "}\n" }),
	}
	for name, more := range rows {
		t.Run(name, func(t *testing.T) {
			files := small()
			files["hours.yaml"] += more
			if name == "spans" {
				files["hours.yaml"] = strings.Replace(small()["hours.yaml"], "expect:", more+"expect:", 1)
			}
			start := time.Now()
			if _, err := Load(fsOf(files)); err == nil {
				t.Error("it loads")
			}
			if took := time.Since(start); took > 30*time.Second { // a second, on a machine that does nothing else
				t.Errorf("it took %s to refuse it", took)
			}
		})
	}
}

func TestLikelyZone(t *testing.T) {
	goods := map[string]string{
		"europe/madrid": "Europe/Madrid", "EUROPE/MADRID": "Europe/Madrid", "Europe/Madird": "Europe/Madrid", "Europ/Madrid": "Europe/Madrid",
		"Madrid": "Europe/Madrid", "madrit": "Europe/Madrid", "Spain/Madrid": "Europe/Madrid", " Europe / Madrid": "Europe/Madrid",
		"America/New York": "America/New_York", "new york": "America/New_York", "Europe/New_York": "America/New_York", "America/NewYork": "America/New_York",
		"São Paulo": "America/Sao_Paulo", "Brazil/São Paulo": "America/Sao_Paulo", "Bogotá": "America/Bogota", "America/Buenos_Aires ": "America/Argentina/Buenos_Aires",
		"CET": "Europe/Madrid", "cest": "Europe/Madrid", "EST": "America/New_York", "PST": "America/Los_Angeles", "utc": "UTC",
	}
	for name, want := range goods {
		if got := likelyZone(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"", "/", "Mars", "Local", "12:00", "Europe/", "our time zone", strings.Repeat("Madrid", 20)} {
		if got := likelyZone(name); got != "" {
			t.Errorf("%q is taken for %q", name, got)
		}
	}
}

func TestLoadZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "US/Eastern"} {
		if _, err := loadZone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "Local", "CET", "EST", "GMT", "europe/madrid", "posix/Europe/Madrid", "right/Europe/Madrid", "/etc/passwd", "../UTC", "Europe/Atlantis", "Europe/"} {
		if _, err := loadZone(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// The zones that are suggested load, and none that Go's own copy of the tz
// database has is forgotten but those that it only keeps for old programs.
func TestSuggestedZonesLoad(t *testing.T) {
	for _, name := range zoneNames() {
		if _, err := loadZone(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for like, name := range abbreviated {
		if _, err := loadZone(name); err != nil || like != strings.ToLower(like) {
			t.Errorf("%s for %s: %v", name, like, err)
		}
	}
	for _, area := range []string{"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"} {
		if !slices.ContainsFunc(zoneNames(), func(n string) bool { return strings.HasPrefix(n, area+"/") }) {
			t.Errorf("no zone in %s", area)
		}
	}
	root := os.Getenv("GOROOT")
	if out, err := exec.Command("go", "env", "GOROOT").Output(); err == nil {
		root = strings.TrimSpace(string(out))
	}
	z, err := zip.OpenReader(filepath.Join(root, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skipf("this machine's Go has no copy of the tz database: %v", err)
	}
	defer z.Close()
	has := map[string]bool{}
	for _, f := range z.File {
		has[f.Name] = true
	}
	for _, name := range zoneNames() {
		if !has[name] {
			t.Errorf("%s is not in Go's copy", name)
		}
	}
}
