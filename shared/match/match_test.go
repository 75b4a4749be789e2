package match

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	// complaint is the triage of a post that needs an answer.
	complaint = care.Triage{Relevance: care.RelevanceAddressed, Complaint: true, Sentiment: -0.6, Intent: "outage"}
	thanks    = care.Triage{Relevance: care.RelevanceAddressed, Praise: true, Sentiment: 0.8}
)

func post(p care.Platform, n int) care.Post {
	return care.Post{
		Platform: p, NativeID: fmt.Sprint(9000 + n), Account: "7001001", Kind: care.KindMention,
		Author: care.Author{ID: "2222", Handle: "Bill_Reads", Name: "Bill"},
		Text:   "my VeloBox is dead", Thread: "9000", CreatedAt: noon.Add(time.Duration(n) * time.Minute),
		ReceivedAt: noon.Add(time.Duration(n)*time.Minute + time.Second),
	}
}

func direct(p care.Platform, n int, text string) care.Post {
	d := post(p, n)
	d.Private, d.Kind, d.Thread, d.Text = true, care.KindDirect, d.Author.ID, text
	return d
}

func service(m *memory) *Service { return New(m, m, m, m) }

func run(t *testing.T, m *memory, p care.Post, triage care.Triage) care.Match {
	t.Helper()
	got, err := service(m).Match(ctx, p, triage)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func byOf(reasons []care.Reason) string {
	var by []string
	for _, r := range reasons {
		by = append(by, r.By)
	}
	return strings.Join(by, " ")
}

func record(scheme, value string) care.Identity {
	return care.Identity{Scheme: scheme, Value: value, Grade: care.GradeAsserted, Evidence: []care.Reason{{By: ByRecord, Text: "In the record."}}}
}

// TestAuthor says, for what is known beforehand, whom a post is matched with.
func TestAuthor(t *testing.T) {
	bill := care.Customer{ID: "cus_bill", External: "K-1", Name: "William Hale", Value: 90_000}
	agreed := bill
	agreed.Consent.Match = true
	verified := record("x", "2222")
	verified.Grade = care.GradeVerified
	reused := record("x", "1111")
	reused.Handle = "bill_reads"
	sameAccount := record("mastodon", "2222")
	sameAccount.Handle = "someone_before"
	const prospect = care.CustomerID("prospect") // stands for any prospect's id
	for _, c := range []struct {
		name     string
		customer care.Customer
		known    []care.Identity
		post     care.Post
		want     care.CustomerID
		grade    care.Grade
		evidence string
	}{
		{"nobody knows the author", bill, nil, post(care.X, 1), prospect, "", "prospect"},
		{"the platform hides the author", bill, nil, func() care.Post { p := post(care.Facebook, 1); p.Author = care.Author{Name: "Bill"}; return p }(), "", "", "author"},
		{"account in the record", bill, []care.Identity{record("mastodon", "2222")}, post(care.Mastodon, 1), "cus_bill", care.GradeAsserted, "record first-post"},
		{"handle in the record", bill, []care.Identity{record("mastodon-handle", "bill_reads")}, post(care.Mastodon, 1), "cus_bill", care.GradeAsserted, "record record-handle first-post"},
		{"handle of another platform in the record", bill, []care.Identity{record("bluesky-handle", "bill_reads")}, post(care.Mastodon, 1), prospect, "", "prospect"},
		{"account counts, not the handle it had", bill, []care.Identity{sameAccount}, post(care.Mastodon, 1), "cus_bill", care.GradeAsserted, "record first-post"},
		{"X account in the record, agreed", agreed, []care.Identity{record("x", "2222")}, post(care.X, 1), "cus_bill", care.GradeAsserted, "record first-post"},
		{"X account in the record, not agreed", bill, []care.Identity{record("x", "2222")}, post(care.X, 1), prospect, care.GradeSuggested, "consent"},
		{"X handle in the record, agreed", agreed, []care.Identity{record("x-handle", "bill_reads")}, post(care.X, 1), "cus_bill", care.GradeAsserted, "record record-handle first-post"},
		{"X handle in the record, not agreed", bill, []care.Identity{record("x-handle", "bill_reads")}, post(care.X, 1), prospect, care.GradeSuggested, "consent"},
		{"X account that the customer verified", bill, []care.Identity{verified}, post(care.X, 1), "cus_bill", care.GradeVerified, "record first-post"},
		{"handle given up and taken by someone else", agreed, []care.Identity{record("x-handle", "bill_reads"), reused}, post(care.X, 1), prospect, care.GradeSuggested, "handle-reused"},
		{"e-mail address in public", bill, []care.Identity{record("email", "bill@example.com")},
			func() care.Post { p := post(care.Mastodon, 1); p.Text = "I am bill@example.com"; return p }(), prospect, "", "prospect"},
		{"e-mail address in private", bill, []care.Identity{record("email", "bill@example.com")},
			direct(care.Messenger, 1, "I am Bill@Example.com."), prospect, care.GradeProbable, "prospect private-text"},
		{"phone number in private", bill, []care.Identity{record("phone", "+12025550123")},
			direct(care.X, 1, "call me: +1 (202) 555-0123, thanks"), prospect, care.GradeProbable, "prospect private-text"},
		{"address in private, of the customer it is", bill, []care.Identity{record("messenger", "2222"), record("email", "bill@example.com")},
			direct(care.Messenger, 1, "I am bill@example.com"), "cus_bill", care.GradeAsserted, "record first-post private-text"},
		{"address in private, of a prospect", care.Customer{ID: "cus_other", Prospect: true}, []care.Identity{record("email", "bill@example.com")},
			direct(care.Messenger, 1, "I am bill@example.com"), prospect, "", "prospect"},
		{"address in private that nobody has", bill, nil, direct(care.Messenger, 1, "I am eve@example.com"), prospect, "", "prospect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory()
			m.add(c.customer, c.known...)
			got := run(t, m, c.post, complaint)
			id := got.Customer.ID
			if got.Customer.Prospect {
				id = prospect
			}
			if id != c.want || got.Grade != c.grade || byOf(got.Evidence) != c.evidence {
				t.Errorf("matched with %q, grade %q, evidence %q\nwant %q, %q, %q", id, got.Grade, byOf(got.Evidence), c.want, c.grade, c.evidence)
			}
			if got.Known != (c.want == "cus_bill") {
				t.Errorf("known is %v", got.Known)
			}
			if got.First != (c.want != "") {
				t.Errorf("first is %v", got.First)
			}
			if c.want == prospect {
				// Nothing of the record may be within reach of a reply.
				if s := fmt.Sprintf("%+v", got); strings.Contains(s, "Hale") || strings.Contains(s, "K-1") || strings.Contains(s, "90000") {
					t.Errorf("the match of a prospect tells of the record: %s", s)
				}
			}
			if c.evidence == "consent" && strings.Contains(fmt.Sprint(got), "cus_bill") {
				t.Error("a link that must not be used is told")
			}
			if again := run(t, m, c.post, complaint); !cmp.Equal(got, again) {
				t.Errorf("matched again: %s", cmp.Diff(got, again))
			}
			later := c.post
			later.NativeID, later.CreatedAt, later.ReceivedAt = "9999", noon.Add(time.Hour), noon.Add(time.Hour)
			next := run(t, m, later, complaint)
			if next.First {
				t.Error("the author's second post is a first")
			}
			if next.Customer.ID != got.Customer.ID || next.Grade != got.Grade {
				t.Errorf("the next post is matched with %q, grade %q", next.Customer.ID, next.Grade)
			}
		})
	}
}

