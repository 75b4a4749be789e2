package reply

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// hoursOf are hours in one zone: Monday to Friday 8 to 20, Saturday 9 to 14,
// closed on 8 and 25 December 2026.
func hoursOf(zone string) config.Hours {
	h := config.Hours{TimeZone: zone, Week: map[string][]string{"sat": {"09:00-14:00"}}, Holidays: []config.Holiday{{Date: "2026-12-08"}, {Date: "2026-12-25"}}}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri"} {
		h.Week[d] = []string{"08:00-20:00"}
	}
	return h
}

// always is open day and night, but for some days.
func always(zone string, holidays ...string) config.Hours {
	h := config.Hours{TimeZone: zone, Week: map[string][]string{}}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		h.Week[d] = []string{"00:00-24:00"}
	}
	for _, d := range holidays {
		h.Holidays = append(h.Holidays, config.Holiday{Date: d})
	}
	return h
}

func local(t testing.TB, h config.Hours, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, h.Location())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// spoken is what one row says in each language.
type spoken struct{ en, es, de, fr, pt string }

func (s spoken) byLang() map[string]string {
	return map[string]string{"en": s.en, "es": s.es, "de": s.de, "fr": s.fr, "pt": s.pt}
}

func TestExpectWords(t *testing.T) {
	h := hoursOf("Europe/Madrid")
	rows := []struct {
		name, now string
		d         time.Duration // of open time
		want      spoken
	}{
		{"minutes", "2026-11-24 11:00", 30 * time.Minute, spoken{"within 30 minutes", "en 30 minutos", "innerhalb von 30 Minuten", "en moins de 30 minutes", "dentro de 30 minutos"}},
		{"a minute and a half", "2026-11-24 11:00", 90 * time.Second, spoken{"within 2 minutes", "en 2 minutos", "innerhalb von 2 Minuten", "en moins de 2 minutes", "dentro de 2 minutos"}},
		{"an hour", "2026-11-24 11:00", time.Hour, spoken{"within 1 hour", "en 1 hora", "innerhalb einer Stunde", "en moins d'une heure", "dentro de 1 hora"}},
		{"hours", "2026-11-24 11:00", 4 * time.Hour, spoken{"within 4 hours", "en 4 horas", "innerhalb von 4 Stunden", "en moins de 4 heures", "dentro de 4 horas"}},
		{"an hour and a half", "2026-11-24 11:00", 90 * time.Minute, spoken{"within 90 minutes", "en 90 minutos", "innerhalb von 90 Minuten", "en moins de 90 minutes", "dentro de 90 minutos"}},
		{"rounded up to hours", "2026-11-24 11:00", 150 * time.Minute, spoken{"within 3 hours", "en 3 horas", "innerhalb von 3 Stunden", "en moins de 3 heures", "dentro de 3 horas"}},
		{"to the minute of closing", "2026-11-24 19:00", time.Hour, spoken{"within 1 hour", "en 1 hora", "innerhalb einer Stunde", "en moins d'une heure", "dentro de 1 hora"}},
		{"before opening", "2026-11-24 06:00", time.Hour, spoken{"by 9:00 today", "hoy antes de las 9:00", "heute bis 9:00 Uhr", "aujourd'hui avant 9 h", "hoje até às 9:00"}},
		{"over night", "2026-11-24 19:30", time.Hour, spoken{"by 8:30 tomorrow", "mañana antes de las 8:30", "morgen bis 8:30 Uhr", "demain avant 8 h 30", "amanhã até às 8:30"}},
		{"over night, rounded up", "2026-11-24 19:59", time.Hour, spoken{"by 9:00 tomorrow", "mañana antes de las 9:00", "morgen bis 9:00 Uhr", "demain avant 9 h", "amanhã até às 9:00"}},
		{"over the weekend", "2026-11-21 13:30", time.Hour, spoken{"by 8:30 on Monday", "el lunes antes de las 8:30", "am Montag bis 8:30 Uhr", "lundi avant 8 h 30", "segunda-feira até às 8:30"}},
		{"over a holiday", "2026-12-07 19:00", 2 * time.Hour, spoken{"by 9:00 on Wednesday", "el miércoles antes de las 9:00", "am Mittwoch bis 9:00 Uhr", "mercredi avant 9 h", "quarta-feira até às 9:00"}},
		{"over Christmas, a Friday", "2026-12-24 19:30", time.Hour, spoken{"by 9:30 on Saturday", "el sábado antes de las 9:30", "am Samstag bis 9:30 Uhr", "samedi avant 9 h 30", "sábado até às 9:30"}},
		{"over the night in which clocks go forward", "2027-03-27 13:30", time.Hour, spoken{"by 8:30 on Monday", "el lunes antes de las 8:30", "am Montag bis 8:30 Uhr", "lundi avant 8 h 30", "segunda-feira até às 8:30"}},
		{"over the night in which they go back", "2027-10-30 13:59", time.Hour, spoken{"by 9:00 on Monday", "el lunes antes de las 9:00", "am Montag bis 9:00 Uhr", "lundi avant 9 h", "segunda-feira até às 9:00"}},
		{"a week and more", "2026-11-24 11:00", 90 * time.Hour, spoken{"by 12:00 on 3 December", "el 3 de diciembre antes de las 12:00", "am 3. Dezember bis 12:00 Uhr", "le 3 décembre avant 12 h", "no dia 3 de dezembro até às 12:00"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cal := h.For(config.Who{})
			now := local(t, h, row.now)
			for lang, want := range row.want.byLang() {
				if got, ok := expectWords(lang, cal.After(now, row.d), now, cal); !ok || got != want {
					t.Errorf("%s: %q, %v; want %q", lang, got, ok, want)
				}
			}
		})
	}
	cal, now := h.For(config.Who{}), local(t, h, "2026-11-24 11:00")
	if _, ok := expectWords("it", now.Add(time.Hour), now, cal); ok {
		t.Error("there are no Italian words")
	}
	if _, ok := expectWords("en", now, now, cal); ok {
		t.Error("a promise for now was put into words")
	}
}

