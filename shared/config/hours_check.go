package config

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// MaxHolidays bounds the holidays of one team or unit: twenty years of them.
// MaxSpans bounds the open hours of one day.
const (
	MaxHolidays = 500
	MaxSpans    = 24
)

// hours checks hours.yaml.
func (c *checker) hours() {
	h := c.b.Hours
	c.zone("timeZone", h.TimeZone)
	c.week("week", h.Week)
	c.holidays("holidays", h.Holidays)
	c.promises("expect", h.Expect)

	c.most("teams", len(h.Teams), MaxTeams)
	c.most("units", len(h.Units), MaxWords)
	if len(h.Teams) > MaxTeams || len(h.Units) > MaxWords {
		return // who wrote that has other worries than a misspelt name
	}
	names := make([]string, len(h.Teams))
	for i, t := range h.Teams {
		names[i] = t.Name
	}
	for i, t := range h.Teams {
		p := item("teams", i)
		c.name(p, "team", t.Name, names, i)
		c.zone(p+".timeZone", t.TimeZone)
		c.week(p+".week", t.Week)
		c.holidays(p+".holidays", t.Holidays)
		each(c, p+".platforms", "platform", t.Platforms, platformNames)
		c.eachIn("brand.yaml", p+".languages", "language", t.Languages, c.b.Brand.Languages)
	}

	for _, name := range slices.Sorted(maps.Keys(h.Units)) {
		p, u := "units."+name, h.Units[name]
		c.brandName(p+"#key", "unit", name, c.units, func(i int) []string { return c.b.Brand.Units[i].Aliases })
		if u.TimeZone == "" && len(u.Week) == 0 && len(u.Holidays) == 0 && len(u.Expect) == 0 {
			c.fail(p, "nothing is said of %s: give it a timeZone, a week, holidays or expect, or leave it out", quote(name))
		}
		if u.TimeZone != "" {
			c.zone(p+".timeZone", u.TimeZone)
		}
		if len(u.Week) > 0 {
			c.week(p+".week", u.Week)
		}
		c.holidays(p+".holidays", u.Holidays)
		c.promises(p+".expect", u.Expect)
	}
}

func (c *checker) zone(path, name string) {
	if _, err := loadZone(name); err == nil {
		return
	}
	switch bare := strings.TrimLeftFunc(name, unicode.IsLetter); {
	case name == "":
		c.missing(path, "the time zone is missing: an IANA name such as Europe/Berlin is needed")
	case bare != "" && strings.ContainsRune("+-", rune(bare[0])) && strings.ContainsAny(bare, "0123456789"):
		c.fail(path, "%s is an offset and knows no summer time: an IANA name such as Europe/Berlin is needed", quote(name))
	default:
		if zone := likelyZone(name); zone != "" {
			c.fail(path, "unknown time zone %s, did you mean %q?", quote(name), zone)
		} else {
			c.fail(path, "unknown time zone %s: an IANA name such as Europe/Berlin is needed", quote(name))
		}
	}
}

func (c *checker) week(path string, week map[string][]string) {
	open := 0
	for _, day := range slices.Sorted(maps.Keys(week)) {
		p := path + "." + day
		if short := strings.ToLower(day[:min(3, len(day))]); len(day) > 3 && slices.Contains(weekdays[:], short) {
			c.fail(p+"#key", "unknown day %s, did you mean %q? allowed: %s", quote(day), short, strings.Join(weekdays[:], ", "))
		} else {
			c.known(p+"#key", "day", day, weekdays[:])
		}
		c.most(p, len(week[day]), MaxSpans)
		var spans []Span
		for i, text := range week[day][:min(MaxSpans, len(week[day]))] {
			s, err := ParseSpan(text, false)
			if err != nil {
				c.fail(item(p, i), "%v", err)
				continue
			}
			for _, other := range spans {
				if s.Open < other.Close && other.Open < s.Close {
					c.fail(item(p, i), "%s overlaps another span of the same day", quote(text))
					break
				}
			}
			spans = append(spans, s)
			open++
		}
	}
	if open == 0 {
		c.missing(path, "the week has no open hours at all")
	}
}

func (c *checker) holidays(path string, list []Holiday) {
	c.most(path, len(list), MaxHolidays)
	seen := map[string]bool{}
	for i, x := range list {
		p := item(path, i) + ".date"
		c.date(p, x.Date)
		if x.Date != "" && seen[x.Date] {
			c.fail(p, "%s is here twice", quote(x.Date))
		}
		seen[x.Date] = true
	}
}

func (c *checker) promises(path string, expect map[string]Duration) {
	for _, key := range slices.Sorted(maps.Keys(expect)) {
		c.known(path+"."+key+"#key", "platform", key, append([]string{"default"}, platformNames...))
		if d := time.Duration(expect[key]); d <= 0 {
			c.fail(path+"."+key, "must be longer than 0")
		}
	}
}