// TestOthersAddress: a known customer names what is on someone else's record.
func TestOthersAddress(t *testing.T) {
	m := newMemory()
	m.add(care.Customer{ID: "cus_bill"}, record("messenger", "2222"))
	m.add(care.Customer{ID: "cus_ann", Name: "Ann Hale"}, record("email", "ann@example.com"))
	got := run(t, m, direct(care.Messenger, 1, "my account is ann@example.com"), complaint)
	if got.Customer.ID != "cus_bill" || got.Grade != care.GradeAsserted {
		t.Fatalf("matched with %+v, grade %s", got.Customer, got.Grade)
	}
	last := got.Evidence[len(got.Evidence)-1]
	if last.By != "private-text" || !strings.Contains(last.Text, "another customer") || !strings.Contains(last.Text, "cus_ann") {
		t.Errorf("evidence %+v does not warn", last)
	}
	for _, secret := range []string{"Ann Hale", "ann@example.com"} {
		if strings.Contains(fmt.Sprintf("%+v", got), secret) {
			t.Errorf("the match tells %q", secret)
		}
	}
}

func TestErrOwnPost(t *testing.T) {
	m := newMemory()
	p := post(care.X, 1)
	p.Author.Own = true
	if _, err := service(m).Match(ctx, p, complaint); care.CodeOf(err) != care.Invalid {
		t.Errorf("error %v, want Invalid", err)
	}
	if len(m.calls) != 0 {
		t.Errorf("calls %v, want none", m.calls)
	}
}

