package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
)

// madrid: Monday to Friday 8 to 20, Saturday 9 to 14, closed on 8 December 2026.
func madrid() Hours {
	h := Hours{TimeZone: "Europe/Madrid", Week: map[string][]string{"sat": {"09:00-14:00"}},
		Holidays: []Holiday{{Date: "2026-12-08"}},
		Expect:   map[string]Duration{"default": Duration(4 * time.Hour), "x": Duration(time.Hour)}}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri"} {
		h.Week[d] = []string{"08:00-20:00"}
	}
	return h
}

func utc(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

// Madrid is UTC+1 in winter, UTC+2 in summer.
func TestOpen(t *testing.T) {
	rows := []struct {
		name, at string
		want     bool
	}{
		{"Tuesday morning", "2026-11-24 10:00", true},
		{"the minute it opens", "2026-11-24 07:00", true},
		{"a minute before", "2026-11-24 06:59", false},
		{"the minute it closes", "2026-11-24 19:00", false},
		{"a minute before closing", "2026-11-24 18:59", true},
		{"Saturday afternoon", "2026-11-21 14:00", false},
		{"Sunday", "2026-11-22 10:00", false},
		{"a holiday", "2026-12-08 10:00", false},
		{"summer time moves it", "2026-07-07 06:00", true},
		{"Tuesday there, Monday in UTC", "2026-11-23 23:30", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := madrid().For(Who{}).Open(utc(row.at)); got != row.want {
				t.Errorf("open at %s UTC: %v, want %v", row.at, got, row.want)
			}
		})
	}
}

func TestAfter(t *testing.T) {
	rows := []struct {
		name, from string
		d          time.Duration
		want       string
	}{
		{"within the day", "2026-11-24 10:00", time.Hour, "2026-11-24 11:00"},
		{"to the very end of the day", "2026-11-24 18:00", time.Hour, "2026-11-24 19:00"},
		{"over the night", "2026-11-24 18:30", time.Hour, "2026-11-25 07:30"},
		{"over the weekend", "2026-11-21 12:30", time.Hour, "2026-11-23 07:30"}, // Sat 13:30 there: 30 minutes left
		{"from a Sunday", "2026-11-22 10:00", 4 * time.Hour, "2026-11-23 11:00"},
		{"over a holiday", "2026-12-07 18:30", time.Hour, "2026-12-09 07:30"},
		{"several days", "2026-11-24 07:00", 30 * time.Hour, "2026-11-26 13:00"},
		{"into summer time", "2026-03-28 12:00", 2 * time.Hour, "2026-03-30 07:00"}, // 29 March has 23 hours; Sat 13:00 + 1 h, Mon 8:00 (06:00 UTC) + 1 h
		{"nothing", "2026-11-22 10:00", 0, "2026-11-23 07:00"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := madrid().For(Who{}).After(utc(row.from), row.d); !got.Equal(utc(row.want)) {
				t.Errorf("%s after %s: %s, want %s", row.d, row.from, got.UTC().Format("2006-01-02 15:04"), row.want)
			}
		})
	}
}

func TestNeverOpen(t *testing.T) {
	c := Hours{TimeZone: "UTC"}.For(Who{})
	if _, ok := c.Next(utc("2026-11-24 10:00")); ok {
		t.Error("found opening hours where there are none")
	}
	if got := c.After(utc("2026-11-24 10:00"), time.Hour); !got.Equal(utc("2026-11-24 11:00")) {
		t.Errorf("every hour counts, got %s", got)
	}
}

// A minute a week: ten years have 522 of them, the last in the first minute of
// 23 November 2036, and the rest of the year is counted from there.
func TestHardlyEverOpen(t *testing.T) {
	c := Hours{TimeZone: "UTC", Week: map[string][]string{"sun": {"00:00-00:01"}}}.For(Who{})
	if got := c.After(utc("2026-11-24 10:00"), 365*Day); !got.Equal(utc("2037-11-22 15:19")) {
		t.Errorf("got %s", got)
	}
	if got := c.After(utc("2026-11-24 10:00"), 3*time.Minute); !got.Equal(utc("2026-12-13 00:01")) {
		t.Errorf("three minutes end at %s", got)
	}
}

