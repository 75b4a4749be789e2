package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // Lambda's provided.al2023 image need not hold zone files

	"github.com/fielder-care/fielder/shared/care"
)

// weekdays are the keys of Hours.Week, by time.Weekday.
var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Who is what decides whose hours hold for a post.
type Who struct {
	Platform care.Platform
	Lang     string // language tag; its primary part counts, "" and "und" are no language
	Unit     string // a unit's name in brand.yaml, "" for none
}

// Who is whose hours hold for a post: of the units that it names, those of the
// first that keeps hours or promises of its own; else those of the teams that take
// its platform and language (what triage heard, else the platform's hint).
func (h Hours) Who(p care.Post, t care.Triage) Who {
	w := Who{Platform: p.Platform, Lang: t.Lang}
	if w.Lang == "" || w.Lang == "und" {
		w.Lang = p.Lang
	}
	for _, name := range t.Units {
		if _, ok := h.Units[name]; ok {
			w.Unit = name
			break
		}
	}
	return w
}

// Calendar is when somebody answers: while any of its teams is open, each by its
// own clock. A team is open when the clock on its wall shows a time within its
// hours, on a date that is no holiday of its; so a day with a clock change is
// shorter or longer, and an hour that the clock shows twice counts twice. Safe
// for concurrent use.
type Calendar struct {
	zone  *zone
	teams []*team
}

// For gives the calendar that holds for a post: the unit's, where the unit keeps
// hours of its own, else that of the main team and of every team that takes the
// platform and the language.
func (h Hours) For(who Who) Calendar {
	r := h.roster
	if r == nil {
		r = &roster{}
	}
	r.once.Do(func() { r.compile(&h) })
	if t, ok := r.units[who.Unit]; ok {
		return Calendar{t.zone, []*team{t}}
	}
	if len(r.teams) == 1 {
		return Calendar{r.teams[0].zone, r.teams}
	}
	lang, _, _ := strings.Cut(who.Lang, "-")
	teams := make([]*team, 0, len(r.teams))
	for _, t := range r.teams {
		if t.takes(who.Platform, lang) {
			teams = append(teams, t)
		}
	}
	return Calendar{r.teams[0].zone, teams}
}

// Location is the time zone in which the calendar's times are told: the brand's,
// or the unit's.
func (c Calendar) Location() *time.Location { return c.zone.loc }

// How far ahead Next and Shuts look: nobody closes for longer than a year. After
// counts for ten years: then 365 days (MaxDuration) have passed even in a week of
// seventeen open hours.
const (
	horizon = 400 * 24 * 60 * 60
	decade  = 3653 * 24 * 60 * 60
)

// Open says whether somebody answers at t.
func (c Calendar) Open(t time.Time) bool {
	open, _ := c.at(t.Unix())
	return open
}

// Next is when somebody answers next: t itself while open. False when that is
// not within 400 days.
func (c Calendar) Next(t time.Time) (time.Time, bool) { return c.until(t, true) }

// Shuts is the end of the open time that t is in, across everybody who answers;
// t itself while closed. False when there is no end to it within 400 days.
func (c Calendar) Shuts(t time.Time) (time.Time, bool) { return c.until(t, false) }

// until is the first time from t on at which the calendar is open or closed, as
// asked.
func (c Calendar) until(t time.Time, want bool) (time.Time, bool) {
	start := t.Unix()
	for s := start; s < start+horizon; {
		open, until := c.at(s)
		if open == want {
			if s == start {
				return t.In(c.zone.loc), true
			}
			return time.Unix(s, 0).In(c.zone.loc), true
		}
		s = until
	}
	return time.Time{}, false
}