func TestErrOfStores(t *testing.T) {
	for _, method := range []string{"Find", "EnsureProspect", "EnsureConversation", "PutInteraction"} {
		t.Run(method, func(t *testing.T) {
			m := newMemory()
			m.fail[method] = care.Errorf(care.Throttled, "slow down")
			if _, err := service(m).Match(ctx, post(care.X, 1), complaint); care.CodeOf(err) != care.Throttled {
				t.Errorf("error %v, want Throttled", err)
			}
			// The workflow tries again, and nothing is lost or doubled.
			delete(m.fail, method)
			got := run(t, m, post(care.X, 1), complaint)
			if !got.First || len(m.customers) != 1 || len(m.conversations) != 1 || len(m.timeline) != 1 {
				t.Errorf("after a retry: first %v, %d customers, %d conversations, %d interactions",
					got.First, len(m.customers), len(m.conversations), len(m.timeline))
			}
		})
	}
}

// TestImportAfterFirstPost: the author was a prospect, and then the brand's
// record names the handle.
func TestImportAfterFirstPost(t *testing.T) {
	m := newMemory()
	first := run(t, m, post(care.Mastodon, 1), complaint)
	m.add(care.Customer{ID: "cus_bill"}, record("mastodon-handle", "bill_reads"))
	second := run(t, m, post(care.Mastodon, 2), complaint)
	if !first.Customer.Prospect || second.Customer.ID != "cus_bill" || second.Grade != care.GradeAsserted {
		t.Fatalf("first %+v, then %+v", first.Customer, second.Customer)
	}
	if second.Conversation.ID != first.Conversation.ID || second.Conversation.Customer != "cus_bill" {
		t.Errorf("the conversation did not come along: %+v", second.Conversation)
	}
	if i := m.identities[[2]string{"mastodon", "2222"}]; i.Customer != "cus_bill" || i.Handle != "Bill_Reads" {
		t.Errorf("the account is linked as %+v", i)
	}
}

// TestConsentWithdrawn: a link that was used is not used any more.
func TestConsentWithdrawn(t *testing.T) {
	m := newMemory()
	bill := care.Customer{ID: "cus_bill", Consent: care.Consent{Match: true}}
	m.add(bill, record("x-handle", "bill_reads"))
	if got := run(t, m, post(care.X, 1), complaint); got.Customer.ID != "cus_bill" {
		t.Fatalf("matched with %+v", got.Customer)
	}
	bill.Consent.Match = false
	m.customers["cus_bill"] = bill
	got := run(t, m, post(care.X, 2), complaint)
	if !got.Customer.Prospect || got.Grade != care.GradeSuggested || got.Conversation.Customer != got.Customer.ID {
		t.Errorf("after consent was withdrawn: %+v", got)
	}
	bill.Consent.Match = true
	m.customers["cus_bill"] = bill
	if got := run(t, m, post(care.X, 3), complaint); got.Customer.ID != "cus_bill" || !got.Known {
		t.Errorf("after consent came back: %+v", got)
	}
}

