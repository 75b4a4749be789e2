package text

import (
	"regexp"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The kinds of personal data, as they stand in care.Triage.PersonalData.
const (
	PersonalEmail   = "email"
	PersonalPhone   = "phone"
	PersonalCard    = "card"
	PersonalIBAN    = "iban"
	PersonalOrder   = "order"
	PersonalAddress = "address"
)

// Span is a piece of personal data in a text, in byte offsets.
type Span struct {
	Kind       string
	Start, End int
}

// Detector finds personal data: e-mail addresses, phone numbers, payment cards
// (known issuer, length and Luhn digit), IBANs (country's length and mod 97),
// the brand's own order numbers, and postal addresses by their cues. It would
// rather miss an odd number than call a price, a date or a tracking number
// personal. Its regular expressions are compiled at the first text with a
// digit; expressions that do not compile are skipped (config checks them).
type Detector struct {
	patterns []string
	once     sync.Once
	orders   []*regexp.Regexp
}

// NewDetector makes a detector for the brand's order-number expressions (RE2).
func NewDetector(orderNumbers []string) *Detector { return &Detector{patterns: orderNumbers} }

func (d *Detector) compile() {
	for _, p := range d.patterns {
		if re, err := regexp.Compile(p); err == nil {
			d.orders = append(d.orders, re)
		}
	}
}

// Find appends the personal data of s to dst, in order, without overlaps.
func (d *Detector) Find(dst []Span, s string) []Span {
	from := len(dst)
	if strings.IndexByte(s, '@') >= 0 {
		dst = findEmails(dst, s)
	}
	if strings.ContainsAny(s, "0123456789") {
		d.once.Do(d.compile)
		for _, re := range d.orders {
			for _, m := range re.FindAllStringIndex(s, 64) {
				if m[1] > m[0] {
					dst = append(dst, Span{PersonalOrder, m[0], m[1]})
				}
			}
		}
		dst = findNumbers(dst, s)
		dst = findAddresses(dst, s)
	}
	return settle(dst, from)
}

// settle sorts dst[from:] and drops what overlaps something better: the kinds
// with a check digit win over the others, then the longer.
func settle(dst []Span, from int) []Span {
	found := dst[from:]
	if len(found) < 2 {
		return dst
	}
	rank := func(k string) int {
		switch k {
		case PersonalIBAN, PersonalCard:
			return 0
		case PersonalOrder:
			return 1
		case PersonalEmail:
			return 2
		case PersonalAddress:
			return 3
		}
		return 4
	}
	sort.SliceStable(found, func(i, j int) bool {
		if a, b := rank(found[i].Kind), rank(found[j].Kind); a != b {
			return a < b
		}
		return found[i].End-found[i].Start > found[j].End-found[j].Start
	})
	kept := found[:0]
next:
	for _, f := range found {
		for _, k := range kept {
			if f.Start < k.End && k.Start < f.End {
				continue next
			}
		}
		kept = append(kept, f)
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Start < kept[j].Start })
	return dst[:from+len(kept)]
}

// Kinds lists the kinds of personal data in s, sorted, each once; nil for none.
func (d *Detector) Kinds(s string) []string {
	var buf [8]Span
	return KindsOf(d.Find(buf[:0], s))
}

// KindsOf lists the kinds among the spans, sorted, each once; nil for none.
func KindsOf(spans []Span) []string {
	var kinds []string
next:
	for _, sp := range spans {
		for _, k := range kinds {
			if k == sp.Kind {
				continue next
			}
		}
		kinds = append(kinds, sp.Kind)
	}
	sort.Strings(kinds)
	return kinds
}

// Redact replaces personal data by its kind in brackets: "[email]".
func (d *Detector) Redact(s string) string {
	var buf [8]Span
	return RedactSpans(s, d.Find(buf[:0], s))
}

// RedactSpans replaces the spans, which must be in order, as Find gives them.
func RedactSpans(s string, spans []Span) string {
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, sp := range spans {
		b.WriteString(s[at:sp.Start])
		b.WriteByte('[')
		b.WriteString(sp.Kind)
		b.WriteByte(']')
		at = sp.End
	}
	b.WriteString(s[at:])
	return b.String()
}

