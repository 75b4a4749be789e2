package reply

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/config"
)

// expectWords says by when the author hears from us: "within 2 hours" while all of
// that is open time and at most a day, else by a time of day, to the half hour, on
// a day, in the calendar's time zone: "by 9:30 tomorrow". What is said is never
// earlier than due, however it is read. False when due is not after now, or the
// language has no words for it, which the loader refuses.
func expectWords(lang string, due, now time.Time, cal config.Calendar) (string, bool) {
	w, ok := wording[lang]
	if !ok || !due.After(now) {
		return "", false
	}
	if d := due.Sub(now); d <= 24*time.Hour && cal.After(now, d).Equal(due) {
		m := int((d + time.Minute - 1) / time.Minute)
		if m%60 != 0 && m <= 120 {
			return w.minutes(m), true
		}
		return w.hours((m + 59) / 60), true
	}
	local := due.In(cal.Location())
	if over := time.Duration(local.Minute()%30)*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond()); over > 0 {
		local = local.Add(30*time.Minute - over)
	}
	return w.at(w.by, onceMore(local), now), true
}

// onceMore moves a time that the clock shows for the second time, because it was
// put back, to where it shows new times again: whoever reads "by 2:30" means the
// first one.
func onceMore(t time.Time) time.Time {
	back, _ := t.ZoneBounds()
	if back.IsZero() {
		return t
	}
	_, offset := t.Zone()
	_, before := back.Add(-time.Second).Zone()
	if end := back.Add(time.Duration(before-offset) * time.Second); t.Before(end) {
		return end
	}
	return t
}

// untilWords says until when we answer, "until 20:00". False while we are closed,
// and when there is no end to it.
func untilWords(lang string, now time.Time, cal config.Calendar) (string, bool) {
	w, ok := wording[lang]
	if !ok || !cal.Open(now) {
		return "", false
	}
	shuts, ok := cal.Shuts(now)
	if !ok {
		return "", false
	}
	return w.at(w.until, shuts.In(cal.Location()), now), true
}

// weekWords is the regular opening hours of the week as the clocks stand now, days
// with the same hours together: "Mon-Fri 8:00-20:00, Sat 9:00-14:00". False when
// the week has none.
func weekWords(lang string, now time.Time, cal config.Calendar) (string, bool) {
	w, ok := wording[lang]
	if !ok {
		return "", false
	}
	var times [7]string // Monday first
	for d, spans := range cal.Week(now) {
		list := make([]string, len(spans))
		for i, s := range spans {
			list[i] = plainClock(s.Open) + "-" + plainClock(s.Close)
		}
		times[(d+6)%7] = strings.Join(list, " & ")
	}
	if !slices.ContainsFunc(times[:], func(s string) bool { return s != "0:00-24:00" }) {
		return w.always, true
	}
	var out []string
	for i := 0; i < len(times); {
		j := i
		for j+1 < len(times) && times[j+1] == times[i] {
			j++
		}
		if times[i] != "" {
			days := w.days[i]
			if j > i {
				days += "-" + w.days[j]
			}
			out = append(out, days+" "+times[i])
		}
		i = j + 1
	}
	return strings.Join(out, ", "), len(out) > 0
}

// plainClock writes minutes after midnight as "8:00".
func plainClock(minute int) string { return fmt.Sprintf("%d:%02d", minute/60, minute%60) }

// words of one language.
type words struct {
	days           [7]string // short, Monday first
	weekdays       [7]string // in full, by time.Weekday
	always         string    // open day and night
	minutes, hours func(int) string
	// clock is a time of day as it stands in by and until, from "8:30"; midnight
	// is how midnight stands there.
	clock    func(string) string
	midnight string
	date     func(day int, m time.Month) string
	// by and until are said of a time today, tomorrow, on another day of the week
	// ahead, and on a later date; %[1]s is the clock, %[2]s the day.
	by, until [4]string
}

// at says a local time in one of the two ways.
func (w *words) at(way [4]string, t, now time.Time) string {
	day, clock := t, w.clock(plainClock(t.Hour()*60+t.Minute()))
	// Nobody who reads "by 0:00 tomorrow" is sure when that is.
	if eve := t.Add(-time.Minute); t.Hour() == 0 && t.Minute() == 0 && eve.Day() != t.Day() {
		day, clock = eve, w.midnight
	}
	switch days := daysBetween(now.In(t.Location()), day); {
	case days <= 1:
		return fmt.Sprintf(way[max(0, days)], clock)
	case days < 7:
		return fmt.Sprintf(way[2], clock, w.weekdays[day.Weekday()])
	default:
		return fmt.Sprintf(way[3], clock, w.date(day.Day(), day.Month()))
	}
}

// daysBetween counts civil days.
func daysBetween(a, b time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(b).Sub(midnight(a)).Hours() / 24)
}

