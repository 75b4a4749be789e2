package mastodon

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/fielder-care/fielder/shared/care"
)

// plain turns a status's HTML into text: paragraphs and breaks become line
// feeds, mentions "@acct", links their whole address (servers hide parts of it),
// and what a reader never sees (scripts, styles, the inline copy of a quote)
// goes. accts maps a mention's href to its acct. It never fails: the tokenizer
// accepts anything, and nothing here nests.
func plain(content string, accts map[string]string, quoted bool) string {
	var (
		out    writer
		link   *anchor
		hidden string // element whose content is dropped
		depth  int
		ghost  int // depth inside span.invisible, within or outside of a link
		pre    int
	)
	endLink := func() {
		if link != nil {
			out.text(link.render(accts), true)
			link = nil
		}
	}
	z := html.NewTokenizer(strings.NewReader(content))
	// What will be cut anyway is not read: a hostile post costs no more than a long
	// one.
	for out.b.Len() <= 2*care.MaxTextBytes {
		tt := z.Next()
		if tt == html.ErrorToken {
			break
		}
		switch tt {
		case html.TextToken:
			if hidden != "" {
				continue
			}
			t := string(z.Text())
			if t == "" {
				continue
			}
			switch {
			case link != nil:
				link.all.WriteString(t)
				if ghost == 0 {
					link.seen.WriteString(t)
				}
			case ghost == 0:
				out.text(t, pre > 0)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			raw, more := z.TagName()
			name := string(raw)
			if hidden != "" {
				if name == hidden && tt == html.StartTagToken {
					depth++
				}
				continue
			}
			var href, class, alt string
			for more {
				var k, v []byte
				k, v, more = z.TagAttr()
				switch string(k) {
				case "href":
					href = string(v)
				case "class":
					class = string(v)
				case "alt":
					alt = string(v)
				}
			}
			switch name {
			case "script", "style", "template", "iframe", "object", "svg", "math", "title", "textarea", "noscript", "noembed", "noframes", "select":
				if tt == html.StartTagToken {
					hidden, depth = name, 1
				}
			case "br":
				if link == nil {
					out.breakLine(1)
				}
			case "p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "span", "li", "table", "tr":
				if quoted && has(class, "quote-inline") && tt == html.StartTagToken {
					endLink()
					hidden, depth = name, 1
					continue
				}
				switch name {
				case "span":
					if tt == html.StartTagToken && (ghost > 0 || has(class, "invisible")) {
						ghost++
					}
				case "li", "tr":
					endLink()
					out.breakAtLeast(1)
					if name == "li" {
						out.text("- ", true)
					}
				default:
					endLink()
					out.breakAtLeast(2)
					if name == "pre" {
						pre++
					}
				}
			case "a":
				endLink()
				if tt == html.StartTagToken {
					link = &anchor{href: strings.TrimSpace(href), class: class}
				}
			case "img":
				if link != nil {
					link.seen.WriteString(alt)
					link.all.WriteString(alt)
				} else {
					out.text(alt, false)
				}
			}
		case html.EndTagToken:
			raw, _ := z.TagName()
			name := string(raw)
			if hidden != "" {
				if name == hidden {
					if depth--; depth == 0 {
						hidden = ""
					}
				}
				continue
			}
			switch name {
			case "a":
				endLink()
			case "span":
				if ghost > 0 {
					ghost--
				}
			case "p", "div", "blockquote", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table":
				endLink()
				out.breakAtLeast(2)
				if name == "pre" && pre > 0 {
					pre--
				}
			}
		}
	}
	endLink()
	return out.done()
}

// has reports whether the class attribute holds the name.
func has(class, name string) bool {
	for _, c := range strings.Fields(class) {
		if c == name {
			return true
		}
	}
	return false
}

// anchor is a link being read.
type anchor struct {
	href, class string
	all, seen   strings.Builder // with and without the hidden spans
}

func (a *anchor) render(accts map[string]string) string {
	all := strings.Join(strings.Fields(a.all.String()), " ")
	seen := strings.Join(strings.Fields(a.seen.String()), " ")
	if has(a.class, "mention") && !strings.HasPrefix(seen, "#") {
		if acct := accts[a.href]; acct != "" {
			return "@" + acct
		}
		return seen
	}
	web := strings.HasPrefix(a.href, "http://") || strings.HasPrefix(a.href, "https://")
	if !web || strings.HasPrefix(seen, "#") || strings.HasPrefix(seen, "@") || strings.ContainsAny(a.href, " \t\r\n") {
		return seen
	}
	bare := func(s string) string {
		_, after, ok := strings.Cut(s, "://")
		if ok {
			s = after
		}
		return strings.TrimRight(s, "/…")
	}
	if all == "" || bare(all) == bare(a.href) || strings.HasPrefix(bare(a.href), bare(seen)) {
		return a.href
	}
	return seen + " (" + a.href + ")"
}

// writer collects text with at most one empty line in a row and, outside of pre,
// no runs of spaces.
type writer struct {
	b      strings.Builder
	breaks int // line feeds owed
	space  bool
}

func (w *writer) breakLine(n int) { w.breaks += n; w.space = false }

func (w *writer) breakAtLeast(n int) { w.breaks = max(w.breaks, n); w.space = false }

func (w *writer) text(s string, keep bool) {
	for _, r := range s {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' || r == '\f' {
			if keep && r == '\n' {
				w.breakLine(1)
				continue
			}
			w.space = true
			continue
		}
		if w.breaks > 0 {
			if w.b.Len() > 0 {
				w.b.WriteString("\n\n"[:min(w.breaks, 2)])
			}
			w.breaks, w.space = 0, false
		}
		if w.space {
			if w.b.Len() > 0 {
				w.b.WriteByte(' ')
			}
			w.space = false
		}
		w.b.WriteRune(r)
	}
}

func (w *writer) done() string { return strings.TrimSpace(w.b.String()) }
