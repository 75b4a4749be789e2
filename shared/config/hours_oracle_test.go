package config

import (
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
)

// opensFor says what is right, in another way than the code: it looks at the
// clock on the wall, as text, and compares it with the hours as they are written.
func opensFor(zone string, week map[string][]string, holidays []Holiday) func(time.Time) bool {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	closed := map[string]bool{}
	for _, x := range holidays {
		closed[x.Date] = true
	}
	hours := map[string][]string{}
	for day, spans := range week {
		hours[strings.ToUpper(day[:1])+day[1:]] = spans
	}
	var wall []byte
	return func(t time.Time) bool {
		wall = t.In(loc).AppendFormat(wall[:0], "Mon 2006-01-02 15:04")
		if closed[string(wall[4:14])] {
			return false
		}
		for _, span := range hours[string(wall[:3])] {
			if from, to, _ := strings.Cut(span, "-"); string(wall[15:]) >= from && string(wall[15:]) < to {
				return true
			}
		}
		return false
	}
}

func anyOf(list ...func(time.Time) bool) func(time.Time) bool {
	return func(t time.Time) bool {
		return slices.ContainsFunc(list, func(f func(time.Time) bool) bool { return f(t) })
	}
}

// Two years of minutes in zones with every kind of change: by an hour and by half
// an hour, at midnight, north and south, in a month of fasting, a whole day that
// was left out, and none at all; with the last day of a leap year.
func TestMinuteByMinute(t *testing.T) {
	// Hours that begin, end and lie in what a change of the clock skips or repeats.
	odd := map[string][]string{
		"sun": {"00:15-00:45", "01:30-02:10", "02:20-02:40", "03:00-24:00"},
		"mon": {"00:00-01:00", "08:00-12:30", "13:30-20:00"},
		"tue": {"09:00-17:00"}, "wed": {"00:00-24:00"}, "thu": {"23:00-24:00"},
		"sat": {"00:00-00:30", "02:00-03:00", "22:00-24:00"},
	}
	office := map[string][]string{"mon": {"08:00-20:00"}, "tue": {"08:00-20:00"}, "wed": {"08:00-20:00"}, "thu": {"08:00-20:00"}, "fri": {"08:00-20:00"}, "sat": {"09:00-14:00"}}
	days := func(list ...string) (out []Holiday) {
		for _, d := range list {
			out = append(out, Holiday{Date: d})
		}
		return out
	}
	rows := []struct {
		zone     string
		year     int // and the next
		holidays []Holiday
	}{
		{"Europe/Madrid", 2027, days("2027-03-28", "2027-12-25", "2028-02-29", "2028-10-28")},
		{"America/New_York", 2028, days("2028-07-04", "2028-11-05", "2028-12-31")},
		{"America/Sao_Paulo", 2018, days("2018-11-04", "2019-02-17")}, // changed at midnight, then no more
		{"Australia/Lord_Howe", 2028, days("2028-04-02", "2029-01-01")},
		{"Asia/Kathmandu", 2026, days("2026-10-20")},
		{"Africa/Casablanca", 2026, days("2026-02-15", "2027-03-14")},
		{"Pacific/Apia", 2011, days("2011-12-29", "2011-12-31")},   // had no 30 December
		{"America/Havana", 2028, days("2028-03-12", "2028-11-05")}, // changes at midnight, both ways
	}
	for i, row := range rows {
		t.Run(row.zone, func(t *testing.T) {
			alone := Hours{TimeZone: row.zone, Week: odd, Holidays: row.holidays}
			start := time.Date(row.year, 1, 1, 0, 0, 0, 0, time.UTC)
			short := testing.Short() && i%3 != 0
			end := start.AddDate(2, 0, 0)
			if short {
				end = start.AddDate(1, 0, 0)
			}
			compare(t, alone.For(Who{}), opensFor(row.zone, odd, row.holidays), start, end)
			if short {
				return
			}
			three := Hours{TimeZone: "Europe/Madrid", Week: office, Teams: []Team{
				{TimeZone: row.zone, Week: odd, Holidays: row.holidays},
				{TimeZone: "Australia/Sydney", Week: office, Holidays: days("2028-10-01")},
			}}
			compare(t, three.For(Who{}), anyOf(opensFor("Europe/Madrid", office, nil), opensFor(row.zone, odd, row.holidays), opensFor("Australia/Sydney", office, days("2028-10-01"))), start, end)
		})
	}
}