// wording has the languages of config.WordedLanguages; a test holds them
// together.
var wording = map[string]*words{
	"en": {
		days:     [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
		weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		always:   "around the clock",
		minutes:  func(n int) string { return "within " + count(n, "minute", "minutes") },
		hours:    func(n int) string { return "within " + count(n, "hour", "hours") },
		clock:    func(c string) string { return c },
		midnight: "midnight",
		date:     func(d int, m time.Month) string { return fmt.Sprintf("%d %s", d, m) },
		by:       [4]string{"by %s today", "by %s tomorrow", "by %s on %s", "by %s on %s"},
		until:    [4]string{"until %s", "until %s tomorrow", "until %s on %s", "until %s on %s"},
	},
	"es": {
		days:     [7]string{"lun.", "mar.", "mié.", "jue.", "vie.", "sáb.", "dom."},
		weekdays: [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		always:   "las 24 horas",
		minutes:  func(n int) string { return "en " + count(n, "minuto", "minutos") },
		hours:    func(n int) string { return "en " + count(n, "hora", "horas") },
		clock:    func(c string) string { return article(c, "la ", "las ") },
		midnight: "medianoche",
		date: func(d int, m time.Month) string {
			return fmt.Sprintf("%d de %s", d, [...]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}[m-1])
		},
		by:    [4]string{"hoy antes de %s", "mañana antes de %s", "el %[2]s antes de %[1]s", "el %[2]s antes de %[1]s"},
		until: [4]string{"hasta %s", "hasta mañana a %s", "hasta el %[2]s a %[1]s", "hasta el %[2]s a %[1]s"},
	},
	"de": {
		days:     [7]string{"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"},
		weekdays: [7]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
		always:   "rund um die Uhr",
		minutes: func(n int) string {
			if n == 1 {
				return "innerhalb einer Minute"
			}
			return fmt.Sprintf("innerhalb von %d Minuten", n)
		},
		hours: func(n int) string {
			if n == 1 {
				return "innerhalb einer Stunde"
			}
			return fmt.Sprintf("innerhalb von %d Stunden", n)
		},
		clock:    func(c string) string { return c + " Uhr" },
		midnight: "Mitternacht",
		date: func(d int, m time.Month) string {
			return fmt.Sprintf("%d. %s", d, [...]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}[m-1])
		},
		by:    [4]string{"heute bis %s", "morgen bis %s", "am %[2]s bis %[1]s", "am %[2]s bis %[1]s"},
		until: [4]string{"bis %s", "bis morgen, %s", "bis %[2]s, %[1]s", "bis zum %[2]s, %[1]s"},
	},
	"fr": {
		days:     [7]string{"lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."},
		weekdays: [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
		always:   "24 heures sur 24",
		minutes: func(n int) string {
			if n == 1 {
				return "en moins d'une minute"
			}
			return fmt.Sprintf("en moins de %d minutes", n)
		},
		hours: func(n int) string {
			if n == 1 {
				return "en moins d'une heure"
			}
			return fmt.Sprintf("en moins de %d heures", n)
		},
		clock: func(c string) string { // "8 h 30", "9 h"
			h, m, _ := strings.Cut(c, ":")
			return strings.TrimSuffix(h+" h "+m, " 00")
		},
		midnight: "minuit",
		date: func(d int, m time.Month) string {
			day := strconv.Itoa(d)
			if d == 1 {
				day = "1er"
			}
			return day + " " + [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}[m-1]
		},
		by:    [4]string{"aujourd'hui avant %s", "demain avant %s", "%[2]s avant %[1]s", "le %[2]s avant %[1]s"},
		until: [4]string{"jusqu'à %s", "jusqu'à demain, %s", "jusqu'à %[2]s, %[1]s", "jusqu'au %[2]s, %[1]s"},
	},
	"pt": {
		days:     [7]string{"seg.", "ter.", "qua.", "qui.", "sex.", "sáb.", "dom."},
		weekdays: [7]string{"domingo", "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado"},
		always:   "24 horas por dia",
		minutes:  func(n int) string { return "dentro de " + count(n, "minuto", "minutos") },
		hours:    func(n int) string { return "dentro de " + count(n, "hora", "horas") },
		clock:    func(c string) string { return article(c, "à ", "às ") },
		midnight: "à meia-noite",
		date: func(d int, m time.Month) string {
			return fmt.Sprintf("%d de %s", d, [...]string{"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"}[m-1])
		},
		by:    [4]string{"hoje até %s", "amanhã até %s", "%[2]s até %[1]s", "no dia %[2]s até %[1]s"},
		until: [4]string{"até %s", "até amanhã %s", "até %[2]s %[1]s", "até %[2]s %[1]s"},
	},
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// article puts one article before one o'clock and another before every other time:
// "la 1:30", "las 8:30".
func article(clock, one, many string) string {
	if strings.HasPrefix(clock, "1:") {
		return one + clock
	}
	return many + clock
}
