package text

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// urlSpan is part of a text, in runes: [start, end).
type urlSpan struct{ start, end int }

// Limits of X's URL recognition (twitter-text), and of ours.
const (
	maxURL      = 4096 // UTF-16 units, protocol included
	maxTcoSlug  = 40
	maxDNSLabel = 63  // of a label in punycode
	maxLabels   = 127 // of a domain name (RFC 1035): more are no domain, whatever their form
)

// urlScanner finds what X turns into a link, by twitter-text's grammar: with a
// protocol, or a bare domain with a real top-level domain. Its work is linear in
// the text but for runs of dots, where it is bounded by maxLabels per rune.
type urlScanner struct {
	runes []rune
	stop  []int // first index from i on whose rune is no part of a label
	under []int // underscores before i
	tld   []int // end of the top-level domain that begins at i; -1 none, 0 not yet known
	dots  []int // scratch of domain
}

// extractURLs finds the URLs of a text, in order and disjoint.
func extractURLs(runes []rune, withoutProtocol bool) []urlSpan {
	dot := false // inside something, not at the end of a sentence
	for i, r := range runes {
		dot = dot || r == '.' && i > 0 && domainRune(runes[i-1]) && i+1 < len(runes) && !unicode.IsSpace(runes[i+1])
	}
	if !dot {
		return nil
	}
	s := newURLScanner(runes)
	var urls []urlSpan
	for p := 0; p < len(runes); {
		// A URL follows a character that may precede one, or begins the text.
		if precedes(runes[p]) {
			if u, ok := s.match(p + 1); ok {
				urls = append(urls, s.links(u, withoutProtocol)...)
				p = u.end
				continue
			}
		}
		if p == 0 {
			if u, ok := s.match(0); ok {
				urls = append(urls, s.links(u, withoutProtocol)...)
				p = u.end
				continue
			}
		}
		p++
	}
	return urls
}

func newURLScanner(runes []rune) *urlScanner {
	s := &urlScanner{runes: runes, stop: make([]int, len(runes)+1), under: make([]int, len(runes)+1), tld: make([]int, len(runes)+1)}
	s.stop[len(runes)] = len(runes)
	for i := len(runes) - 1; i >= 0; i-- {
		s.stop[i] = i
		if r := runes[i]; r == '_' || r == '-' || domainRune(r) {
			s.stop[i] = s.stop[i+1]
		}
	}
	for i, r := range runes {
		s.under[i+1] = s.under[i]
		if r == '_' {
			s.under[i+1]++
		}
	}
	return s
}

// urlMatch is what the grammar takes as a URL: protocol, domain, port, path, query.
type urlMatch struct {
	start, end        int
	domain, domainEnd int // the domain's runes
	path              bool
}

func (s *urlScanner) at(i int) rune {
	if i < len(s.runes) {
		return s.runes[i]
	}
	return -1
}

func (s *urlScanner) match(start int) (urlMatch, bool) {
	if start >= len(s.runes) {
		return urlMatch{}, false
	}
	if n := s.protocol(start); n > 0 {
		if m, ok := s.domain(start, start+n); ok {
			return s.rest(m), true
		}
	}
	m, ok := s.domain(start, start)
	if !ok {
		return urlMatch{}, false
	}
	return s.rest(m), true
}

func (s *urlScanner) protocol(i int) int {
	if s.at(i)|0x20 != 'h' {
		return 0
	}
	for _, p := range []string{"https://", "http://"} {
		if i+len(p) <= len(s.runes) && strings.EqualFold(string(s.runes[i:i+len(p)]), p) {
			return len(p)
		}
	}
	return 0
}

// domain takes the longest chain of labels from i that ends in a top-level
// domain.
func (s *urlScanner) domain(start, i int) (urlMatch, bool) {
	dots := s.dots[:0]
	first := i
	for len(dots) < maxLabels {
		end := s.stop[i]
		if end == i || s.at(end) != '.' || !domainRune(s.runes[i]) || !domainRune(s.runes[end-1]) {
			break
		}
		dots = append(dots, end)
		i = end + 1
		if i >= len(s.runes) {
			break
		}
	}
	s.dots = dots
	for k := len(dots) - 1; k >= 0; k-- {
		name := first
		if k > 0 {
			name = dots[k-1] + 1
		}
		if s.under[dots[k]] > s.under[name] {
			continue // only sub-domains may hold underscores
		}
		if end := s.topLevel(dots[k] + 1); end > 0 {
			return urlMatch{start: start, domain: first, domainEnd: end}, true
		}
	}
	return urlMatch{}, false
}