// After is when d of open time has passed since t; for 0 that is when somebody
// answers next. Time open with several teams counts once. What the next ten years
// do not hold is counted around the clock from the last open minute on, or from t
// where there is none: then no hours can be meant.
func (c Calendar) After(t time.Time, d time.Duration) time.Time {
	d = max(0, d)
	last := t
	start := t.Unix()
	for s := start; s < start+decade; {
		open, until := c.at(s)
		if open {
			from, to := time.Unix(s, 0), time.Unix(until, 0)
			if s == start {
				from = t // with its part of a second
			}
			if rest := to.Sub(from); d > rest {
				d -= rest
			} else {
				return from.Add(d).In(c.zone.loc)
			}
			last = to
		}
		s = until
	}
	return last.Add(d).In(c.zone.loc)
}

// Due is by when a target wants the first response. A target of zero is due in
// 24 hours.
func (c Calendar) Due(t Target, now time.Time) time.Time {
	switch d := time.Duration(t.FirstResponse); {
	case d <= 0:
		return now.Add(Day).In(c.zone.loc)
	case t.AroundTheClock:
		return now.Add(d).In(c.zone.loc)
	default:
		return c.After(now, d)
	}
}

// Promise is the time by which the author of a post may be told to hear from us:
// what the unit's hours say may be expected, else the top level's, each for the
// platform or else by default; and where neither says anything, the service level
// of the severity.
func (h Hours) Promise(sla map[string]Target, who Who, severity care.Severity, now time.Time) time.Time {
	c := h.For(who)
	for _, expect := range []map[string]Duration{h.Units[who.Unit].Expect, h.Expect} {
		for _, key := range []string{string(who.Platform), "default"} {
			if d, ok := expect[key]; ok {
				return c.After(now, time.Duration(d))
			}
		}
	}
	return c.Due(sla[severity.String()], now)
}

// at says whether somebody answers in the second s of Unix time, and until when
// that surely stays so.
func (c Calendar) at(s int64) (open bool, until int64) {
	until = s + horizon
	for _, t := range c.teams {
		switch o, u := t.at(s); {
		case o && open:
			until = max(until, u)
		case o:
			open, until = true, u
		case !open:
			until = min(until, u)
		}
	}
	return open, until
}

// Week is the regular open time of each weekday (index 0 is Sunday) in the
// calendar's time zone, holidays aside, with the clocks as they stand at t: while
// another team's clock is changed and ours is not, its hours are others here.
// Spans are sorted and apart from each other.
func (c Calendar) Week(t time.Time) [7][]Span {
	const day, week = 24 * 60, 7 * 24 * 60
	here := c.zone.at(t.Unix()).offset
	var all []Span // minutes since Sunday 0:00
	for _, m := range c.teams {
		shift := int(here-m.zone.at(t.Unix()).offset) / 60
		for d, spans := range m.week {
			for _, s := range spans {
				open := ((d*day+s.Open+shift)%week + week) % week
				shut := open + s.Close - s.Open
				all = append(all, Span{open, min(shut, week)})
				if shut > week {
					all = append(all, Span{0, shut - week})
				}
			}
		}
	}
	slices.SortFunc(all, bySpan)
	var out [7][]Span
	end := 0 // of what is in out
	for _, s := range all {
		for open := max(s.Open, end); open < s.Close; {
			d := open / day
			shut := min(s.Close, (d+1)*day)
			if n := len(out[d]); n > 0 && out[d][n-1].Close == open-d*day {
				out[d][n-1].Close = shut - d*day
			} else {
				out[d] = append(out[d], Span{open - d*day, shut - d*day})
			}
			open, end = shut, shut
		}
	}
	return out
}

// Equal says whether two files say the same.
func (h Hours) Equal(o Hours) bool {
	h.roster, o.roster = nil, nil
	return reflect.DeepEqual(h, o)
}

// roster is Hours with everything read that For needs. A bundle's is made when it
// is first asked for, not when it is loaded: many functions never ask.
type roster struct {
	once  sync.Once
	teams []*team // the main team first
	units map[string]*team
}