func TestNeverShut(t *testing.T) {
	h := Hours{TimeZone: "Europe/Madrid", Week: map[string][]string{}}
	for _, d := range weekdays {
		h.Week[d] = []string{"00:00-24:00"}
	}
	now := utc("2026-11-24 10:00")
	if end, ok := h.For(Who{}).Shuts(now); ok {
		t.Errorf("open around the clock, and yet it shuts at %s", end)
	}
	if got := h.For(Who{}).After(now, 100*Day); !got.Equal(now.Add(100 * Day)) {
		t.Errorf("100 days end at %s", got)
	}
	h.Holidays = []Holiday{{Date: "2026-12-25"}}
	if end, ok := h.For(Who{}).Shuts(now); !ok || !end.Equal(utc("2026-12-24 23:00")) {
		t.Errorf("before the holiday it shuts at %s, %v", end, ok)
	}
}

// sunny: Madrid by day; Manila by its own clock for English; Bogotá for direct
// messages and Instagram in Spanish; a shop in the Canaries, and one that only
// promises less.
func sunny() Hours {
	h := madrid()
	week := func(span string) map[string][]string {
		return map[string][]string{"mon": {span}, "tue": {span}, "wed": {span}, "thu": {span}, "fri": {span}}
	}
	h.Teams = []Team{
		{Name: "manila", TimeZone: "Asia/Manila", Week: week("09:00-18:00"), Languages: []string{"en"}, Holidays: []Holiday{{Date: "2026-11-30"}}},
		{Name: "bogota", TimeZone: "America/Bogota", Week: week("08:00-17:00"), Languages: []string{"es"}, Platforms: []care.Platform{care.Messenger, care.Instagram}},
	}
	h.Units = map[string]UnitHours{
		"Shop Arrecife": {TimeZone: "Atlantic/Canary", Week: week("10:00-21:00"), Expect: map[string]Duration{"default": Duration(24 * time.Hour), "instagram": Duration(3 * time.Hour)}},
		"Shop Gran Vía": {Expect: map[string]Duration{"x": Duration(2 * time.Hour)}},
		"Shop Larios":   {Week: week("10:00-21:00")},
		"Shop Colón":    {Holidays: []Holiday{{Date: "2026-11-24"}}},
	}
	return h
}

func TestFor(t *testing.T) {
	rows := []struct {
		name string
		who  Who
		at   string // UTC; Madrid +1, Manila +8, Bogotá -5, Arrecife +0
		want bool
	}{
		{"Madrid for anybody", Who{}, "2026-11-24 10:00", true},
		{"Manila in English", Who{Lang: "en"}, "2026-11-24 02:00", true},
		{"any English", Who{Lang: "en-PH", Platform: care.X}, "2026-11-24 02:00", true},
		{"not in Spanish", Who{Lang: "es"}, "2026-11-24 02:00", false},
		{"not in no language", Who{Lang: "und"}, "2026-11-24 02:00", false},
		{"Manila's own holiday", Who{Lang: "en"}, "2026-11-30 02:00", false},
		{"which is none in Madrid", Who{Lang: "en"}, "2026-11-30 08:00", true},
		{"Madrid's holiday is none in Manila", Who{Lang: "en"}, "2026-12-08 02:00", true},
		{"Bogotá in Spanish", Who{Lang: "es", Platform: care.Instagram}, "2026-11-24 21:59", true},
		{"to the minute", Who{Lang: "es", Platform: care.Instagram}, "2026-11-24 22:00", false},
		{"not on X", Who{Lang: "es", Platform: care.X}, "2026-11-24 21:00", false},
		{"a unit's own clock", Who{Unit: "Shop Arrecife"}, "2026-11-24 20:59", true},
		{"a unit is not the team", Who{Unit: "Shop Arrecife"}, "2026-11-24 09:30", false},
		{"nor another team", Who{Unit: "Shop Arrecife", Lang: "en"}, "2026-11-24 02:00", false},
		{"a unit without hours is as the top level", Who{Unit: "Shop Gran Vía", Lang: "en"}, "2026-11-24 02:00", true},
		{"a unit in the brand's zone", Who{Unit: "Shop Larios"}, "2026-11-24 19:59", true},
		{"with the brand's holidays", Who{Unit: "Shop Larios"}, "2026-12-08 11:00", false},
		{"a unit's own holidays", Who{Unit: "Shop Colón"}, "2026-11-24 11:00", false},
		{"instead of the brand's", Who{Unit: "Shop Colón"}, "2026-12-08 11:00", true},
		{"a unit that nobody knows", Who{Unit: "Shop Nowhere"}, "2026-11-24 10:00", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := sunny().For(row.who).Open(utc(row.at)); got != row.want {
				t.Errorf("open at %s UTC: %v, want %v", row.at, got, row.want)
			}
		})
	}
	if got := sunny().For(Who{Unit: "Shop Arrecife"}).Location().String(); got != "Atlantic/Canary" {
		t.Errorf("the shop tells its times in %s", got)
	}
	if got := sunny().For(Who{Lang: "en"}).Location().String(); got != "Europe/Madrid" {
		t.Errorf("the brand tells its times in %s", got)
	}
}