// topLevel is the end of a top-level domain that begins at i, 0 when there is
// none.
func (s *urlScanner) topLevel(i int) int {
	if s.tld[i] == 0 {
		s.tld[i] = -1
		if end := topLevel(s.runes, i, len(s.runes)); end > 0 {
			s.tld[i] = end
		}
	}
	return max(0, s.tld[i])
}

// topLevel does the work within runes[:limit].
func topLevel(runes []rune, i, limit int) int {
	closed := func(j int) bool { // what follows must not continue the name
		if j >= limit {
			return true
		}
		r := runes[j]
		return !alphanumeric(r) && r != '@' && r != '+' && r != '-'
	}
	ascii := i
	for ascii < limit && ascii < i+maxDNSLabel && alphanumeric(runes[ascii]) {
		ascii++
	}
	if ascii > i && closed(ascii) && isTopLevel(strings.ToLower(string(runes[i:ascii]))) {
		return ascii
	}
	if limit-i > 4 && strings.EqualFold(string(runes[i:i+4]), "xn--") {
		j := i + 4
		for j < limit && (alphanumeric(runes[j]) || runes[j] == '-') {
			j++
		}
		if j > i+4 {
			return j
		}
	}
	if i < limit && runes[i] > 0x7F && ascii == i {
		j := i
		for j < limit && j < i+24 && domainRune(runes[j]) && runes[j] > 0x7F {
			j++
		}
		for ; j > i; j-- { // the longest that exists
			if closed(j) {
				if puny, err := idna.Punycode.ToASCII(string(runes[i:j])); err == nil && isTopLevel(puny) {
					return j
				}
			}
		}
	}
	return 0
}

// isTopLevel asks the public suffix list, which follows the root zone. A few
// country codes have registrations one level below only ("*.ck").
func isTopLevel(tld string) bool {
	if _, icann := publicsuffix.PublicSuffix(tld); icann {
		return true
	}
	suffix, icann := publicsuffix.PublicSuffix("a." + tld)
	return icann && suffix == "a."+tld
}

// rest takes port, path and query after the domain.
func (s *urlScanner) rest(m urlMatch) urlMatch {
	i := m.domainEnd
	if s.at(i) == ':' {
		j := i + 1
		for s.at(j) >= '0' && s.at(j) <= '9' {
			j++
		}
		if j > i+1 {
			i = j
		}
	}
	if s.at(i) == '/' {
		m.path = true
		i++
		good := i
		for j := i; ; {
			if k := s.parens(j); k > 0 {
				j, good = k, k
				continue
			}
			r := s.at(j)
			if !pathRune(r) {
				break
			}
			j++
			if pathEnding(r) {
				good = j
			}
		}
		i = good
	}
	if s.at(i) == '?' {
		good := 0
		for j := i + 1; queryRune(s.at(j)); j++ {
			if queryEnding(s.at(j)) {
				good = j + 1
			}
		}
		if good > 0 {
			i = good
		}
	}
	m.end = i
	return m
}

// parens is the end of balanced parentheses at i, at most two deep and not
// empty, 0 when there are none.
func (s *urlScanner) parens(i int) int {
	if s.at(i) != '(' {
		return 0
	}
	run := func(j int) int {
		for pathRune(s.at(j)) {
			j++
		}
		return j
	}
	j := run(i + 1)
	if s.at(j) == ')' {
		if j > i+1 {
			return j + 1
		}
		return 0
	}
	if s.at(j) != '(' {
		return 0
	}
	k := run(j + 1)
	if k == j+1 || s.at(k) != ')' {
		return 0
	}
	if k = run(k + 1); s.at(k) == ')' {
		return k + 1
	}
	return 0
}

// links turns a match into the links that X makes of it.
func (s *urlScanner) links(m urlMatch, withoutProtocol bool) []urlSpan {
	domain := s.runes[m.domain:m.domainEnd]
	protocol := m.domain > m.start
	if !validHost(domain) || len(utf16.Encode(s.runes[m.start:m.end]))+len("https://") > maxURL {
		return nil
	}
	if protocol {
		if end, tco, ok := s.tco(m); tco {
			if !ok {
				return nil
			}
			return []urlSpan{{m.start, end}}
		}
		return []urlSpan{{m.start, m.end}}
	}
	if !withoutProtocol {
		return nil
	}
	if m.start > 0 && strings.ContainsRune("-_./", s.runes[m.start-1]) {
		return nil
	}
	// Without a protocol only the ASCII parts of the domain are links.
	list := asciiDomains(s.runes, m.domain, m.domainEnd)
	if len(list) > 0 && m.path {
		list[len(list)-1].end = m.end
	}
	return list
}