// Where people are awake at night, the clock must not mislead.
func TestExpectWordsAtNight(t *testing.T) {
	rows := []struct {
		name     string
		h        config.Hours
		now, due string
		more     time.Duration // after due, for times that the clock shows twice
		want     spoken
	}{
		{"midnight is no day's first minute", always("Europe/Madrid", "2026-11-24"), "2026-11-24 22:00", "2026-11-24 23:45", 0,
			spoken{"by midnight today", "hoy antes de medianoche", "heute bis Mitternacht", "aujourd'hui avant minuit", "hoje até à meia-noite"}},
		{"the next midnight", always("Europe/Madrid", "2026-11-24"), "2026-11-24 22:00", "2026-11-26 00:00", 0,
			spoken{"by midnight tomorrow", "mañana antes de medianoche", "morgen bis Mitternacht", "demain avant minuit", "amanhã até à meia-noite"}},
		{"one o'clock", always("Europe/Madrid", "2026-11-24"), "2026-11-24 22:00", "2026-11-25 00:40", 0,
			spoken{"by 1:00 tomorrow", "mañana antes de la 1:00", "morgen bis 1:00 Uhr", "demain avant 1 h", "amanhã até à 1:00"}},
		{"around the clock and within a day", always("Europe/Madrid"), "2026-11-24 22:00", "2026-11-25 22:00", 0,
			spoken{"within 24 hours", "en 24 horas", "innerhalb von 24 Stunden", "en moins de 24 heures", "dentro de 24 horas"}},
		{"beyond a day", always("Europe/Madrid"), "2026-11-24 22:00", "2026-11-26 22:00", 0,
			spoken{"by 22:00 on Thursday", "el jueves antes de las 22:00", "am Donnerstag bis 22:00 Uhr", "jeudi avant 22 h", "quinta-feira até às 22:00"}},
		// Clocks go back from 3:00 to 2:00 on 25 October 2026.
		{"the first half past two", always("Europe/Madrid", "2026-10-24"), "2026-10-24 22:00", "2026-10-25 01:00", 80 * time.Minute,
			spoken{"by 2:30 tomorrow", "mañana antes de las 2:30", "morgen bis 2:30 Uhr", "demain avant 2 h 30", "amanhã até às 2:30"}},
		{"the second would be taken for the first", always("Europe/Madrid", "2026-10-24"), "2026-10-24 22:00", "2026-10-25 01:00", 140 * time.Minute,
			spoken{"by 3:00 tomorrow", "mañana antes de las 3:00", "morgen bis 3:00 Uhr", "demain avant 3 h", "amanhã até às 3:00"}},
		{"rounded into the second", always("Europe/Madrid", "2026-10-24"), "2026-10-24 22:00", "2026-10-25 01:00", 115 * time.Minute,
			spoken{"by 3:00 tomorrow", "mañana antes de las 3:00", "morgen bis 3:00 Uhr", "demain avant 3 h", "amanhã até às 3:00"}},
		{"half an hour back", always("Australia/Lord_Howe", "2027-04-03"), "2027-04-03 22:00", "2027-04-04 01:00", 65 * time.Minute,
			spoken{"by 2:00 tomorrow", "mañana antes de las 2:00", "morgen bis 2:00 Uhr", "demain avant 2 h", "amanhã até às 2:00"}},
		// And forward from 2:00 to 3:00 on 29 March 2026.
		{"rounded over a gap", always("Europe/Madrid", "2026-03-28"), "2026-03-28 22:00", "2026-03-29 01:50", 0,
			spoken{"by 3:00 tomorrow", "mañana antes de las 3:00", "morgen bis 3:00 Uhr", "demain avant 3 h", "amanhã até às 3:00"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			now, due := local(t, row.h, row.now), local(t, row.h, row.due).Add(row.more)
			for lang, want := range row.want.byLang() {
				if got, ok := expectWords(lang, due, now, row.h.For(config.Who{})); !ok || got != want {
					t.Errorf("%s: %q, %v; want %q", lang, got, ok, want)
				}
			}
		})
	}
}

