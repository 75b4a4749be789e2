package reply

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fielder-care/fielder/shared/config"
)

// expect is the promise "we answer ...": within some time while that is all open
// time, else by a time of day on a day. False when the language has no words for
// it, which the loader refuses.
func expect(lang string, h config.Hours, now time.Time, d time.Duration) (string, bool) {
	w, ok := wording[lang]
	if !ok || d <= 0 {
		return "", false
	}
	due := h.After(now, d)
	if due.Sub(now) == d {
		if m := int(d / time.Minute); m < 60 || m%60 != 0 {
			if m > 120 {
				return w.hours((m + 59) / 60), true
			}
			return w.minutes(max(1, m)), true
		}
		return w.hours(int(d / time.Hour)), true
	}
	loc := h.Location()
	local := due.In(loc)
	// A time to the half hour, never earlier than promised.
	if over := time.Duration(local.Minute()%30)*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond()); over > 0 {
		local = local.Add(30*time.Minute - over)
	}
	clock := strconv.Itoa(local.Hour()) + ":" + fmt.Sprintf("%02d", local.Minute())
	switch days := daysBetween(now.In(loc), local); {
	case days == 0:
		return w.today(clock), true
	case days == 1:
		return w.tomorrow(clock), true
	case days < 7:
		return w.weekday(clock, local.Weekday()), true
	default:
		return w.date(clock, local.Day(), local.Month()), true
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

// week is the opening hours, days with the same hours together: "Mon-Fri
// 8:00-20:00, Sat 9:00-14:00".
func week(lang string, h config.Hours) (string, bool) {
	w, ok := wording[lang]
	if !ok {
		return "", false
	}
	keys := [...]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	of := func(i int) string {
		var list []string
		for _, s := range slices.Sorted(slices.Values(h.Week[keys[i]])) {
			a, b, _ := strings.Cut(s, "-")
			list = append(list, plainClock(a)+"-"+plainClock(b))
		}
		return strings.Join(list, " & ")
	}
	var out []string
	for i := 0; i < len(keys); {
		j := i
		for j+1 < len(keys) && of(j+1) == of(i) {
			j++
		}
		if times := of(i); times != "" {
			days := w.days[i]
			if j > i {
				days += "-" + w.days[j]
			}
			out = append(out, days+" "+times)
		}
		i = j + 1
	}
	return strings.Join(out, ", "), true
}

// plainClock writes "08:00" as "8:00".
func plainClock(s string) string {
	s = strings.TrimSpace(s)
	if len(s) == 5 && s[0] == '0' {
		return s[1:]
	}
	return s
}

// words of one language. A clock is "8:30".
type words struct {
	days     [7]string // Monday first
	minutes  func(int) string
	hours    func(int) string
	today    func(clock string) string
	tomorrow func(clock string) string
	weekday  func(clock string, d time.Weekday) string
	date     func(clock string, day int, m time.Month) string
}

// wording has the languages of config.WordedLanguages; a test holds them
// together.
var wording = map[string]words{
	"en": {
		days:     [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
		minutes:  func(n int) string { return "within " + count(n, "minute", "minutes") },
		hours:    func(n int) string { return "within " + count(n, "hour", "hours") },
		today:    func(c string) string { return "by " + c + " today" },
		tomorrow: func(c string) string { return "by " + c + " tomorrow" },
		weekday:  func(c string, d time.Weekday) string { return "by " + c + " on " + d.String() },
		date:     func(c string, d int, m time.Month) string { return fmt.Sprintf("by %s on %d %s", c, d, m) },
	},
	"es": {
		days:     [7]string{"lun.", "mar.", "mié.", "jue.", "vie.", "sáb.", "dom."},
		minutes:  func(n int) string { return "en " + count(n, "minuto", "minutos") },
		hours:    func(n int) string { return "en " + count(n, "hora", "horas") },
		today:    func(c string) string { return "hoy antes de " + las(c) },
		tomorrow: func(c string) string { return "mañana antes de " + las(c) },
		weekday: func(c string, d time.Weekday) string {
			return "el " + [...]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"}[d] + " antes de " + las(c)
		},
		date: func(c string, d int, m time.Month) string {
			return fmt.Sprintf("el %d de %s antes de %s", d, [...]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}[m-1], las(c))
		},
	},
	"de": {
		days: [7]string{"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"},
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
		today:    func(c string) string { return "heute bis " + c + " Uhr" },
		tomorrow: func(c string) string { return "morgen bis " + c + " Uhr" },
		weekday: func(c string, d time.Weekday) string {
			return "am " + [...]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}[d] + " bis " + c + " Uhr"
		},
		date: func(c string, d int, m time.Month) string {
			return fmt.Sprintf("am %d. %s bis %s Uhr", d, [...]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}[m-1], c)
		},
	},
	"fr": {
		days: [7]string{"lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."},
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
		today:    func(c string) string { return "aujourd'hui avant " + heure(c) },
		tomorrow: func(c string) string { return "demain avant " + heure(c) },
		weekday: func(c string, d time.Weekday) string {
			return [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}[d] + " avant " + heure(c)
		},
		date: func(c string, d int, m time.Month) string {
			day := strconv.Itoa(d)
			if d == 1 {
				day = "1er"
			}
			return fmt.Sprintf("le %s %s avant %s", day, [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}[m-1], heure(c))
		},
	},
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// las puts the Spanish article before a time: "la 1:30", "las 8:30".
func las(clock string) string {
	if strings.HasPrefix(clock, "1:") {
		return "la " + clock
	}
	return "las " + clock
}

// heure writes a time as French does: "8 h 30", "9 h".
func heure(clock string) string {
	h, m, _ := strings.Cut(clock, ":")
	if m == "00" {
		return h + " h"
	}
	return h + " h " + m
}