// compare holds what a calendar says of the minutes from start to end against
// counting them.
func compare(t *testing.T, c Calendar, opens func(time.Time) bool, start, end time.Time) {
	t.Helper()
	const margin = 60 * 24 * 60 // minutes beyond, so that there is an end to be found
	minutes := int(end.Sub(start) / time.Minute)
	minute := func(i int) time.Time { return start.Add(time.Duration(i) * time.Minute) }
	open := make([]bool, minutes+margin)
	var list []int // the open minutes
	for i := range open {
		if open[i] = opens(minute(i)); open[i] {
			list = append(list, i)
		}
	}
	next, shuts := make([]int, len(open)), make([]int, len(open))
	for i, n, s := len(open)-1, -1, -1; i >= 0; i-- {
		if open[i] {
			n = i
		} else {
			s = i
		}
		next[i], shuts[i] = n, s
	}
	step := 1
	if testing.Short() {
		step = 61 // every minute of the hour comes up
	}
	bad := 0
	for i := 0; i < minutes && bad < 10; i += step {
		at := minute(i)
		if got := c.Open(at); got != open[i] {
			t.Errorf("open at %s: %v", at.In(c.Location()), got)
			bad++
		}
		if got, ok := c.Next(at); !ok || !got.Equal(minute(next[i])) {
			t.Errorf("next from %s: %s, want %s", at.In(c.Location()), got, minute(next[i]).In(c.Location()))
			bad++
		}
		if got, ok := c.Shuts(at); !ok || !got.Equal(minute(shuts[i])) {
			t.Errorf("shuts from %s: %s, want %s", at.In(c.Location()), got, minute(shuts[i]).In(c.Location()))
			bad++
		}
		first := sort.SearchInts(list, i)
		for _, d := range []int{0, 1, 45, 240, 1 + i%3000} {
			want := minute(list[first])
			if d > 0 {
				want = minute(list[first+d-1] + 1)
			}
			if got := c.After(at, time.Duration(d)*time.Minute); !got.Equal(want) {
				t.Errorf("%d minutes after %s: %s, want %s", d, at.In(c.Location()), got, want.In(c.Location()))
				bad++
			}
		}
	}
}