func TestUntilWords(t *testing.T) {
	madrid := hoursOf("Europe/Madrid")
	late := hoursOf("Europe/Madrid")
	late.Week["tue"] = []string{"08:00-24:00"}
	night := hoursOf("Europe/Madrid")
	night.Week["tue"], night.Week["wed"] = []string{"18:00-24:00"}, []string{"00:00-01:00"}
	sun := hoursOf("Europe/Madrid")
	sun.Teams = []config.Team{{TimeZone: "America/Bogota", Week: map[string][]string{"tue": {"08:00-17:00"}}}}
	rows := []struct {
		name string
		h    config.Hours
		now  string
		want spoken
	}{
		{"today", madrid, "2026-11-24 11:00", spoken{"until 20:00", "hasta las 20:00", "bis 20:00 Uhr", "jusqu'à 20 h", "até às 20:00"}},
		{"the last minute", madrid, "2026-11-24 19:59", spoken{"until 20:00", "hasta las 20:00", "bis 20:00 Uhr", "jusqu'à 20 h", "até às 20:00"}},
		{"closed", madrid, "2026-11-24 20:00", spoken{}},
		{"a holiday", madrid, "2026-12-08 11:00", spoken{}},
		{"midnight", late, "2026-11-24 11:00", spoken{"until midnight", "hasta medianoche", "bis Mitternacht", "jusqu'à minuit", "até à meia-noite"}},
		{"over midnight", night, "2026-11-24 19:00", spoken{"until 1:00 tomorrow", "hasta mañana a la 1:00", "bis morgen, 1:00 Uhr", "jusqu'à demain, 1 h", "até amanhã à 1:00"}},
		{"another team takes over", sun, "2026-11-24 19:00", spoken{"until 23:00", "hasta las 23:00", "bis 23:00 Uhr", "jusqu'à 23 h", "até às 23:00"}},
		{"around the clock", always("Europe/Madrid"), "2026-11-24 19:00", spoken{}},
		{"until a weekday", always("Europe/Madrid", "2026-11-28"), "2026-11-24 19:00", spoken{"until midnight on Friday", "hasta el viernes a medianoche", "bis Freitag, Mitternacht", "jusqu'à vendredi, minuit", "até sexta-feira à meia-noite"}},
		{"until a date", always("Europe/Madrid", "2026-12-25"), "2026-11-24 19:00", spoken{"until midnight on 24 December", "hasta el 24 de diciembre a medianoche", "bis zum 24. Dezember, Mitternacht", "jusqu'au 24 décembre, minuit", "até 24 de dezembro à meia-noite"}},
		{"the day on which clocks go forward", always("Europe/Madrid", "2026-03-30"), "2026-03-29 01:00", spoken{"until midnight", "hasta medianoche", "bis Mitternacht", "jusqu'à minuit", "até à meia-noite"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for lang, want := range row.want.byLang() {
				if got, ok := untilWords(lang, local(t, row.h, row.now), row.h.For(config.Who{})); ok != (want != "") || got != want {
					t.Errorf("%s: %q, %v; want %q", lang, got, ok, want)
				}
			}
		})
	}
	if _, ok := untilWords("it", local(t, madrid, "2026-11-24 11:00"), madrid.For(config.Who{})); ok {
		t.Error("there are no Italian words")
	}
}