func TestWho(t *testing.T) {
	p := care.Post{Platform: care.X, Lang: "es"}
	rows := []struct {
		name   string
		triage care.Triage
		want   Who
	}{
		{"no unit", care.Triage{Lang: "en"}, Who{care.X, "en", ""}},
		{"the platform's hint", care.Triage{Lang: "und"}, Who{care.X, "es", ""}},
		{"a unit", care.Triage{Lang: "en", Units: []string{"Shop Larios"}}, Who{care.X, "en", "Shop Larios"}},
		{"one without hours", care.Triage{Lang: "en", Units: []string{"Shop Nowhere"}}, Who{care.X, "en", ""}},
		{"the first with hours", care.Triage{Lang: "en", Units: []string{"Shop Nowhere", "Shop Larios", "Shop Arrecife"}}, Who{care.X, "en", "Shop Larios"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := sunny().Who(p, row.triage); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// Who answers when, one team after the other: Madrid 08-20 (07-19 UTC), Manila
// 09-18 (01-10 UTC), Bogotá 08-17 (13-22 UTC).
func TestTheSunIsFollowed(t *testing.T) {
	english, spanish := sunny().For(Who{Lang: "en"}), sunny().For(Who{Lang: "es", Platform: care.Messenger})
	rows := []struct {
		name        string
		c           Calendar
		at          string
		next, shuts string
		d           time.Duration
		after       string
	}{
		{"Manila hands over to Madrid", english, "2026-11-24 02:00", "2026-11-24 02:00", "2026-11-24 19:00", 16 * time.Hour, "2026-11-24 18:00"},
		{"what both are open for counts once", english, "2026-11-24 06:00", "2026-11-24 06:00", "2026-11-24 19:00", 14 * time.Hour, "2026-11-25 02:00"},
		{"closed between Madrid and Manila", english, "2026-11-24 20:00", "2026-11-25 01:00", "2026-11-24 20:00", time.Hour, "2026-11-25 02:00"},
		{"Madrid hands over to Bogotá", spanish, "2026-11-24 18:30", "2026-11-24 18:30", "2026-11-24 22:00", 4 * time.Hour, "2026-11-25 07:30"},
		{"Saturday is Madrid's alone", spanish, "2026-11-27 22:30", "2026-11-28 08:00", "2026-11-27 22:30", 5 * time.Hour, "2026-11-28 13:00"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			at := utc(row.at)
			if got, ok := row.c.Next(at); !ok || !got.Equal(utc(row.next)) {
				t.Errorf("next %s, %v; want %s", got.UTC(), ok, row.next)
			}
			if got, ok := row.c.Shuts(at); !ok || !got.Equal(utc(row.shuts)) {
				t.Errorf("shuts %s, %v; want %s", got.UTC(), ok, row.shuts)
			}
			if got := row.c.After(at, row.d); !got.Equal(utc(row.after)) || got.Location() != row.c.Location() {
				t.Errorf("%s of open time end %s, want %s", row.d, got.UTC(), row.after)
			}
		})
	}
}

func TestPromise(t *testing.T) {
	sla := map[string]Target{
		"critical": {FirstResponse: Duration(15 * time.Minute), AroundTheClock: true},
		"low":      {FirstResponse: Duration(8 * time.Hour)},
	}
	silent := sunny()
	silent.Expect = nil
	rows := []struct {
		name     string
		h        Hours
		who      Who
		severity care.Severity
		now      string
		want     string
	}{
		{"the platform's", sunny(), Who{Platform: care.X}, care.SeverityLow, "2026-11-24 18:30", "2026-11-25 07:30"},
		{"the default", sunny(), Who{Platform: care.Bluesky}, care.SeverityLow, "2026-11-24 10:00", "2026-11-24 14:00"},
		{"counted with the teams", sunny(), Who{Platform: care.Messenger, Lang: "es"}, care.SeverityLow, "2026-11-24 18:30", "2026-11-25 07:30"},
		{"a unit's for the platform", sunny(), Who{Platform: care.Instagram, Unit: "Shop Arrecife"}, care.SeverityLow, "2026-11-24 19:00", "2026-11-25 11:00"},
		{"a unit's default before the top's platform", sunny(), Who{Platform: care.X, Unit: "Shop Arrecife"}, care.SeverityLow, "2026-11-24 10:00", "2026-11-26 12:00"},
		{"the top's where the unit is silent", sunny(), Who{Platform: care.Bluesky, Unit: "Shop Gran Vía"}, care.SeverityLow, "2026-11-24 10:00", "2026-11-24 14:00"},
		{"a promise beats the service level", sunny(), Who{Platform: care.X}, care.SeverityCritical, "2026-11-24 20:00", "2026-11-25 08:00"},
		{"the service level", silent, Who{Platform: care.X}, care.SeverityLow, "2026-11-24 18:00", "2026-11-25 14:00"},
		{"of the unit's hours", silent, Who{Unit: "Shop Larios"}, care.SeverityLow, "2026-11-24 19:00", "2026-11-25 16:00"},
		{"around the clock", silent, Who{Platform: care.X}, care.SeverityCritical, "2026-11-24 22:55", "2026-11-24 23:10"},
		{"no service level at all", silent, Who{Platform: care.X}, care.SeverityHigh, "2026-11-24 22:55", "2026-11-25 22:55"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := row.h.Promise(sla, row.who, row.severity, utc(row.now)); !got.Equal(utc(row.want)) {
				t.Errorf("at %s UTC we promise %s, want %s", row.now, got.UTC().Format("2006-01-02 15:04"), row.want)
			}
		})
	}
}

func TestCalendarWeek(t *testing.T) {
	show := func(week [7][]Span) string {
		var out []string
		for d, spans := range week {
			for _, s := range spans {
				out = append(out, fmt.Sprintf("%s %02d:%02d-%02d:%02d", weekdays[d], s.Open/60, s.Open%60, s.Close/60, s.Close%60))
			}
		}
		return strings.Join(out, ", ")
	}
	team := func(zone string, week map[string][]string) Hours {
		return Hours{TimeZone: "Europe/Madrid", Week: map[string][]string{"mon": {"14:00-18:00", "08:00-12:00"}}, Teams: []Team{{TimeZone: zone, Week: week}}}
	}
	rows := []struct {
		name string
		h    Hours
		at   string
		want string
	}{
		{"alone, sorted", team("UTC", nil), "2026-11-24 10:00", "mon 08:00-12:00, mon 14:00-18:00"},
		{"merged", team("Europe/Madrid", map[string][]string{"mon": {"12:00-15:00"}}), "2026-11-24 10:00", "mon 08:00-18:00"},
		{"swallowed", team("Europe/Madrid", map[string][]string{"mon": {"09:00-10:00"}}), "2026-11-24 10:00", "mon 08:00-12:00, mon 14:00-18:00"},
		{"over midnight", team("America/New_York", map[string][]string{"mon": {"12:00-20:00"}}), "2026-11-24 10:00", "mon 08:00-12:00, mon 14:00-24:00, tue 00:00-02:00"},
		{"over the end of the week, which begins on Sunday", team("America/New_York", map[string][]string{"sat": {"17:00-20:00"}}), "2026-11-24 10:00", "sun 00:00-02:00, mon 08:00-12:00, mon 14:00-18:00, sat 23:00-24:00"},
		{"over its beginning", team("Asia/Tokyo", map[string][]string{"sun": {"06:00-10:00"}}), "2026-11-24 10:00", "sun 00:00-02:00, mon 08:00-12:00, mon 14:00-18:00, sat 22:00-24:00"},
		{"while clocks differ by an hour less", team("America/New_York", map[string][]string{"mon": {"12:00-20:00"}}), "2026-10-27 10:00", "mon 08:00-12:00, mon 14:00-24:00, tue 00:00-01:00"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := show(row.h.For(Who{}).Week(utc(row.at))); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	goods := map[string]time.Duration{"30s": 30 * time.Second, "30m": 30 * time.Minute, "4h": 4 * time.Hour, "2d": 48 * time.Hour, "1h30m": 90 * time.Minute, "0": 0, "365d": 365 * 24 * time.Hour}
	for text, want := range goods {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%q is %v, %v; want %v", text, time.Duration(d), err, want)
		}
	}
	bads := []string{"", "4", "h", "4 h", "-4h", "4w", "1.5h", "366d", "999999999d", "9999999999s", "4h4", "٣h"}
	for _, text := range bads {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, time.Duration(d))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		want := Duration(time.Duration(rapid.IntRange(0, 365*24*3600).Draw(t, "seconds")) * time.Second)
		text, _ := want.MarshalText()
		var got Duration
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Fatalf("%v is written %q and read %v, %v", time.Duration(want), text, time.Duration(got), err)
		}
	})
}

