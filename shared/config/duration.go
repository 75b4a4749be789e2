package config

import (
	"fmt"
	"strconv"
	"time"
)

// Day is 24 hours, however long a calendar day is.
const Day = 24 * time.Hour

// MaxDuration bounds every duration in the files: a Step Functions execution may
// wait at most a year (Step Functions quotas).
const MaxDuration = 365 * Day

// UnmarshalText reads "30m", "4h", "2d", "1h30m"; units are s, m, h and d.
func (d *Duration) UnmarshalText(text []byte) error {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': Day}
	s := string(text)
	var total time.Duration
	if s == "0" {
		*d = 0
		return nil
	}
	for rest := s; ; {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n > 9 || n == len(rest) || units[rest[n]] == 0 {
			return fmt.Errorf("%s is not a duration: write a number and a unit, such as 30m, 4h or 2d", quote(s))
		}
		count, _ := strconv.Atoi(rest[:n])
		if time.Duration(count) > MaxDuration/units[rest[n]] {
			return fmt.Errorf("%s is longer than 365d", quote(s))
		}
		total += time.Duration(count) * units[rest[n]]
		if rest = rest[n+1:]; rest == "" {
			break
		}
		if len(s) > 32 {
			return fmt.Errorf("%s is not a duration", quote(s))
		}
	}
	if total > MaxDuration {
		return fmt.Errorf("%s is longer than 365d", quote(s))
	}
	*d = Duration(total)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is the duration in its largest whole unit; parts of a second are cut.
func (d Duration) String() string {
	t := time.Duration(d)
	switch {
	case t == 0:
		return "0"
	case t%Day == 0:
		return strconv.Itoa(int(t/Day)) + "d"
	case t%time.Hour == 0:
		return strconv.Itoa(int(t/time.Hour)) + "h"
	case t%time.Minute == 0:
		return strconv.Itoa(int(t/time.Minute)) + "m"
	}
	return strconv.Itoa(int(t/time.Second)) + "s"
}

// quote shows what was written, cut to a length that fits an error.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "..."
	}
	return strconv.Quote(s)
}
