package config

import (
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
			if got := madrid().Open(utc(row.at)); got != row.want {
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
			if got := madrid().After(utc(row.from), row.d); !got.Equal(utc(row.want)) {
				t.Errorf("%s after %s: %s, want %s", row.d, row.from, got.UTC().Format("2006-01-02 15:04"), row.want)
			}
		})
	}
}

func TestNeverOpen(t *testing.T) {
	h := Hours{TimeZone: "UTC"}
	if _, ok := h.Next(utc("2026-11-24 10:00")); ok {
		t.Error("found opening hours where there are none")
	}
	if got := h.After(utc("2026-11-24 10:00"), time.Hour); !got.Equal(utc("2026-11-24 11:00")) {
		t.Errorf("every hour counts, got %s", got)
	}
}

func TestExpectFor(t *testing.T) {
	if got := madrid().ExpectFor(care.X); got != time.Hour {
		t.Errorf("x: %s", got)
	}
	if got := madrid().ExpectFor(care.Bluesky); got != 4*time.Hour {
		t.Errorf("bluesky: %s", got)
	}
}

// Counting minute by minute is slow and plainly right: After must agree.
func TestAfterAgreesWithCountingMinutes(t *testing.T) {
	h := madrid()
	rapid.Check(t, func(t *rapid.T) {
		from := utc("2026-03-01 00:00").Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "minute")) * time.Minute)
		d := rapid.IntRange(1, 2000).Draw(t, "minutes")
		want, left := from, d
		for left > 0 {
			if h.Open(want) {
				left--
			}
			want = want.Add(time.Minute)
		}
		if got := h.After(from, time.Duration(d)*time.Minute); !got.Equal(want) {
			t.Fatalf("%d minutes after %s: %s, want %s", d, from, got, want)
		}
	})
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

func TestTags(t *testing.T) {
	tags := []string{"praise", CapTag(3), QueueTag("care-priority")}
	if CapOf(tags) != 3 || QueueOf(tags) != "care-priority" {
		t.Errorf("tags %v read as %d, %q", tags, CapOf(tags), QueueOf(tags))
	}
	if CapOf([]string{"max-per-day:x", "queue"}) != 0 || QueueOf(nil) != "" {
		t.Error("found what is not there")
	}
}