// What an answer in the evening says, by platform, unit and service level.
func TestWeAnswerUntilAndYouHearFromUsBy(t *testing.T) {
	h := hoursOf("Europe/Madrid")
	h.Expect = map[string]config.Duration{"x": config.Duration(2 * time.Hour)}
	h.Units = map[string]config.UnitHours{
		"Shop Arrecife": {TimeZone: "Atlantic/Canary", Week: map[string][]string{"tue": {"10:00-21:00"}, "wed": {"10:00-21:00"}}, Expect: map[string]config.Duration{"default": config.Duration(3 * time.Hour)}},
	}
	sla := map[string]config.Target{"medium": {FirstResponse: config.Duration(4 * time.Hour)}, "critical": {FirstResponse: config.Duration(15 * time.Minute), AroundTheClock: true}}
	rows := []struct {
		name     string
		who      config.Who
		severity care.Severity
		lang     string
		want     string
	}{
		{"the platform's", config.Who{Platform: care.X}, care.SeverityMedium, "en", "we answer until 20:00, you hear from us by 9:30 tomorrow"},
		{"in Spanish", config.Who{Platform: care.X}, care.SeverityMedium, "es", "we answer hasta las 20:00, you hear from us mañana antes de las 9:30"},
		{"the service level's", config.Who{Platform: care.Facebook}, care.SeverityMedium, "en", "we answer until 20:00, you hear from us by 11:30 tomorrow"},
		{"a grave one's", config.Who{Platform: care.Facebook}, care.SeverityCritical, "en", "we answer until 20:00, you hear from us within 15 minutes"},
		{"the unit's, by its own clock", config.Who{Platform: care.X, Unit: "Shop Arrecife"}, care.SeverityMedium, "en", "we answer until 21:00, you hear from us by 11:30 tomorrow"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			now := local(t, h, "2026-11-24 19:30").Add(-time.Minute) // 18:29 in Arrecife
			if row.who.Unit != "" {
				now = now.Add(time.Hour) // 19:29 there
			}
			cal := h.For(row.who)
			until, ok := untilWords(row.lang, now, cal)
			if !ok {
				t.Fatal("closed")
			}
			by, ok := expectWords(row.lang, h.Promise(sla, row.who, row.severity, now), now, cal)
			if got := "we answer " + until + ", you hear from us " + by; !ok || got != row.want {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}

func TestWeekWords(t *testing.T) {
	odd := config.Hours{TimeZone: "UTC", Week: map[string][]string{"mon": {"08:00-20:00"}, "tue": {"16:00-20:30", "08:00-14:00"}, "wed": {"08:00-14:00", "16:00-20:30"}, "sun": {"10:00-24:00"}}}
	sun := hoursOf("Europe/Madrid")
	sun.Teams = []config.Team{{TimeZone: "America/Bogota", Languages: []string{"es"}, Week: map[string][]string{"mon": {"08:00-17:00"}, "tue": {"08:00-17:00"}, "wed": {"08:00-17:00"}, "thu": {"08:00-17:00"}, "fri": {"08:00-20:00"}}}}
	shop := hoursOf("Europe/Madrid")
	shop.Units = map[string]config.UnitHours{"Shop Larios": {Week: map[string][]string{"sun": {"10:00-14:00"}}}}
	rows := []struct {
		name string
		h    config.Hours
		who  config.Who
		want spoken
	}{
		{"days with the same hours together", odd, config.Who{}, spoken{
			"Mon 8:00-20:00, Tue-Wed 8:00-14:00 & 16:00-20:30, Sun 10:00-24:00", "lun. 8:00-20:00, mar.-mié. 8:00-14:00 & 16:00-20:30, dom. 10:00-24:00",
			"Mo 8:00-20:00, Di-Mi 8:00-14:00 & 16:00-20:30, So 10:00-24:00", "lun. 8:00-20:00, mar.-mer. 8:00-14:00 & 16:00-20:30, dim. 10:00-24:00",
			"seg. 8:00-20:00, ter.-qua. 8:00-14:00 & 16:00-20:30, dom. 10:00-24:00"}},
		{"the teams that take the language", sun, config.Who{Lang: "es"}, spoken{
			"Mon-Thu 8:00-23:00, Fri 8:00-24:00, Sat 0:00-2:00 & 9:00-14:00", "lun.-jue. 8:00-23:00, vie. 8:00-24:00, sáb. 0:00-2:00 & 9:00-14:00",
			"Mo-Do 8:00-23:00, Fr 8:00-24:00, Sa 0:00-2:00 & 9:00-14:00", "lun.-jeu. 8:00-23:00, ven. 8:00-24:00, sam. 0:00-2:00 & 9:00-14:00",
			"seg.-qui. 8:00-23:00, sex. 8:00-24:00, sáb. 0:00-2:00 & 9:00-14:00"}},
		{"and no other", sun, config.Who{Lang: "en"}, spoken{"Mon-Fri 8:00-20:00, Sat 9:00-14:00", "lun.-vie. 8:00-20:00, sáb. 9:00-14:00", "Mo-Fr 8:00-20:00, Sa 9:00-14:00", "lun.-ven. 8:00-20:00, sam. 9:00-14:00", "seg.-sex. 8:00-20:00, sáb. 9:00-14:00"}},
		{"a unit's", shop, config.Who{Unit: "Shop Larios"}, spoken{"Sun 10:00-14:00", "dom. 10:00-14:00", "So 10:00-14:00", "dim. 10:00-14:00", "dom. 10:00-14:00"}},
		{"around the clock", always("UTC"), config.Who{}, spoken{"around the clock", "las 24 horas", "rund um die Uhr", "24 heures sur 24", "24 horas por dia"}},
		{"never", config.Hours{TimeZone: "UTC"}, config.Who{}, spoken{}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for lang, want := range row.want.byLang() {
				if got, ok := weekWords(lang, local(t, row.h, "2026-11-24 11:00"), row.h.For(row.who)); ok != (want != "") || got != want {
					t.Errorf("%s: %q, %v; want %q", lang, got, ok, want)
				}
			}
		})
	}
}

func TestWordingCoversTheLanguagesThatTheLoaderAllows(t *testing.T) {
	var have []string
	for lang, w := range wording {
		have = append(have, lang)
		for d := 1; d <= 12; d++ {
			if w.date(d, time.Month(d)) == "" || slices.Contains(w.days[:], "") || slices.Contains(w.weekdays[:], "") || slices.Contains(w.by[:], "") || slices.Contains(w.until[:], "") {
				t.Errorf("%s has gaps", lang)
			}
		}
	}
	slices.Sort(have)
	if d := cmp.Diff(config.WordedLanguages, have); d != "" {
		t.Error(d)
	}
}

// The first of a month is the only date that French says in another way.
func TestDates(t *testing.T) {
	for lang, want := range map[string]string{"en": "1 March", "es": "1 de marzo", "de": "1. März", "fr": "1er mars", "pt": "1 de março"} {
		if got := wording[lang].date(1, time.March); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

var (
	within  = regexp.MustCompile(`^within (\d+) (minute|hour)s?$`)
	byClock = regexp.MustCompile(`^by (midnight|\d+:\d\d) (today|tomorrow|on \w+|on \d+ \w+)$`)
)

// Whoever reads the words, and takes the earliest time that they can mean, is
// never disappointed, and waits at most an hour longer than promised; two where
// clocks go back.
func TestExpectWordsAreNeverEarlierThanThePromise(t *testing.T) {
	zones := []string{"Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"}
	rapid.Check(t, func(rt *rapid.T) {
		h := hoursOf(rapid.SampledFrom(zones).Draw(rt, "zone"))
		if rapid.Bool().Draw(rt, "day and night") {
			h = always(h.TimeZone, "2026-10-24", "2026-10-31", "2027-03-13")
		}
		cal := h.For(config.Who{})
		now := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 200*86400).Draw(rt, "now")) * time.Second)
		due := now.Add(time.Duration(rapid.IntRange(1, 9*86400).Draw(rt, "wait")) * time.Second)
		said, ok := expectWords("en", due, now, cal)
		if !ok {
			rt.Fatalf("no words for %s at %s", due, now)
		}
		var earliest time.Time
		if m := within.FindStringSubmatch(said); m != nil {
			n, _ := strconv.Atoi(m[1])
			earliest = now.Add(time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour}[m[2]])
		} else if m := byClock.FindStringSubmatch(said); m != nil {
			// Walk on from now until the clock and the day are as they were said.
			loc := cal.Location()
			for at := now.Truncate(time.Minute); ; at = at.Add(time.Minute) {
				if at.Sub(now) > 11*24*time.Hour {
					rt.Fatalf("%q never comes after %s", said, now.In(loc))
				}
				wall, day := at.In(loc).Format("15:04"), at.In(loc)
				if wall == "00:00" && m[1] == "midnight" {
					wall, day = "midnight", at.Add(-time.Minute).In(loc)
				}
				today := now.In(loc).Format(time.DateOnly)
				tomorrow := time.Date(now.In(loc).Year(), now.In(loc).Month(), now.In(loc).Day()+1, 12, 0, 0, 0, loc).Format(time.DateOnly)
				named := map[string]bool{"today": day.Format(time.DateOnly) == today, "tomorrow": day.Format(time.DateOnly) == tomorrow, "on " + day.Weekday().String(): true, "on " + day.Format("2 January"): true}[m[2]]
				if strings.TrimPrefix(wall, "0") == m[1] && named && !at.Before(now) {
					earliest = at
					break
				}
			}
		} else {
			rt.Fatalf("%q cannot be read", said)
		}
		if earliest.Before(due) || earliest.Sub(due) > 2*time.Hour {
			rt.Fatalf("at %s, %q is read as %s, but due is %s", now.In(cal.Location()), said, earliest.In(cal.Location()), due.In(cal.Location()))
		}
	})
}