func findEmails(dst []Span, s string) []Span {
	for at := 0; ; {
		k := strings.IndexByte(s[at:], '@')
		if k < 0 {
			return dst
		}
		k += at
		start := k
		for start > 0 && k-start < 64 && (alnum(s[start-1]) || strings.IndexByte("._%+-", s[start-1]) >= 0) {
			start--
		}
		for start < k && !alnum(s[start]) {
			start++
		}
		// "@care@host" is a Mastodon account, not an address.
		if start < k && (start == 0 || s[start-1] != '@') {
			if n, ok := emailLen(s[start:]); ok {
				dst = append(dst, Span{PersonalEmail, start, start + n})
				at = start + n
				continue
			}
		}
		at = k + 1
	}
}

// findNumbers looks at every run of digits with their usual separators.
func findNumbers(dst []Span, s string) []Span {
	for i := 0; i < len(s); {
		c := s[i]
		if !isDigit(c) {
			// IBANs begin with two letters.
			if c >= 'A' && c <= 'z' && alnum(c) && (i == 0 || !wordByte(s[i-1])) {
				if n := ibanLen(s[i:]); n > 0 {
					dst = append(dst, Span{PersonalIBAN, i, i + n})
					i += n
					continue
				}
				for i < len(s) && wordByte(s[i]) {
					i++
				}
				continue
			}
			i++
			continue
		}
		if i > 0 && wordByte(s[i-1]) {
			for i < len(s) && wordByte(s[i]) {
				i++
			}
			continue
		}
		start := i
		if i > 0 && s[i-1] == '(' {
			start--
		}
		if start > 0 && s[start-1] == '+' {
			start--
		} else if start > 1 && s[start-1] == ' ' && s[start-2] == '+' {
			start -= 2
		}
		end, digits, groups := numberRun(s, i)
		if digits > 19 {
			// A card may stand before another number.
			end, digits, groups = trimRun(s, i, 19)
		}
		if end < len(s) && wordByte(s[end]) { // 5g, 30mbps
			for end < len(s) && wordByte(s[end]) {
				end++
			}
			i = end
			continue
		}
		if n := cardLen(s[i:end]); n > 0 {
			dst = append(dst, Span{PersonalCard, i, i + n})
			i += n
			continue
		}
		if phone, stop := phoneAt(s, start, i, end, digits, groups); phone {
			dst = append(dst, Span{PersonalPhone, start, stop})
			i = stop
			continue
		}
		i = end
	}
	return dst
}

func wordByte(c byte) bool { return alnum(c) || c == '_' || c >= utf8.RuneSelf }

// numberRun measures digits with single separators between them.
func numberRun(s string, i int) (end, digits, groups int) {
	end = i
	groups = 1
	for j := i; j < len(s) && digits <= 19; { // longer is no number that we know
		switch c := s[j]; {
		case isDigit(c):
			digits++
			j++
			end = j
		case c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')':
			k := j
			for k < len(s) && k-j < 3 && strings.IndexByte(" -./()", s[k]) >= 0 {
				k++
			}
			if k >= len(s) || !isDigit(s[k]) {
				return end, digits, groups
			}
			groups++
			j = k
		default:
			return end, digits, groups
		}
	}
	return end, digits, groups
}

// trimRun cuts a run at the last group that keeps it within most digits.
func trimRun(s string, i, most int) (end, digits, groups int) {
	end = i
	n, groups := 0, 1
	for j := i; j < len(s); j++ {
		if isDigit(s[j]) {
			n++
			if n > most {
				if end == i { // one unbroken run: no number we know
					for j < len(s) && isDigit(s[j]) {
						j++
					}
					return j, n, 1
				}
				return end, digits, groups
			}
			if j+1 == len(s) || !isDigit(s[j+1]) {
				end, digits = j+1, n
			}
			continue
		}
		if strings.IndexByte(" -./()", s[j]) < 0 {
			break
		}
		if isDigit(s[j-1]) {
			groups++
		}
	}
	return end, digits, groups
}

