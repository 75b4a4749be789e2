package local

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cost"
)

// schedule is an EventBridge Scheduler schedule.
type schedule struct {
	id, arn, target, roleARN, input, deadLetter string
	retries                                     int
	maxAge                                      time.Duration
	disabled                                    bool
	next                                        func(after time.Time) (time.Time, bool)
}

// startSchedule arms the next run, which arms the one after it.
func (s *Stack) startSchedule(one *schedule) {
	if one.disabled {
		return
	}
	now := s.clock.Now()
	at, ok := one.next(now)
	if !ok {
		return
	}
	s.armSchedule(one, at)
}

func (s *Stack) armSchedule(one *schedule, at time.Time) {
	s.clock.AfterFunc(at.Sub(s.clock.Now()), func() {
		if s.ctx.Err() != nil {
			return
		}
		// Counted from when it was due, so that a slow run does not shift the rest;
		// a run that is due already is not made up for.
		next, ok := one.next(at)
		if now := s.clock.Now(); ok && next.Before(now) {
			next, ok = one.next(now)
		}
		if ok {
			s.armSchedule(one, next)
		}
		s.runSchedule(one, at)
	})
}

func (s *Stack) runSchedule(one *schedule, at time.Time) {
	began := s.clock.Now()
	id := newID()
	for attempt := 0; ; attempt++ {
		s.meter.Add(true, cost.Entry{Service: "scheduler", Operation: "Invoke", Units: map[cost.Unit]float64{cost.Invocation: 1}})
		input := strings.NewReplacer("<aws.scheduler.schedule-arn>", one.arn, "<aws.scheduler.scheduled-time>", at.Format(time.RFC3339),
			"<aws.scheduler.execution-id>", id, "<aws.scheduler.attempt-number>", strconv.Itoa(attempt+1)).Replace(one.input)
		if input == "" {
			input = "{}"
		}
		err := s.handTo(one.target, one.roleARN, "scheduler.amazonaws.com", one.arn, []byte(input), true)
		if err == nil {
			return
		}
		wait := backoff(attempt)
		if retryable(err) && attempt < one.retries && s.clock.Now().Add(wait).Sub(began) <= one.maxAge {
			if s.clock.Sleep(s.ctx, wait) != nil {
				return
			}
			continue
		}
		s.scheduleFailed(one, input, err)
		return
	}
}

// scheduleFailed uses the dead-letter queue with the rights of the schedule's
// role.
func (s *Stack) scheduleFailed(one *schedule, input string, failure error) {
	s.logf("schedule %s: %v", one.id, failure)
	if one.deadLetter == "" {
		return
	}
	q := s.queues[tail(one.deadLetter, ":")]
	who, err := s.assume(one.roleARN, "scheduler.amazonaws.com", one.arn)
	if err == nil {
		err = s.authorize(who, "sqs:SendMessage", q.arn, nil)
	}
	if err == nil {
		err = q.send(s.clock.Now(), input, map[string]string{"SCHEDULE_ARN": one.arn, "TARGET_ARN": one.target, "ERROR_MESSAGE": failure.Error()}, 0)
	}
	if err != nil {
		s.logf("schedule %s: %v", one.id, err)
	}
}

// parseSchedule reads rate(), cron() and at() ("Schedule types in EventBridge
// Scheduler"). The function that it returns gives the first run after a time.
func parseSchedule(text string, zone *time.Location) (func(time.Time) (time.Time, bool), error) {
	kind, rest, ok := strings.Cut(text, "(")
	body, ok2 := strings.CutSuffix(rest, ")")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%q is not rate(...), cron(...) or at(...)", text)
	}
	switch kind {
	case "rate":
		number, unit, _ := strings.Cut(body, " ")
		n, err := strconv.Atoi(number)
		units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
		d, ok := units[strings.TrimSuffix(unit, "s")]
		if err != nil || n < 1 || !ok {
			return nil, fmt.Errorf("%q: rate needs a number and minutes, hours or days", text)
		}
		return func(after time.Time) (time.Time, bool) { return after.Add(time.Duration(n) * d), true }, nil
	case "at":
		at, err := time.ParseInLocation("2006-01-02T15:04:05", body, zone)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		return func(after time.Time) (time.Time, bool) { return at, at.After(after) }, nil
	case "cron":
		c, err := parseCron(body)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		return func(after time.Time) (time.Time, bool) { return c.next(after.In(zone)) }, nil
	}
	return nil, fmt.Errorf("%q is not rate(...), cron(...) or at(...)", text)
}

// cron is the set of values of each field.
type cron struct {
	minutes, hours, days, months, weekdays, years []int // weekdays: 1 is Sunday; nil: any
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func parseCron(body string) (cron, error) {
	var c cron
	fields := strings.Fields(body)
	if len(fields) != 6 {
		return c, fmt.Errorf("cron has 6 fields, not %d", len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return c, fmt.Errorf("one of day-of-month and day-of-week must be ?")
	}
	for i, f := range []struct {
		to       *[]int
		low, top int
		names    []string
	}{{&c.minutes, 0, 59, nil}, {&c.hours, 0, 23, nil}, {&c.days, 1, 31, nil}, {&c.months, 1, 12, monthNames}, {&c.weekdays, 1, 7, weekdayNames}, {&c.years, 1970, 2199, nil}} {
		values, err := parseField(fields[i], f.low, f.top, f.names)
		if err != nil {
			return c, err
		}
		*f.to = values
	}
	return c, nil
}

func parseField(text string, low, top int, names []string) ([]int, error) {
	if text == "*" || text == "?" {
		return nil, nil
	}
	number := func(s string) (int, error) {
		if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
			return low + i, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > top {
			return 0, fmt.Errorf("cron: %q is not between %d and %d (L, W and # are not supported)", s, low, top)
		}
		return n, nil
	}
	var out []int
	for _, part := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		from, to, step := low, top, 1
		var err error
		if a, b, ranged := strings.Cut(span, "-"); ranged {
			if from, err = number(a); err == nil {
				to, err = number(b)
			}
		} else if span != "*" {
			if from, err = number(span); err == nil && !stepped {
				to = from
			}
		}
		if err == nil && stepped {
			if step, err = strconv.Atoi(stepText); err == nil && step < 1 {
				err = fmt.Errorf("cron: step %d", step)
			}
		}
		if err != nil {
			return nil, err
		}
		for n := from; n <= to; n += step {
			out = append(out, n)
		}
	}
	return out, nil
}

func (c cron) next(after time.Time) (time.Time, bool) {
	in := func(set []int, n int) bool { return set == nil || slices.Contains(set, n) }
	t := after.Truncate(time.Minute).Add(time.Minute)
	for limit := after.AddDate(5, 0, 0); t.Before(limit); {
		switch {
		case !in(c.years, t.Year()) || !in(c.months, int(t.Month())) || !in(c.days, t.Day()) || !in(c.weekdays, int(t.Weekday())+1):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
		case !in(c.hours, t.Hour()):
			t = t.Truncate(time.Minute).Add(time.Duration(60-t.Minute()) * time.Minute)
		case !in(c.minutes, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t, true
		}
	}
	return time.Time{}, false
}
