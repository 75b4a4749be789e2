package config

import (
	"maps"
	"slices"
)

// hours checks hours.yaml.
func (c *checker) hours() {
	h := c.b.Hours
	if _, err := loadZone(h.TimeZone); err != nil {
		c.fail("timeZone", "unknown time zone %s: an IANA name such as Europe/Berlin is needed", quote(h.TimeZone))
	}
	open := 0
	for _, day := range slices.Sorted(maps.Keys(h.Week)) {
		p := "week." + day
		c.known(p+"#key", "day", day, weekdays[:])
		var spans []Span
		for i, text := range h.Week[day] {
			s, err := ParseSpan(text, false)
			if err != nil {
				c.fail(item(p, i), "%v", err)
				continue
			}
			for _, other := range spans {
				if s.Open < other.Close && other.Open < s.Close {
					c.fail(item(p, i), "%s overlaps another span of the same day", quote(text))
				}
			}
			spans = append(spans, s)
			open++
		}
	}
	if open == 0 {
		c.fail("week", "the week has no open hours at all")
	}
	c.most("holidays", len(h.Holidays), MaxWords)
	for i, x := range h.Holidays {
		c.date(item("holidays", i)+".date", x.Date)
		if slices.ContainsFunc(h.Holidays[:i], func(o Holiday) bool { return o.Date == x.Date }) {
			c.fail(item("holidays", i)+".date", "%s is here twice", quote(x.Date))
		}
	}
	if _, ok := h.Expect["default"]; !ok {
		c.fail("expect", "a default response time is needed")
	}
	for _, key := range slices.Sorted(maps.Keys(h.Expect)) {
		c.known("expect."+key+"#key", "platform", key, append([]string{"default"}, platformNames...))
		if h.Expect[key] <= 0 {
			c.fail("expect."+key, "must be longer than 0")
		}
	}
}