// cardLen gives the length in bytes of a payment card number at the start of s.
func cardLen(s string) int {
	var d [19]byte
	n, last, sep := 0, 0, byte(0)
	best := 0
	for i := 0; i < len(s) && n < 19; i++ {
		c := s[i]
		if !isDigit(c) {
			if c != ' ' && c != '-' || sep != 0 && c != sep || i > 0 && !isDigit(s[i-1]) {
				break
			}
			sep = c
			continue
		}
		d[n] = c - '0'
		n++
		last = i + 1
		if n >= 13 && (last == len(s) || !isDigit(s[last])) && cardIssuer(d[:n]) && luhn(d[:n]) {
			best = last
		}
	}
	return best
}

// cardIssuer checks prefix and length of the large schemes (ISO/IEC 7812
// issuer ranges: Visa, Mastercard, American Express, Discover, Diners, JCB,
// UnionPay, Maestro).
func cardIssuer(d []byte) bool {
	n := len(d)
	p2 := int(d[0])*10 + int(d[1])
	p4 := p2*100 + int(d[2])*10 + int(d[3])
	switch {
	case d[0] == 4:
		return n == 13 || n == 16 || n == 19
	case p2 >= 51 && p2 <= 55, p4 >= 2221 && p4 <= 2720:
		return n == 16
	case p2 == 34 || p2 == 37:
		return n == 15
	case p4 == 6011, p2 == 64, p2 == 65, p2 == 62:
		return n >= 16 && n <= 19
	case p2 == 36, p2 == 38, p2 == 39, p4/10 >= 300 && p4/10 <= 305:
		return n == 14 || n == 16
	case p2 == 35:
		return n == 16 && p4 >= 3528 && p4 <= 3589
	case p2 == 50, p2 >= 56 && p2 <= 58, p2 == 67, p2 == 63:
		return n >= 16 && n <= 19
	}
	return false
}

