package triage

import (
	"syscall"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/text"
)

var benchPosts = []struct {
	name string
	post care.Post
}{
	{"complaint", care.Post{Platform: care.X, Kind: care.KindMention, Addressed: true, Lang: "en", Text: "@VeloriaCare My internet has been down for three hours and nobody answers the phone. I was charged twice last month too, call me at 612 345 678. Order VL-12345678. When will this be fixed??? 😡"}},
	{"queja", care.Post{Platform: care.X, Kind: care.KindMention, Addressed: true, Lang: "es", Text: "@VeloriaCare llevamos tres días sin internet y nadie contesta al teléfono, ¿cuándo lo vais a arreglar? Pedido VL-12345678"}},
	{"question", care.Post{Platform: care.Mastodon, Kind: care.KindMention, Addressed: true, Text: "@care@social.veloria.example how do I change the password of my wifi?"}},
	{"chatter", care.Post{Platform: care.X, Kind: care.KindPost, Lang: "en", Text: "I had a lovely pasta for lunch today with my friends from the office and then we went to see a movie, would recommend! 🎬🍿"}},
	{"implied", care.Post{Platform: care.X, Kind: care.KindMention, Addressed: true, Lang: "en", Text: "@VeloriaCare so you sold more of these boxes than your warehouse has and then acted like I was the one who had made it all up. Fifteen years a customer and this is how it ends. Message received, loud and clear."}},
	{"unknown language", care.Post{Platform: care.Bluesky, Kind: care.KindPost, Text: "ok veloria 🤷"}},
}

// BenchmarkTriage is the CPU time of one post (cpu-ns/op); the bar is 50
// microseconds.
func BenchmarkTriage(b *testing.B) {
	tr := New(testBrand(), testRouting())
	for _, bp := range benchPosts {
		tr.Triage(bp.post)
		b.Run(bp.name, func(b *testing.B) {
			b.ReportAllocs()
			n, before := 0, cpu(b)
			for b.Loop() {
				tr.Triage(bp.post)
				n++
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/op")
		})
	}
}

// cpu is the process's CPU time so far, in nanoseconds: what Lambda bills by is
// not blurred by whatever else the machine is doing.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkNew is what a function pays at start.
func BenchmarkNew(b *testing.B) {
	brand, routing := testBrand(), testRouting()
	b.ReportAllocs()
	for b.Loop() {
		New(brand, routing)
	}
}

// BenchmarkFirst is what the first post of a process pays on top: the lexica of
// the brand's two languages, its names and its intents.
func BenchmarkFirst(b *testing.B) {
	brand, routing := testBrand(), testRouting()
	text.Common([]byte("the"))
	b.Run("lexicon en", func(b *testing.B) {
		for b.Loop() {
			buildLexicon(en)
		}
	})
	b.Run("lexicon es", func(b *testing.B) {
		for b.Loop() {
			buildLexicon(es)
		}
	})
	lexiconOf(en)
	lexiconOf(es)
	b.Run("brand", func(b *testing.B) {
		for b.Loop() {
			New(brand, routing).prepare()
		}
	})
}