func (r *roster) compile(h *Hours) {
	r.teams = append(r.teams, newTeam(h.TimeZone, h.Week, h.Holidays))
	for _, x := range h.Teams {
		t := newTeam(x.TimeZone, x.Week, x.Holidays)
		t.platforms, t.languages = x.Platforms, x.Languages
		r.teams = append(r.teams, t)
	}
	r.units = make(map[string]*team, len(h.Units))
	for name, u := range h.Units {
		if u.TimeZone == "" && len(u.Week) == 0 && len(u.Holidays) == 0 {
			continue // it only has expectations of its own
		}
		if len(u.Week) == 0 {
			u.Week = h.Week
		}
		if len(u.Holidays) == 0 {
			u.Holidays = h.Holidays
		}
		r.units[name] = newTeam(cmp.Or(u.TimeZone, h.TimeZone), u.Week, u.Holidays)
	}
}

// team is one team's hours, read.
type team struct {
	zone      *zone
	week      [7][]Span // by time.Weekday, sorted
	holidays  []int64   // days since 1 January 1970, sorted
	platforms []care.Platform
	languages []string
}

// newTeam leaves out what Load and Parse refuse.
func newTeam(timeZone string, week map[string][]string, holidays []Holiday) *team {
	t := &team{zone: zoneOf(timeZone)}
	for d, key := range weekdays {
		for _, text := range week[key] {
			if s, err := ParseSpan(text, false); err == nil {
				t.week[d] = append(t.week[d], s)
			}
		}
		slices.SortFunc(t.week[d], bySpan)
	}
	for _, x := range holidays {
		if date, err := time.Parse(time.DateOnly, x.Date); err == nil {
			t.holidays = append(t.holidays, date.Unix()/daySeconds)
		}
	}
	slices.Sort(t.holidays)
	return t
}

func bySpan(a, b Span) int { return cmp.Or(a.Open-b.Open, a.Close-b.Close) }

// takes says whether the team answers on a platform and in a language.
func (t *team) takes(p care.Platform, lang string) bool {
	return (len(t.platforms) == 0 || slices.Contains(t.platforms, p)) &&
		(len(t.languages) == 0 || slices.ContainsFunc(t.languages, func(l string) bool { return strings.EqualFold(l, lang) }))
}

const daySeconds = 24 * 60 * 60

// at says whether the team answers in the second s of Unix time, and until when
// that surely stays so: at most to the end of its day or to the next change of
// its clock.
func (t *team) at(s int64) (open bool, until int64) {
	z := t.zone.at(s)
	local := s + z.offset
	day := local / daySeconds
	if local < day*daySeconds {
		day-- // before 1970
	}
	midnight := day * daySeconds
	until = midnight + daySeconds
	if _, holiday := slices.BinarySearch(t.holidays, day); !holiday {
		weekday := ((day+int64(time.Thursday))%7 + 7) % 7 // day 0 was a Thursday
		for _, span := range t.week[weekday] {
			from, to := midnight+int64(span.Open)*60, midnight+int64(span.Close)*60
			if local < from {
				until = from
				break
			}
			if local < to {
				open, until = true, to
				break
			}
		}
	}
	return open, min(until-z.offset, z.until)
}

// zone is a time zone and what its clock showed when last asked: to ask the
// zone's rules takes longer than everything else that is computed with it.
type zone struct {
	loc  *time.Location
	last atomic.Pointer[clock]
}

// clock is a time in which a zone's clock is not changed: seconds of Unix time,
// and seconds east of UTC.
type clock struct{ from, until, offset int64 }

// at is how the clock stands in the second s of Unix time.
func (z *zone) at(s int64) clock {
	if c := z.last.Load(); c != nil && c.from <= s && s < c.until {
		return *c
	}
	t := time.Unix(s, 0).In(z.loc)
	_, offset := t.Zone()
	from, to := t.ZoneBounds()
	c := clock{from: s, until: s + horizon, offset: int64(offset)}
	if !from.IsZero() {
		c.from = from.Unix()
	}
	if !to.IsZero() {
		c.until = to.Unix()
	}
	// For years that only a rule describes, ZoneBounds takes every year to end
	// after 365 days: on the last day of a leap year the bound lies behind.
	if c.until <= s {
		c.until = (s/daySeconds + 1) * daySeconds
	}
	z.last.Store(&c)
	return c
}