// TestRaces: someone else changes what was found before it is acted upon.
func TestRaces(t *testing.T) {
	t.Run("two first posts", func(t *testing.T) {
		m := newMemory()
		m.between = func() {
			other := post(care.X, 0)
			m.add(care.Customer{ID: prospectID("x", "2222"), Prospect: true}, care.Identity{Scheme: "x", Value: "2222", Linked: other.ReceivedAt})
		}
		got := run(t, m, post(care.X, 1), complaint)
		if got.First || got.Customer.ID != prospectID("x", "2222") {
			t.Errorf("first %v, customer %q", got.First, got.Customer.ID)
		}
	})
	t.Run("imported meanwhile", func(t *testing.T) {
		m := newMemory()
		m.between = func() { m.add(care.Customer{ID: "cus_bill"}, record("mastodon", "2222")) }
		if got := run(t, m, post(care.Mastodon, 1), complaint); got.Customer.ID != "cus_bill" || !got.Known {
			t.Errorf("matched with %+v", got.Customer)
		}
	})
	t.Run("linked to someone else meanwhile", func(t *testing.T) {
		m := newMemory()
		m.add(care.Customer{ID: "cus_bill"}, record("mastodon-handle", "bill_reads"))
		m.between = func() { m.add(care.Customer{ID: "cus_ann"}, record("mastodon", "2222")) }
		if got := run(t, m, post(care.Mastodon, 1), complaint); got.Customer.ID != "cus_ann" {
			t.Errorf("matched with %+v", got.Customer)
		}
	})
	t.Run("linked by the author's other post meanwhile", func(t *testing.T) {
		m := newMemory()
		m.add(care.Customer{ID: "cus_bill"}, record("mastodon-handle", "bill_reads"))
		linked := record("mastodon", "2222")
		linked.Handle = "Bill_Reads"
		m.between = func() { m.add(care.Customer{ID: "cus_bill"}, linked) }
		if got := run(t, m, post(care.Mastodon, 1), complaint); got.Customer.ID != "cus_bill" || got.Grade != care.GradeAsserted {
			t.Errorf("matched with %+v, evidence %q", got.Customer, byOf(got.Evidence))
		}
	})
	t.Run("being erased", func(t *testing.T) {
		m := newMemory()
		m.add(care.Customer{ID: "cus_bill"}, record("mastodon", "2222"))
		delete(m.customers, "cus_bill")
		if _, err := service(m).Match(ctx, post(care.Mastodon, 1), complaint); care.CodeOf(err) != care.Conflict {
			t.Errorf("error %v, want Conflict", err)
		}
		if m.calls["Find"] != 4 {
			t.Errorf("looked %d times, want 4", m.calls["Find"])
		}
	})
}