func TestSpan(t *testing.T) {
	goods := []struct {
		text string
		over bool
		want Span
	}{
		{"08:00-20:00", false, Span{480, 1200}},
		{"00:00-24:00", false, Span{0, 1440}},
		{"21:00-09:00", true, Span{1260, 540}},
	}
	for _, row := range goods {
		if got, err := ParseSpan(row.text, row.over); err != nil || got != row.want {
			t.Errorf("%q is %v, %v", row.text, got, err)
		}
	}
	for _, text := range []string{"", "8:00-20:00", "08:00", "08:60-09:00", "08:00-24:01", "20:00-08:00", "08:00-08:00", "24:00-24:00", "0a:00-09:00", "08:00–20:00"} {
		if got, err := ParseSpan(text, false); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
	for text, want := range map[string]string{
		"9-17": "09:00-17:00", "9.30 – 17": "09:30-17:00", "8:00-20:00": "08:00-20:00", "9am-5:30pm": "09:00-17:30", "12am to 12pm": "00:00-12:00",
		"10 bis 18": "10:00-18:00", "17-9": "08:00-20:00", "all day": "08:00-20:00", "9-25": "08:00-20:00", "9h - 13h30": "09:00-13:30",
	} {
		if _, err := ParseSpan(text, false); err == nil || !strings.HasSuffix(err.Error(), "is not a time span: write it as \""+want+"\"") {
			t.Errorf("%q: %v, want the suggestion %s", text, err, want)
		}
	}
	night := Span{1260, 540}
	for minute, want := range map[int]bool{1259: false, 1260: true, 0: true, 539: true, 540: false} {
		if night.Holds(minute) != want {
			t.Errorf("21:00-09:00 holds minute %d: %v", minute, !want)
		}
	}
}

func TestPlaceholdersAndFill(t *testing.T) {
	if got, err := Placeholders("a {{name}} b {{ brand }}"); err != nil || len(got) != 2 || got[0] != "name" || got[1] != "brand" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"{{", "}}", "{{}}", "{{a b}}", "{{a}", "{{{a}}}", "x }} {{a}}", "{{\na}}b c}}"} {
		if got, err := Placeholders(bad); err == nil {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
	value := func(name string) (string, bool) {
		return map[string]string{"a": "{{b}}", "b": "B"}[name], name == "a" || name == "b"
	}
	if got, ok := Fill("<{{a}}|{{ b }}>", value); !ok || got != "<{{b}}|B>" {
		t.Errorf("got %q, %v: a value must not be expanded again", got, ok)
	}
	if _, ok := Fill("{{c}}", value); ok {
		t.Error("an unknown variable was filled")
	}
}