// zones keeps loaded time zones; there are as many as IANA names at most.
var zones sync.Map // name -> *zone

// zoneOf loads a time zone. UTC when it is unknown, which Load and Parse refuse.
func zoneOf(name string) *zone {
	if z, ok := zones.Load(name); ok {
		return z.(*zone)
	}
	loc, err := loadZone(name)
	if err != nil {
		return utcZone
	}
	z, _ := zones.LoadOrStore(name, &zone{loc: loc})
	return z.(*zone)
}

var utcZone = &zone{loc: time.UTC}

// Location is the brand's time zone. UTC when the zone is unknown, which Load
// and Parse refuse.
func (h Hours) Location() *time.Location { return zoneOf(h.TimeZone).loc }

// Span is a time of day from Open to Close, in minutes after midnight; Close is
// at most 24*60.
type Span struct{ Open, Close int }

// ParseSpan reads "08:00-20:00". With over, the end may lie on the next day
// ("21:00-09:00"); without, it must come after the start, and may be 24:00.
func ParseSpan(s string, over bool) (Span, error) {
	a, b, ok := strings.Cut(s, "-")
	open, errA := minutesOf(strings.TrimSpace(a))
	shut, errB := minutesOf(strings.TrimSpace(b))
	switch {
	case !ok || errA != nil || errB != nil || open == 24*60:
		return Span{}, fmt.Errorf("%s is not a time span: write it as %q", quote(s), likelySpan(s))
	case shut == open:
		return Span{}, fmt.Errorf("%s ends as it begins", quote(s))
	case !over && shut < open:
		return Span{}, fmt.Errorf("%s ends before it begins: hours over midnight are two spans, one to 24:00 and, on the next day, one from 00:00", quote(s))
	}
	return Span{open, shut}, nil
}

// likelySpan is the form in which a span that cannot be read was probably meant:
// "9-17", "9.30 - 17" and "9am-5:30pm" have one. Else it is an example.
func likelySpan(s string) string {
	m := looseSpan().FindStringSubmatch(strings.ToLower(s))
	if m == nil {
		return "08:00-20:00"
	}
	var ends [2]int
	for i := range ends {
		hour, _ := strconv.Atoi(m[1+3*i])
		minute, _ := strconv.Atoi(m[2+3*i])
		switch half := m[3+3*i]; {
		case half == "pm" && hour < 12:
			hour += 12
		case half == "am" && hour == 12:
			hour = 0
		}
		ends[i] = hour*60 + minute
	}
	if ends[0] >= ends[1] || ends[1] > 24*60 {
		return "08:00-20:00"
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", ends[0]/60, ends[0]%60, ends[1]/60, ends[1]%60)
}

var looseSpan = sync.OnceValue(func() *regexp.Regexp {
	const end = `([0-9]{1,2})(?:[:.h]([0-5][0-9])?)?\s*(am|pm)?`
	return regexp.MustCompile(`^\s*` + end + `\s*(?:-|–|—|to|bis|a)\s*` + end + `\s*$`)
})

func minutesOf(s string) (int, error) {
	if len(s) != 5 || s[2] != ':' {
		return 0, errors.New("not a time")
	}
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, errors.New("not a time")
		}
	}
	m := int(s[0]-'0')*600 + int(s[1]-'0')*60 + int(s[3]-'0')*10 + int(s[4]-'0')
	if s[3] > '5' || m > 24*60 {
		return 0, errors.New("not a time")
	}
	return m, nil
}

// Holds says whether a minute of the day lies in the span, which may run over
// midnight.
func (s Span) Holds(minute int) bool {
	if s.Open < s.Close {
		return s.Open <= minute && minute < s.Close
	}
	return minute >= s.Open || minute < s.Close
}