var testZones = []string{"Europe/Madrid", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Chatham", "UTC"}

// drawWeek draws hours that need not make sense, as a file may have them before it
// is checked, and now and then none.
func drawWeek(t *rapid.T, label string) map[string][]string {
	week := map[string][]string{}
	for _, d := range weekdays {
		for range rapid.IntRange(0, 2).Draw(t, label+" spans on "+d) {
			a := rapid.IntRange(0, 95).Draw(t, label+" from")
			b := rapid.IntRange(a+1, 96).Draw(t, label+" to")
			two := func(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
			week[d] = append(week[d], two(a/4)+":"+two(a%4*15)+"-"+two(b/4)+":"+two(b%4*15))
		}
	}
	return week
}

func drawTeam(t *rapid.T, label string) Team {
	x := Team{TimeZone: rapid.SampledFrom(testZones).Draw(t, label+" zone"), Week: drawWeek(t, label)}
	for range rapid.IntRange(0, 2).Draw(t, label+" holidays") {
		x.Holidays = append(x.Holidays, Holiday{Date: drawTime(t, label+" holiday").Format(time.DateOnly)})
	}
	return x
}

// drawTime draws a second of 2027 to 2029, more often one near a change of clocks.
func drawTime(t *rapid.T, label string) time.Time {
	changes := []string{"2027-03-28 01:00", "2027-10-31 01:00", "2027-11-07 06:00", "2028-04-01 15:00", "2028-09-30 15:30", "2028-12-31 12:00", "2028-02-29 00:00"}
	if rapid.Bool().Draw(t, label+" near a change") {
		return utc(rapid.SampledFrom(changes).Draw(t, label+" change")).Add(time.Duration(rapid.IntRange(-2*86400, 2*86400).Draw(t, label+" off")) * time.Second)
	}
	return utc("2027-01-01 00:00").Add(time.Duration(rapid.IntRange(0, 3*365*86400).Draw(t, label)) * time.Second)
}

func TestCalendarProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		main := drawTeam(t, "main")
		h := Hours{TimeZone: main.TimeZone, Week: main.Week, Holidays: main.Holidays}
		for range rapid.IntRange(0, 3).Draw(t, "teams") {
			h.Teams = append(h.Teams, drawTeam(t, "team"))
		}
		c := h.For(Who{})
		at := drawTime(t, "at")
		d := time.Duration(rapid.IntRange(0, 40*3600).Draw(t, "d")) * time.Second
		more := time.Duration(rapid.IntRange(0, 40*3600).Draw(t, "more")) * time.Second
		later := at.Add(time.Duration(rapid.IntRange(0, 10*86400).Draw(t, "later")) * time.Second)

		after := c.After(at, d)
		if after.Before(at.Add(d)) {
			t.Fatalf("%s after %s is %s: open time passes no faster than time", d, at, after)
		}
		if c.After(at, d+more).Before(after) {
			t.Fatalf("%s after %s is before %s after it", d+more, at, d)
		}
		if c.After(later, d).Before(after) {
			t.Fatalf("%s after %s is before %s after %s", d, later, d, at)
		}
		if got := c.After(after, more); d > 0 && more > 0 && !got.Equal(c.After(at, d+more)) {
			t.Fatalf("%s and then %s after %s: %s, in one go %s", d, more, at, got, c.After(at, d+more))
		}
		next, ok := c.Next(at)
		if ok && (after.Before(next) || !c.Open(next) || next.Before(at)) || ok && !c.After(at, 0).Equal(next) {
			t.Fatalf("next after %s: %s; %s after: %s", at, next, d, after)
		}
		if c.Open(at) != (ok && next.Equal(at)) {
			t.Fatalf("open at %s: %v; next: %s", at, c.Open(at), next)
		}
		if shuts, ok := c.Shuts(at); ok && (c.Open(shuts) || shuts.Before(at) || c.Open(at) == shuts.Equal(at)) {
			t.Fatalf("open at %s: %v; shuts: %s, open then: %v", at, c.Open(at), shuts, c.Open(shuts))
		}

		// Teams answer together: open while any is, in whatever order they are listed.
		one := func(x Team) Calendar {
			return Hours{TimeZone: x.TimeZone, Week: x.Week, Holidays: x.Holidays}.For(Who{})
		}
		any := one(main).Open(at)
		for _, x := range h.Teams {
			any = any || one(x).Open(at)
		}
		if any != c.Open(at) {
			t.Fatalf("together open at %s: %v, one by one: %v", at, c.Open(at), any)
		}
		other := h
		other.Teams = rapid.Permutation(h.Teams).Draw(t, "order")
		other.Teams = append(other.Teams, main) // and again: nobody counts twice
		if got := other.For(Who{}).After(at, d); !got.Equal(after) {
			t.Fatalf("in another order %s after %s is %s, not %s", d, at, got, after)
		}
	})
}

// A bundle is asked by many at once.
func TestCalendarsAreSafeForConcurrentUse(t *testing.T) {
	h := sunny()
	h.roster = new(roster)
	for i := range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for n := range 500 {
				at := utc("2026-01-01 00:00").Add(time.Duration(n*i) * 7 * time.Hour)
				who := Who{Platform: care.Messenger, Lang: []string{"en", "es"}[n%2], Unit: []string{"", "Shop Larios"}[i%2]}
				if got, want := h.For(who).Open(at), sunny().For(who).Open(at); got != want {
					t.Errorf("%+v at %s: %v", who, at, got)
				}
			}
		})
	}
}

// Loaded hours are read once, not for every post.
func TestLoadedHoursAreReadOnce(t *testing.T) {
	b := loaded(t)
	data, err := Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	now := utc("2026-11-24 10:00")
	for name, h := range map[string]Hours{"loaded": b.Hours, "parsed": parsed.Hours} {
		if n := testing.AllocsPerRun(100, func() { h.For(Who{Platform: care.X, Lang: "en"}).Open(now) }); n > 1 {
			t.Errorf("%s: %.0f allocations to ask whether somebody answers, want at most 1", name, n)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for name, h := range map[string]Hours{"one team": madrid(), "three teams": sunny()} {
		h.roster = new(roster)
		for when, at := range map[string]time.Time{"now": time.Now(), "2029": utc("2029-08-01 10:00")} {
			b.Run(name+" "+when, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					h.For(Who{Platform: care.Messenger, Lang: "es"}).Open(at)
				}
			})
		}
	}
}

func BenchmarkPromise(b *testing.B) {
	h := sunny()
	h.roster = new(roster)
	at := utc("2026-11-27 18:30")
	b.ReportAllocs()
	for b.Loop() {
		h.Promise(nil, Who{Platform: care.Messenger, Lang: "es"}, care.SeverityLow, at)
	}
}