func luhn(d []byte) bool {
	sum, zero := 0, true
	for i := range d {
		v := int(d[len(d)-1-i])
		if v != 0 {
			zero = false
		}
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0 && !zero
}

// ibanLen gives the length in bytes of a valid IBAN at the start of s.
func ibanLen(s string) int {
	if len(s) < 15 || !isDigit(s[2]) || !isDigit(s[3]) || isDigit(s[0]) || isDigit(s[1]) || !alnum(s[1]) {
		return 0
	}
	want := ibanCountry(s[0]&^0x20, s[1]&^0x20)
	if want == 0 {
		return 0
	}
	var b [34]byte
	n, end := 0, 0
	for i := 0; i < len(s) && n < want; i++ {
		c := s[i]
		if c == ' ' || c == '-' {
			if n%4 != 0 || i > 0 && s[i-1] == c {
				return 0
			}
			continue
		}
		if !alnum(c) {
			return 0
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b[n] = c
		n++
		end = i + 1
	}
	if n < want || end < len(s) && wordByte(s[end]) {
		return 0
	}
	// ISO 13616: move the first four to the end, letters become 10..35, mod 97.
	mod := 0
	for i := range n {
		c := b[(i+4)%n]
		if isDigit(c) {
			mod = (mod*10 + int(c-'0')) % 97
		} else {
			mod = (mod*100 + int(c-'A') + 10) % 97
		}
	}
	if mod != 1 {
		return 0
	}
	return end
}

// ibanCountry gives the length of a country's IBANs (SWIFT IBAN registry), 0
// for a country without.
func ibanCountry(a, b byte) int {
	switch string([]byte{a, b}) {
	case "NO":
		return 15
	case "BE":
		return 16
	case "DK", "FI", "FO", "GL", "NL":
		return 18
	case "MK", "SI":
		return 19
	case "AT", "BA", "EE", "KZ", "LT", "LU", "XK":
		return 20
	case "CH", "CR", "HR", "LI", "LV":
		return 21
	case "BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA":
		return 22
	case "AE", "GI", "IL", "IQ", "TL":
		return 23
	case "AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG":
		return 24
	case "LY", "PT", "ST":
		return 25
	case "IS", "TR":
		return 26
	case "FR", "GR", "IT", "MC", "MR", "SM":
		return 27
	case "AL", "AZ", "BY", "CY", "DO", "EG", "GT", "HU", "LB", "NI", "PL", "SV":
		return 28
	case "BR", "PS", "QA", "UA":
		return 29
	case "JO", "KW", "MU":
		return 30
	case "MT", "SC":
		return 31
	case "LC":
		return 32
	case "RU":
		return 33
	}
	return 0
}

// phoneAt decides whether s[start:end], whose first digit is at first, is a
// phone number, and where it ends. Ways to be one: an international prefix with
// a country code in use; the grouping of a national number; or a cue word
// before a plausible number. E.164 allows at most 15 digits.
func phoneAt(s string, start, first, end, digits, groups int) (bool, int) {
	if digits < 7 || digits > 15 {
		return false, end
	}
	num := s[first:end]
	var d [15]byte
	n := 0
	for i := 0; i < len(num); i++ {
		if isDigit(num[i]) {
			d[n] = num[i] - '0'
			n++
		}
	}
	if s[start] == '+' || s[start] == '(' && first-start == 2 {
		return countryCode(d[:n]) && n >= 8, end
	}
	if d[0] == 0 && d[1] == 0 {
		return n >= 10 && countryCode(d[2:n]), end
	}
	if dateLike(num, d[:n]) || money(s, start, end) || ipLike(num) {
		return false, end
	}
	cue := phoneCue(s[:start])
	if groups == 1 {
		switch {
		case cue:
			return true, end
		case n == 10: // North America: area and exchange begin with 2..9
			return d[0] >= 2 && d[3] >= 2 && !(d[1] == 1 && d[2] == 1) && !orderCue(s[:start]), end
		case n == 9: // Spain, Portugal
			return (d[0] == 6 || d[0] == 7 && d[1] != 0 || d[0] == 9) && !orderCue(s[:start]), end
		case n == 11: // North America with 1, United Kingdom and Germany with 0
			return (d[0] == 1 && d[1] >= 2 && d[4] >= 2 || d[0] == 0 && d[1] >= 1) && !orderCue(s[:start]), end
		}
		return false, end
	}
	if orderCue(s[:start]) {
		return false, end
	}
	if cue {
		return true, end
	}
	lens, ok := groupLens(num)
	if !ok {
		return false, end
	}
	switch {
	case n == 10 && groups == 3 && lens[0] == 3 && lens[1] == 3: // 555-123-4567
		return d[0] >= 2, end
	case n == 11 && groups == 4 && lens[0] == 1 && d[0] == 1: // 1-800-555-1234
		return d[1] >= 2, end
	case n == 10 && groups == 2 && lens[0] == 3 && lens[1] == 7:
		return d[0] >= 2, end
	case n == 9 && (d[0] == 6 || d[0] == 7 || d[0] == 8 || d[0] == 9) && groups >= 3: // 612 34 56 78
		return strings.IndexByte(num, ',') < 0, end
	case d[0] == 0 && n >= 9 && n <= 12 && lens[0] >= 2: // 020 7031 3000, 06 12 34 56 78
		return true, end
	}
	return false, end
}

// groupLens gives the lengths of the first four groups of digits.
func groupLens(num string) (lens [4]int, ok bool) {
	g := 0
	for i := 0; i < len(num); i++ {
		if isDigit(num[i]) {
			if g < 4 {
				lens[g]++
			}
		} else if isDigit(num[i-1]) {
			g++
		}
	}
	return lens, g < 7
}

// countryCode reports calling codes in use (ITU E.164 zones; zone 1, 7 and the
// assigned two-digit codes, and the three-digit zones as a whole).
func countryCode(d []byte) bool {
	if len(d) < 8 {
		return false
	}
	switch d[0] {
	case 1:
		return len(d) == 11 && d[1] >= 2
	case 7:
		return len(d) == 11
	case 2:
		return d[1] == 0 || d[1] == 7 || len(d) >= 9
	case 3, 4, 5, 6, 8, 9:
		return true
	}
	return false
}

// dateLike reports dates and times: 2026-11-21, 21/11/2026, 21.11.26 18:30.
func dateLike(num string, d []byte) bool {
	lens, ok := groupLens(num)
	if !ok {
		return false
	}
	two := func(i int) int { return int(d[i])*10 + int(d[i+1]) }
	switch {
	case lens[0] == 4 && lens[1] <= 2 && lens[2] >= 1 && lens[2] <= 2:
		return two(0) == 19 || two(0) == 20
	case lens[0] <= 2 && lens[1] <= 2 && (lens[2] == 4 || lens[2] == 2 && lens[3] == 0) && lens[2] > 0:
		return true
	case len(d) == 8 && lens[0] == 8:
		return (two(0) == 19 || two(0) == 20) && two(4) >= 1 && two(4) <= 12 && two(6) >= 1 && two(6) <= 31
	case lens[0] == 4 && lens[1] == 4 && len(d) == 8: // 2024-2025
		return two(0) == 19 || two(0) == 20
	}
	return false
}

func ipLike(num string) bool {
	dots := strings.Count(num, ".")
	return dots == 3 && !strings.ContainsAny(num, " -/()")
}

// money reports a currency sign at either side.
func money(s string, start, end int) bool {
	before := strings.TrimRight(s[:start], " ")
	after := strings.TrimLeft(s[end:], " ")
	for _, c := range []string{"$", "€", "£", "¥", "EUR", "USD"} {
		if strings.HasSuffix(before, c) || strings.HasPrefix(after, c) {
			return true
		}
	}
	return false
}

// phoneCue reports a word like "call" or "phone" within the last 24 bytes.
func phoneCue(before string) bool {
	return cueBefore(before, 24, "call", "phone", "cell", "mobile", "whatsapp", "tel", "text me", "ring me", "contact me", "reach me", "number is", "telefono", "movil", "llam", "numero es", "celular", "handy", "anruf", "telefon", "appele", "portable", "ligue", "telemovel")
}

func orderCue(before string) bool {
	return cueBefore(before, 20, "order", "tracking", "invoice", "ref", "ticket", "case", "booking", "confirmation", "serial", "imei", "pedido", "factura", "seguimiento", "reserva", "bestell", "commande", "account", "cuenta", "id", "isbn")
}

func cueBefore(s string, within int, cues ...string) bool {
	if len(s) > within {
		s = s[len(s)-within:]
	}
	if isBlank(s) {
		return false
	}
	s = Fold(s)
	for _, c := range cues {
		if k := strings.LastIndex(s, c); k >= 0 && (k == 0 || !alnum(s[k-1])) {
			return true
		}
	}
	return false
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// findAddresses looks for a house number beside a word for a street, a post-box,
// or a British postcode.
func findAddresses(dst []Span, s string) []Span {
	var ws [3]span
	n := 0 // words in the window ws, the last is the current
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !wordRune(r) {
			if !strings.ContainsRune(" \t-.,'’/º°#", r) {
				n = 0
			}
			i += size
			continue
		}
		start := i
		for i < len(s) {
			q, m := utf8.DecodeRuneInString(s[i:])
			if !wordRune(q) {
				break
			}
			i += m
		}
		w := span{start, i}
		if end := addressAt(s, w, ws, n); end > w.start {
			from := w.start
			if n > 0 && streetPrefix(s[w.start:w.end]) && isHouse(s[ws[n-1].start:ws[n-1].end]) {
				from = ws[n-1].start
			}
			if k := streetSuffix(s[w.start:w.end]); k != 0 {
				from = houseNumber(s, ws, n, k)
				if from < 0 {
					from = w.start
				}
			}
			dst = append(dst, Span{PersonalAddress, from, end})
			n = 0
			i = end
			continue
		}
		if n < 3 {
			ws[n] = w
			n++
		} else {
			ws[0], ws[1], ws[2] = ws[1], ws[2], w
		}
	}
	return dst
}

type span struct{ start, end int }

// addressAt gives where an address ends that the word w completes or begins; 0
// for none. ws[:n] are the words before w on the same line.
func addressAt(s string, w span, ws [3]span, n int) int {
	word := s[w.start:w.end]
	if k := streetSuffix(word); k != 0 {
		if houseNumber(s, ws, n, k) >= 0 {
			return w.end
		}
	}
	if streetPrefix(word) {
		// Calle Mayor 15; Rua das Flores, 12; 12 rue de la Paix.
		if n > 0 && isHouse(s[ws[n-1].start:ws[n-1].end]) && ws[n-1].end+1 >= w.start-1 && !strings.EqualFold(word, "calle") && !strings.EqualFold(word, "via") {
			if e := capitals(s, w.end); e > w.end {
				return e
			}
		}
		if e := nameThenNumber(s, w.end); e > 0 {
			return e
		}
	}
	if germanStreet(word) {
		if e := numberNext(s, w.end); e > 0 {
			return e
		}
	}
	if (strings.EqualFold(word, "box") || strings.EqualFold(word, "postal")) && n > 0 {
		p := s[ws[n-1].start:ws[n-1].end]
		if strings.EqualFold(p, "po") || strings.EqualFold(p, "o") || strings.EqualFold(p, "codigo") || strings.EqualFold(p, "código") || strings.EqualFold(p, "apartado") {
			if e := numberNext(s, w.end); e > 0 {
				return e
			}
		}
	}
	if e := ukPostcode(s, w); e > 0 {
		return e
	}
	return 0
}

// streetSuffix: 1 for words that hardly mean anything else behind a number and a
// name, 2 for those that do and need capitals.
func streetSuffix(w string) int {
	if len(w) < 2 || len(w) > 9 {
		return 0
	}
	var b [9]byte
	for i := 0; i < len(w); i++ {
		b[i] = w[i] | 0x20
	}
	switch string(b[:len(w)]) {
	case "street", "avenue", "ave", "road", "lane", "boulevard", "blvd", "terrace", "crescent":
		return 1
	case "st", "rd", "dr", "ln", "drive", "court", "ct", "place", "pl", "way", "square", "close", "park", "parkway", "pkwy", "highway", "hwy", "circle":
		return 2
	}
	return 0
}

// houseNumber gives the offset of the house number before a street's name of one
// or two words, -1 for none.
func houseNumber(s string, ws [3]span, n, strict int) int {
	for back := 2; back <= 3 && back <= n; back++ {
		num := ws[n-back]
		if !isHouse(s[num.start:num.end]) {
			continue
		}
		ok := true
		for k := n - back + 1; k < n; k++ {
			w := s[ws[k].start:ws[k].end]
			r, _ := utf8.DecodeRuneInString(w)
			if notStreetName(w) || strict == 2 && !unicode.IsUpper(r) && !isDigit(w[0]) {
				ok = false
			}
		}
		if ok && strings.IndexByte(s[num.start:ws[n-1].end], '\n') < 0 {
			return num.start
		}
	}
	return -1
}

// notStreetName lists words that follow numbers in everyday talk: "2 way
// street", "24 hours down the road".
func notStreetName(w string) bool {
	switch strings.ToLower(w) {
	case "the", "a", "an", "my", "our", "your", "this", "that", "of", "in", "on", "at", "to", "for", "from", "down", "up", "and", "or", "way", "hour", "hours", "hrs", "hr", "day", "days", "min", "mins", "minute", "minutes", "week", "weeks", "month", "months", "year", "years", "people", "houses", "times", "miles", "km", "stars", "star", "per", "cars", "is", "are", "across", "along", "every", "whole", "blocks", "block", "more", "other", "different", "bars", "out", "over", "main-road", "am", "pm", "percent", "mbps", "gb", "mb":
		return true
	}
	return isDigit(w[0]) && !strings.HasSuffix(strings.ToLower(w), "th") && !strings.HasSuffix(strings.ToLower(w), "st") && !strings.HasSuffix(strings.ToLower(w), "nd") && !strings.HasSuffix(strings.ToLower(w), "rd")
}

// isHouse reports house numbers: 1 to 5 digits, perhaps with a letter.
func isHouse(w string) bool {
	n := 0
	for n < len(w) && isDigit(w[n]) {
		n++
	}
	return n >= 1 && n <= 5 && (n == len(w) || n+1 == len(w) && alnum(w[n]))
}

func streetPrefix(w string) bool {
	switch strings.ToLower(w) {
	case "calle", "avenida", "avda", "plaza", "paseo", "carretera", "camino", "ronda", "travesía", "travesia", "rue", "boulevard", "allée", "chemin", "rua", "travessa", "praça", "alameda", "via", "piazza":
		return true
	}
	return false
}

func germanStreet(w string) bool {
	l := strings.ToLower(w)
	for _, e := range [...]string{"straße", "strasse", "str", "gasse", "platz", "allee"} {
		if strings.HasSuffix(l, e) && len(l) > len(e)+2 {
			return true
		}
	}
	return false
}

// nameThenNumber matches one to five words of a name and a house number behind i.
func nameThenNumber(s string, i int) int {
	for words := 0; words <= 5; words++ {
		for i < len(s) && strings.IndexByte(" ,.\t", s[i]) >= 0 {
			i++
		}
		for _, sign := range [...]string{"nº", "n°", "Nº", "nro", "num"} {
			i += len(prefixOf(s[i:], sign))
		}
		for i < len(s) && s[i] == ' ' {
			i++
		}
		start := i
		for i < len(s) {
			r, m := utf8.DecodeRuneInString(s[i:])
			if !wordRune(r) {
				break
			}
			i += m
		}
		if i == start {
			return 0
		}
		w := s[start:i]
		if isHouse(w) {
			if words == 0 || countsTime(s[i:]) {
				return 0
			}
			return i
		}
		switch strings.ToLower(w) {
		case "hace", "desde", "lleva", "llevan", "llevo", "llevamos", "esta", "está", "y", "que", "con", "sin", "no", "tiene", "cerrada", "cortada", "a", "es", "son", "durante", "depuis", "est", "há", "entre", "por":
			return 0
		}
	}
	return 0
}

// countsTime reports that s goes on with a unit, so that the number before it
// counts something: "3 días".
func countsTime(s string) bool {
	s = strings.TrimLeft(s, " ")
	if i := strings.IndexAny(s, " ,.!?"); i >= 0 {
		s = s[:i]
	}
	switch Fold(s) {
	case "dia", "dias", "hora", "horas", "semana", "semanas", "mes", "meses", "minuto", "minutos", "ano", "anos", "veces", "vez", "gb", "megas", "euros", "jours", "heures", "semaines", "mois", "min", "h", "%", "€":
		return true
	}
	return false
}

func prefixOf(s, p string) string {
	if strings.HasPrefix(s, p) {
		return p
	}
	return ""
}

// numberNext matches a number right behind i.
func numberNext(s string, i int) int {
	for i < len(s) && strings.IndexByte(" .:", s[i]) >= 0 {
		i++
	}
	start := i
	for i < len(s) && alnum(s[i]) {
		i++
	}
	if i > start && isDigit(s[start]) && i-start <= 6 {
		return i
	}
	return 0
}

// capitals matches a street's name behind i: small words and one to three that
// begin with a capital letter.
func capitals(s string, i int) int {
	end, caps := i, 0
	for words := 0; words < 5; words++ {
		for i < len(s) && (s[i] == ' ' || s[i] == '\'') {
			i++
		}
		start := i
		first, _ := utf8.DecodeRuneInString(s[i:])
		for i < len(s) {
			r, m := utf8.DecodeRuneInString(s[i:])
			if !wordRune(r) {
				break
			}
			i += m
		}
		if i == start {
			break
		}
		if unicode.IsUpper(first) {
			caps++
			end = i
		} else if i-start > 3 || caps > 0 {
			break
		}
	}
	if caps == 0 {
		return 0
	}
	return end
}

// ukPostcode matches "SW1A 1AA" (both halves, upper case).
func ukPostcode(s string, w span) int {
	a := s[w.start:w.end]
	if len(a) < 2 || len(a) > 4 || !upperASCII(a[0]) || w.end+4 > len(s) || s[w.end] != ' ' {
		return 0
	}
	digit := false
	for i := 1; i < len(a); i++ {
		if isDigit(a[i]) {
			digit = true
		} else if !upperASCII(a[i]) || i == 2 && !digit {
			return 0
		}
	}
	b := s[w.end+1 : w.end+4]
	if !digit || !isDigit(b[0]) || !upperASCII(b[1]) || !upperASCII(b[2]) || w.end+4 < len(s) && wordByte(s[w.end+4]) {
		return 0
	}
	// Units of measure look alike: "WD40 1GB".
	if b == "1GB" || b[1:] == "GB" || b[1:] == "MB" || b[1:] == "TB" {
		return 0
	}
	return w.end + 4
}

func upperASCII(c byte) bool { return 'A' <= c && c <= 'Z' }