// TestConversation follows one conversation through posts.
func TestConversation(t *testing.T) {
	type step struct {
		name   string
		post   care.Post
		triage care.Triage
		before func(*care.Conversation)
		state  care.State
		public bool
		last   time.Duration // after noon
		writes bool
	}
	resolve := func(c *care.Conversation) { c.State, c.Public = care.StateResolved, false }
	wait := func(c *care.Conversation) { c.State = care.StateWaiting }
	quick := post(care.X, 3)
	quick.CreatedAt = noon.Add(2*time.Minute + 59*time.Second)
	future := post(care.X, 9)
	future.CreatedAt = noon.AddDate(10, 0, 0)
	unreadable := post(care.X, 12)
	unreadable.Unreadable, unreadable.Private = "end-to-end encrypted", true
	m := newMemory()
	for _, s := range []step{
		{"a complaint opens it", post(care.X, 1), complaint, nil, care.StateOpen, true, 1 * time.Minute, false},
		{"the same again changes nothing", post(care.X, 1), complaint, nil, care.StateOpen, true, 1 * time.Minute, false},
		{"another one moves it on", post(care.X, 2), complaint, nil, care.StateOpen, true, 2 * time.Minute, true},
		{"within a minute nothing is written", quick, complaint, nil, care.StateOpen, true, 2 * time.Minute, false},
		{"we wait, the customer comes back", post(care.X, 4), complaint, wait, care.StateOpen, true, 4 * time.Minute, true},
		{"thanks do not reopen", post(care.X, 5), thanks, resolve, care.StateResolved, false, 5 * time.Minute, true},
		{"talk of a competitor does not reopen", post(care.X, 6), care.Triage{Relevance: care.RelevanceCompetitor, Complaint: true}, resolve, care.StateResolved, false, 6 * time.Minute, true},
		{"an older post that comes late", post(care.X, 0), thanks, resolve, care.StateResolved, false, 6 * time.Minute, false},
		{"a new complaint reopens", post(care.X, 7), complaint, resolve, care.StateOpen, true, 7 * time.Minute, true},
		{"praise with a question reopens", post(care.X, 8), care.Triage{Relevance: care.RelevanceAbout, Praise: true, Question: true}, resolve, care.StateOpen, true, 8 * time.Minute, true},
		{"a date in the future is not believed", future, complaint, nil, care.StateOpen, true, 9*time.Minute + time.Second, true},
		{"unreadable private post", unreadable, care.Triage{}, resolve, care.StateOpen, false, 12 * time.Minute, true},
	} {
		t.Run(s.name, func(t *testing.T) {
			key := s.post.ThreadKey() + "#2222"
			if s.before != nil {
				c := m.conversations[key]
				s.before(&c)
				m.conversations[key] = c
			}
			updates := m.calls["UpdateConversation"]
			c := run(t, m, s.post, s.triage).Conversation
			if c != m.conversations[key] {
				t.Errorf("the match has %+v, stored is %+v", c, m.conversations[key])
			}
			if c.State != s.state || c.Public != s.public || !c.Last.Equal(noon.Add(s.last)) {
				t.Errorf("state %s, public %v, last %s; want %s, %v, %s", c.State, c.Public, c.Last.Sub(noon), s.state, s.public, s.last)
			}
			if wrote := m.calls["UpdateConversation"] > updates; wrote != s.writes {
				t.Errorf("written: %v, want %v", wrote, s.writes)
			}
		})
	}
	if len(m.conversations) != 1 {
		t.Errorf("%d conversations, want 1", len(m.conversations))
	}
}

func TestThreads(t *testing.T) {
	m := newMemory()
	ana := post(care.X, 2)
	ana.Author = care.Author{ID: "3333", Handle: "ana"}
	other := post(care.X, 3)
	other.Thread = "8000"
	hidden, hiddenToo := post(care.Facebook, 4), post(care.Facebook, 5)
	hidden.Author, hiddenToo.Author = care.Author{}, care.Author{}
	ids := make([]care.ConversationID, 0, 5)
	for _, p := range []care.Post{post(care.X, 1), ana, other, hidden, hiddenToo} {
		ids = append(ids, run(t, m, p, complaint).Conversation.ID)
	}
	if ids[0] == ids[1] {
		t.Error("two authors in one thread share a conversation")
	}
	if ids[0] == ids[2] {
		t.Error("two threads share a conversation")
	}
	if ids[3] != ids[4] {
		t.Error("authors that the platform hides have conversations of their own in one thread")
	}
	if len(m.customers) != 2 {
		t.Errorf("%d customers, want 2: hidden authors are nobody", len(m.customers))
	}
}