// tco cuts a t.co link after its slug and query; ok is false when the slug is
// too long to be one.
func (s *urlScanner) tco(m urlMatch) (end int, tco, ok bool) {
	if !strings.EqualFold(string(s.runes[m.domain:m.domainEnd]), "t.co") || s.at(m.domainEnd) != '/' {
		return 0, false, false
	}
	i := m.domainEnd + 1
	j := i
	for alphanumeric(s.at(j)) {
		j++
	}
	if j == i {
		return 0, false, false
	}
	if j-i > maxTcoSlug {
		return 0, true, false
	}
	end = j
	if s.at(j) == '?' {
		for k := j + 1; queryRune(s.at(k)); k++ {
			if queryEnding(s.at(k)) {
				end = k + 1
			}
		}
	}
	return min(end, m.end), true, true
}

func validHost(domain []rune) bool {
	if len(domain) >= 4 && string(domain[:4]) == "xn--" && len(asciiDomains(domain, 0, len(domain))) == 0 {
		return false
	}
	for _, label := range strings.Split(string(domain), ".") {
		n := len(label)
		if n > 4*maxDNSLabel {
			return false
		}
		if n > 0 && !isASCII(label) {
			puny, err := idna.Punycode.ToASCII(label)
			if err != nil {
				return false
			}
			n = len(puny)
		}
		if n < 1 || n > maxDNSLabel {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 0x7F {
			return false
		}
	}
	return true
}

// asciiDomains finds the domains of Latin letters within runes[from:to].
func asciiDomains(runes []rune, from, to int) []urlSpan {
	label := func(r rune) bool { return r == '-' || alphanumeric(r) || latinAccent(r) }
	var list []urlSpan
	for p := from; p < to; {
		var dots []int
		i := p
		for i < to && len(dots) < maxLabels {
			j := i
			for j < to && label(runes[j]) {
				j++
			}
			if j == i || j >= to || runes[j] != '.' {
				break
			}
			dots = append(dots, j)
			i = j + 1
		}
		end := 0
		for k := len(dots) - 1; k >= 0 && end == 0; k-- {
			end = topLevel(runes, dots[k]+1, to)
		}
		if end > 0 {
			list = append(list, urlSpan{p, end})
			p = end
			continue
		}
		// Whatever begins later in this run of label characters ends at the same
		// dots, so it fails, too.
		for p < to && label(runes[p]) {
			p++
		}
		p++
	}
	return list
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// precedes says whether a URL may follow r.
func precedes(r rune) bool {
	return !alphanumeric(r) && !strings.ContainsRune("@＠$#＃", r) && r != 0xFFFE && r != 0xFEFF && r != 0xFFFF
}

// domainRune is what a label of a domain may hold, but for "-" and "_": all that
// is neither punctuation nor space nor a mark of writing direction.
func domainRune(r rune) bool {
	switch {
	case r < 0x80:
		return !strings.ContainsRune(`!'#%&()*+,\-./:;<=>?@[]^_{|}~$`, r) && r != ' ' && (r < 0x09 || r > 0x0D)
	case r == 0x85, r == 0xA0, r == 0x1680, r == 0x180E, r >= 0x2000 && r <= 0x200A, r == 0x2028, r == 0x2029, r == 0x202F, r == 0x205F, r == 0x3000:
		return false
	case r == 0xFFFE, r == 0xFEFF, r == 0xFFFF:
		return false
	case r >= 0x202A && r <= 0x202E, r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x2066 && r <= 0x2069:
		return false
	}
	return true
}

func latinAccent(r rune) bool {
	switch {
	case r >= 0xC0 && r <= 0xD6, r >= 0xD8 && r <= 0xF6, r >= 0xF8 && r <= 0x24F, r >= 0x300 && r <= 0x36F, r >= 0x1E00 && r <= 0x1EFF:
		return true
	case r == 0x253, r == 0x254, r == 0x256, r == 0x257, r == 0x259, r == 0x25B, r == 0x263, r == 0x268, r == 0x26F, r == 0x272, r == 0x289, r == 0x28B, r == 0x2BB:
		return true
	}
	return false
}

func pathRune(r rune) bool {
	return r >= 0 && (alphanumeric(r) || strings.ContainsRune("!*';:=+,.$/%#[]-–_~@|&", r) || r >= 0x400 && r <= 0x4FF || latinAccent(r))
}

func pathEnding(r rune) bool {
	return alphanumeric(r) || strings.ContainsRune("+-=_#/", r) || r >= 0x400 && r <= 0x4FF || latinAccent(r)
}

func queryRune(r rune) bool {
	return r >= 0 && (alphanumeric(r) || strings.ContainsRune("!?*'@();:&=+$/%#[]-_.,~|", r))
}

func queryEnding(r rune) bool { return alphanumeric(r) || strings.ContainsRune("-_&=#/", r) }

// HasURL says whether a text holds what X turns into a link, with or without a
// protocol.
func HasURL(text string) bool { return len(extractURLs([]rune(text), true)) > 0 }
