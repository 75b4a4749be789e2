package text

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPersonalData(t *testing.T) {
	det := NewDetector([]string{`\bVL-?[0-9]{8}\b`, `(`})
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "my internet is down", "my internet is down"},
		{"e-mail", "write to jo.roe+x@mail.example.com.", "write to [email]."},
		{"two e-mails", "a@b.example, c@d.example", "[email], [email]"},
		{"mention is no e-mail", "@care@social.veloria.example hi", "@care@social.veloria.example hi"},
		{"handle is no e-mail", "ask @VeloriaCare", "ask @VeloriaCare"},
		{"no e-mail without a domain", "me@home", "me@home"},

		{"phone international", "call +44 20 7031 3000", "call [phone]"},
		{"phone spanish", "mi móvil es 612 345 678", "mi móvil es [phone]"},
		{"phone spanish in one", "llamadme al 612345678", "llamadme al [phone]"},
		{"phone american", "555-234-5678 is my number", "[phone] is my number"},
		{"phone american brackets", "(555) 234-5678", "[phone]"},
		{"phone american in one", "2125550123", "[phone]"},
		{"phone with 00", "0034 612 345 678", "[phone]"},
		{"phone british", "020 7031 3000", "[phone]"},
		{"phone french", "06 12 34 56 78", "[phone]"},
		{"date", "on 2026-11-21 at 18:30", "on 2026-11-21 at 18:30"},
		{"european date", "el 21/11/2026", "el 21/11/2026"},
		{"years", "2024-2025", "2024-2025"},
		{"compact date", "20261121", "20261121"},
		{"price", "$1234567890 for that", "$1234567890 for that"},
		{"euros", "612345678 €", "612345678 €"},
		{"ip address", "192.168.100.1", "192.168.100.1"},
		{"tracking number", "tracking 9400110200881234567890", "tracking 9400110200881234567890"},
		{"order with a number", "order 6123456789 is late", "order 6123456789 is late"},
		{"speed", "only 600 mbps of 1000", "only 600 mbps of 1000"},
		{"short", "call 112 or 911", "call 112 or 911"},
		{"letters behind", "612345678abc", "612345678abc"},

		{"visa", "card 4111 1111 1111 1111 thanks", "card [card] thanks"},
		{"visa with dashes", "4111-1111-1111-1111", "[card]"},
		{"mastercard", "5555555555554444", "[card]"},
		{"amex", "3782 822463 10005", "[card]"},
		{"luhn fails", "4111 1111 1111 1112", "4111 1111 1111 1112"},
		{"luhn without issuer", "9999 9999 9999 9995", "9999 9999 9999 9995"},
		{"zeros", "0000 0000 0000 0000", "0000 0000 0000 0000"},
		{"imei is no card", "imei 356938035643809", "imei 356938035643809"},
		{"masked card", "card ending 1234", "card ending 1234"},

		{"iban german", "DE89 3704 0044 0532 0130 00", "[iban]"},
		{"iban spanish in one", "a ES9121000418450200051332, gracias", "a [iban], gracias"},
		{"iban lower case", "gb29nwbk60161331926819", "[iban]"},
		{"iban wrong check", "DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"},
		{"iban unknown country", "XX89 3704 0044 0532 0130 00", "XX89 3704 0044 0532 0130 00"},

		{"order", "order VL-12345678 please", "order [order] please"},
		{"order without dash", "VL12345678", "[order]"},
		{"order too long", "VL-123456789", "VL-123456789"},

		{"address english", "I live at 12 Elm Street, Springfield", "I live at [address], Springfield"},
		{"address two words", "221b Baker Hill Road", "[address]"},
		{"address spanish", "vivo en la calle Mayor 15, 3º B", "vivo en la [address], 3º B"},
		{"address german", "Hauptstraße 12 in Bonn", "[address] in Bonn"},
		{"address french", "12 rue de la Paix", "[address]"},
		{"address portuguese", "Rua das Flores, 12", "[address]"},
		{"postcode british", "I'm in SW1A 1AA", "I'm in [address]"},
		{"no address: time", "24 hours down the road", "24 hours down the road"},
		{"no address: two-way street", "a 2 way street", "a 2 way street"},
		{"no address: street without a number", "the whole street is down", "the whole street is down"},
		{"no address: calle without a number", "toda la calle lleva 3 días sin luz", "toda la calle lleva 3 días sin luz"},

		{"everything", "jo@mail.example.com, 612 345 678, VL-12345678", "[email], [phone], [order]"},
		{"right to left marks", "\u202ejo@mail.example.com", "\u202e[email]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := det.Redact(c.in); got != c.want {
				t.Errorf("Redact(%q)\n got %q\nwant %q (spans %v)", c.in, got, c.want, det.Find(nil, c.in))
			}
		})
	}
}

// Every card number with a right check digit is found, none with a wrong one.
func TestCardProperty(t *testing.T) {
	det := NewDetector(nil)
	rapid.Check(t, func(t *rapid.T) {
		digits := "4" + rapid.StringMatching(`[0-9]{14}`).Draw(t, "digits")
		sum := 0
		for i := len(digits) - 1; i >= 0; i-- { // Luhn, from its definition
			v := int(digits[i] - '0')
			if (len(digits)-i)%2 == 1 {
				v *= 2
			}
			sum += v/10 + v%10
		}
		check := (10 - sum%10) % 10
		right := fmt.Sprintf("pay %s%d now", digits, check)
		wrong := fmt.Sprintf("pay %s%d now", digits, (check+1)%10)
		if k := strings.Join(det.Kinds(right), ","); k != "card" {
			t.Fatalf("%q: %q", right, k)
		}
		if k := strings.Join(det.Kinds(wrong), ","); k == "card" {
			t.Fatalf("%q: %q", wrong, k)
		}
	})
}

func FuzzPersonalData(f *testing.F) {
	for _, s := range []string{"4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "a@b.example", "+34 612 345 678", "12 Elm Street", "calle Mayor 15", "SW1A 1AA", "((((1-", "+ 1", "1/2/3/4/5/6/7/8/9/0", "VL-12345678"} {
		f.Add(s)
	}
	det := NewDetector([]string{`\bVL-?[0-9]{8}\b`})
	f.Fuzz(func(t *testing.T, s string) {
		last := 0
		for _, sp := range det.Find(nil, s) {
			if sp.Start < last || sp.End <= sp.Start || sp.End > len(s) {
				t.Fatalf("%v in %d bytes, last ended at %d", sp, len(s), last)
			}
			last = sp.End
		}
		det.Redact(s)
	})
}