func TestInteraction(t *testing.T) {
	m := newMemory()
	p := post(care.Mastodon, 1)
	p.URL = "https://social.veloria.example/@bill_reads/9001"
	got := run(t, m, p, complaint)
	want := care.Interaction{
		ID: "mastodon:9001", Kind: care.InteractionPost, Customer: got.Customer.ID, Conversation: got.Conversation.ID,
		Platform: care.Mastodon, At: p.CreatedAt, Text: p.Text, URL: p.URL, By: "customer", Sentiment: -0.6, Intent: "outage",
		Detail: map[string]string{"kind": "mention", "handle": "Bill_Reads"},
	}
	if diff := cmp.Diff(want, m.timeline["mastodon:9001"]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestCost bounds what a post costs: the steps that reach the table.
func TestCost(t *testing.T) {
	m := newMemory()
	run(t, m, post(care.X, 1), complaint)
	m.calls = make(map[string]int)
	run(t, m, post(care.X, 2), complaint)
	want := map[string]int{"Find": 1, "EnsureConversation": 1, "UpdateConversation": 1, "PutInteraction": 1}
	if diff := cmp.Diff(want, m.calls); diff != "" {
		t.Errorf("a known author's post: -want +got\n%s", diff)
	}
}

func TestContactDetails(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"write to bill@example.com.", []string{"email bill@example.com"}},
		{"Bill.Hale+velo@Mail.Example.co.uk!", []string{"email bill.hale+velo@mail.example.co.uk"}},
		{"<bill@example.com>, BILL@EXAMPLE.COM", []string{"email bill@example.com"}},
		{"@VeloriaCare help", nil},
		{"nora@social.veloria.example", []string{"email nora@social.veloria.example"}},
		{"bill@localhost", nil},
		{"bill@example..com", nil},
		{"@ @. .@. a@b", nil},
		{"+1 (202) 555-0123", []string{"phone +12025550123"}},
		{"+49.30.901820 or +34 612 345 678", []string{"phone +4930901820", "phone +34612345678"}},
		{"0202 555 0123", nil},
		{"+0202 555 0123", nil},
		{"2+2345678", nil},
		{"+123456", nil},
		{"+12345678901234567890", nil},
		{"bill+19999999@example.com", []string{"email bill+19999999@example.com"}},
		{"a@b.cd c@d.ef e@f.gh g@h.ij k@l.mn", []string{"email a@b.cd", "email c@d.ef", "email e@f.gh", "email g@h.ij"}},
		{"é@exämple.de", nil},
	} {
		var got []string
		for _, i := range contactDetails(c.text) {
			got = append(got, i.Scheme+" "+i.Value)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: found %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzContactDetails(f *testing.F) {
	for _, seed := range []string{"bill@example.com", "+1 (202) 555-0123", "@@@@", "++++", "a@b.cd+12345678", strings.Repeat("a", 300) + "@b.cd", "\xff@\xfe.xx"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := contactDetails(text)
		if len(found) > mostDetails {
			t.Fatalf("%d details", len(found))
		}
		for _, i := range found {
			switch i.Scheme {
			case "email":
				local, domain, ok := strings.Cut(i.Value, "@")
				if !ok || local == "" || len(local) > 64 || len(domain) > 255 || !strings.Contains(domain, ".") || strings.ContainsAny(i.Value, " <>\"'\\()[],;:") {
					t.Fatalf("%q is no address", i.Value)
				}
				if !strings.Contains(strings.ToLower(text), i.Value) {
					t.Fatalf("%q is not in the text", i.Value)
				}
			case "phone":
				if len(i.Value) < 8 || len(i.Value) > 16 || strings.Trim(i.Value[1:], "0123456789") != "" || i.Value[0] != '+' {
					t.Fatalf("%q is no number", i.Value)
				}
			default:
				t.Fatalf("scheme %q", i.Scheme)
			}
		}
	})
}

// BenchmarkMatch is what matching costs without its store: a known author's
// post, and a new author's.
func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct {
		name string
		post func(n int) care.Post
	}{
		{"known", func(n int) care.Post { return post(care.X, n%500) }},
		{"new", func(n int) care.Post {
			p := post(care.X, n%500)
			p.Author.ID, p.Thread = fmt.Sprint(n), fmt.Sprint(n)
			return p
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := newMemory()
			s := service(m)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if _, err := s.Match(ctx, c.post(n), complaint); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
