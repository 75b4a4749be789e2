package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // Lambda's provided.al2023 image need not hold zone files

	"github.com/fielder-care/fielder/shared/care"
)

// weekdays are the keys of Hours.Week, by time.Weekday.
var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// zones keeps loaded time zones: loading one takes longer than everything else
// that is computed with it.
var zones sync.Map // name -> *time.Location

// Location is the brand's time zone. UTC when the zone is unknown, which Load
// and Parse refuse.
func (h Hours) Location() *time.Location {
	if loc, ok := zones.Load(h.TimeZone); ok {
		return loc.(*time.Location)
	}
	loc, err := loadZone(h.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(h.TimeZone, loc)
	return loc
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("an IANA name such as Europe/Berlin is needed")
	}
	return time.LoadLocation(name)
}

// Span is a time of day from Open to Close, in minutes after midnight; Close is
// at most 24*60.
type Span struct{ Open, Close int }

// ParseSpan reads "08:00-20:00". With over, the end may lie on the next day
// ("21:00-09:00"); without, it must come after the start, and may be 24:00.
func ParseSpan(s string, over bool) (Span, error) {
	a, b, ok := strings.Cut(s, "-")
	open, errA := clock(strings.TrimSpace(a))
	shut, errB := clock(strings.TrimSpace(b))
	if !ok || errA != nil || errB != nil || open == 24*60 {
		return Span{}, fmt.Errorf("%s is not a time span: write it as \"08:00-20:00\"", quote(s))
	}
	if !over && shut <= open || shut == open {
		return Span{}, fmt.Errorf("%s ends before it begins", quote(s))
	}
	return Span{open, shut}, nil
}

func clock(s string) (int, error) {
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

// interval is a time of real opening.
type interval struct{ open, shut time.Time }

// day gives the open intervals of the civil day that holds t in loc. Hours are
// read off the wall clock, so a day with a clock change is shorter or longer.
func (h Hours) day(t time.Time, loc *time.Location) []interval {
	y, m, d := t.In(loc).Date()
	date := time.Date(y, m, d, 12, 0, 0, 0, loc)
	if slices.ContainsFunc(h.Holidays, func(x Holiday) bool { return x.Date == date.Format(time.DateOnly) }) {
		return nil
	}
	var list []interval
	for _, text := range h.Week[weekdays[date.Weekday()]] {
		s, err := ParseSpan(text, false)
		if err != nil {
			continue // refused by Load and Parse
		}
		i := interval{time.Date(y, m, d, 0, s.Open, 0, 0, loc), time.Date(y, m, d, 0, s.Close, 0, 0, loc)}
		if i.open.Before(i.shut) {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b interval) int { return cmp.Or(a.open.Compare(b.open), a.shut.Compare(b.shut)) })
	return list
}

// Open says whether people answer at t.
func (h Hours) Open(t time.Time) bool {
	return slices.ContainsFunc(h.day(t, h.Location()), func(i interval) bool { return !t.Before(i.open) && t.Before(i.shut) })
}

// horizon bounds the search for open time: nobody closes for longer than a year.
const horizon = 400

// Next is when people answer next: t itself while open. False when that is
// never within 400 days.
func (h Hours) Next(t time.Time) (time.Time, bool) {
	loc := h.Location()
	y, m, d := t.In(loc).Date()
	for n := range horizon {
		for _, i := range h.day(time.Date(y, m, d+n, 12, 0, 0, 0, loc), loc) {
			if t.Before(i.open) {
				return i.open, true
			}
			if t.Before(i.shut) {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// After is when d of open time has passed since t. Where the next 400 days do not
// hold that much open time, every hour counts.
func (h Hours) After(t time.Time, d time.Duration) time.Time {
	loc := h.Location()
	y, m, day := t.In(loc).Date()
	left := d
	for n := range horizon {
		for _, i := range h.day(time.Date(y, m, day+n, 12, 0, 0, 0, loc), loc) {
			if !t.Before(i.shut) {
				continue
			}
			from := i.open
			if from.Before(t) {
				from = t
			}
			if open := i.shut.Sub(from); left <= open {
				return from.Add(left)
			} else {
				left -= open
			}
		}
	}
	return t.Add(d)
}

// ExpectFor is the response time that may be promised on a platform.
func (h Hours) ExpectFor(p care.Platform) time.Duration {
	if d, ok := h.Expect[string(p)]; ok {
		return time.Duration(d)
	}
	return time.Duration(h.Expect["default"])
}
