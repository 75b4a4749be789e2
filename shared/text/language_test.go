package text

import "testing"

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ name, text, hint, want string }{
		{"en", "My package never arrived", "", "en"},
		{"en short", "down again", "", "en"},
		{"es", "¿Cuándo llega mi pedido?", "", "es"},
		{"es without accents", "no me funciona el internet", "", "es"},
		{"fr", "Je n'ai plus internet depuis hier", "", "fr"},
		{"de", "Mein Internet geht nicht mehr", "", "de"},
		{"pt", "Não consigo falar com ninguém", "", "pt"},
		{"it", "Il mio ordine non è arrivato", "", "it"},
		{"nl", "Mijn bestelling is nog niet geleverd", "", "nl"},
		{"ca", "Encara no tinc línia i ningú no respon avui", "", "ca"},
		{"ru", "Мой интернет не работает", "", "ru"},
		{"uk", "Мій інтернет не працює", "", "uk"},
		{"bg by hint", "Интернетът не работи", "bg", "bg"},
		{"el", "Δεν έχω ίντερνετ", "", "el"},
		{"ar", "الإنترنت لا يعمل", "", "ar"},
		{"fa", "اینترنت قطع شده چرا پاسخ نمی\u200cدهید", "", "fa"},
		{"he", "אין אינטרנט", "", "he"},
		{"zh", "网络坏了", "", "zh"},
		{"ja", "ネットが使えない", "", "ja"},
		{"ko", "인터넷이 안 돼요", "", "ko"},
		{"th", "อินเทอร์เน็ตใช้ไม่ได้", "", "th"},
		{"hi", "इंटरनेट नहीं चल रहा", "", "hi"},
		{"nothing to tell", "Veloria", "", "und"},
		{"emoji", "😡😡", "", "und"},
		{"numbers", "12345", "", "und"},
		{"empty", "", "", "und"},
		{"hint decides the unclear", "Veloria", "de", "de"},
		{"hint for emoji", "😡", "en", "en"},
		{"hint with region", "ok", "es-MX", "es"},
		{"hint overruled by words", "my internet has been down all day and nobody answers", "es", "en"},
		{"hint overruled by script", "Мой интернет не работает", "en", "ru"},
		{"strange hint on plain English", "still waiting for you to call me back about this", "tl", "en"},
		{"strange hint believed", "kumusta po", "tl", "tl"},
		{"hint that says nothing", "hello there, how are you", "und", "en"},
		{"hint for media", "thanks for the help", "qme", "en"},
		{"old code", "apa kabar", "in", "id"},
		{"nonsense hint", "thanks for the help", "1!", "en"},
		{"hint plausible on a mixed text", "Veloria es great", "es", "es"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Language(c.text, c.hint); got != c.want {
				t.Errorf("Language(%q, %q) = %q, want %q", c.text, c.hint, got, c.want)
			}
		})
	}
}

// How sure we are: of one language's words alone wholly, of a script nearly, of a
// bare hint half, of nothing not at all; and a mixture is less sure than its parts.
func TestLanguageSure(t *testing.T) {
	for _, c := range []struct {
		name, text, hint, tag string
		low, high             float64
	}{
		{"plain English", "the engineer did not come and nobody answers", "", "en", 0.8, 1},
		{"plain Spanish", "llevamos tres días esperando y nadie contesta", "", "es", 0.7, 1},
		{"a script", "где мой заказ", "", "ru", 0.9, 1},
		{"a hint alone", "12345", "fr", "fr", 0.5, 0.5},
		{"nothing", "12345", "", Undetermined, 0, 0},
		{"no word known", "xyzzy plugh", "", Undetermined, 0, 0},
	} {
		tag, sure := Parse(c.text).LanguageSure(c.hint)
		if tag != c.tag || sure < c.low || sure > c.high {
			t.Errorf("%s: %s at %.2f, want %s from %.2f to %.2f", c.name, tag, sure, c.tag, c.low, c.high)
		}
		if got := Language(c.text, c.hint); got != tag {
			t.Errorf("%s: Language says %s, LanguageSure %s", c.name, got, tag)
		}
	}
	_, plain := Parse("the engineer did not come and nobody answers").LanguageSure("")
	_, mixed := Parse("the engineer did not come y nadie contesta por favor").LanguageSure("")
	if mixed >= plain {
		t.Errorf("a mixture is sure by %.2f, plain English by %.2f", mixed, plain)
	}
}
