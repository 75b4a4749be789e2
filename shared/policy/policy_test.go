package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fielder-care/fielder/shared/care"
)

var now = time.Date(2026, time.November, 24, 10, 0, 0, 0, time.UTC)

// mention is a request that every rule allows: a labelled bot answers a public
// post that turned to us an hour ago.
func mention(p care.Platform) Request {
	kind := care.KindMention
	if p == care.Facebook || p == care.Instagram {
		kind = care.KindComment
	}
	r := Request{Now: now, Platform: p, Sender: Bot, Kind: Reply, AccountAutomated: true,
		Post: care.Post{Platform: p, NativeID: "1", Kind: kind, Addressed: true, Text: "When do you open?", CreatedAt: now.Add(-time.Hour), Author: care.Author{ID: "9"}}}
	if p == care.Messenger {
		return direct(p)
	}
	return r
}

// direct is the same in private.
func direct(p care.Platform) Request {
	return Request{Now: now, Platform: p, Sender: Bot, Kind: Reply, Private: true, AccountAutomated: true,
		Post: care.Post{Platform: p, NativeID: "1", Kind: care.KindDirect, Private: true, Addressed: true, Text: "When do you open?", CreatedAt: now.Add(-time.Hour), Author: care.Author{ID: "9"}}}
}

// invitation goes to a customer who agreed and wrote to us an hour ago.
func invitation(p care.Platform) Request {
	return Request{Now: now, Platform: p, Sender: Bot, Kind: Invitation, Private: true, AccountAutomated: true,
		Consent: care.Consent{Invite: true, Match: true}, LastCustomerPost: now.Add(-time.Hour)}
}

func TestAllowed(t *testing.T) {
	for _, p := range care.Platforms() {
		for name, r := range map[string]Request{"mention": mention(p), "direct": direct(p), "invitation": invitation(p)} {
			if name == "invitation" && p == care.Facebook {
				continue // there is none; see below
			}
			if name == "direct" && p == care.Facebook {
				continue // Messenger is its own platform
			}
			for _, sender := range []Sender{Bot, Agent} {
				r.Sender = sender
				if v := MaySend(r); !v.Allowed || v.Rule != "" {
					t.Errorf("%s %s by %s: refused by %s: %v", p, name, sender, v.Rule, v.Reasons)
				}
			}
		}
	}
}

// Each row changes a request that is allowed so that exactly one rule refuses.
var refusals = []struct {
	name, rule string
	from       Request
	change     func(*Request)
}{
	{"own post", "own-account", mention(care.Facebook), func(r *Request) { r.Post.Author.Own = true }},
	{"another bot", "bot-loop", mention(care.Mastodon), func(r *Request) { r.Post.Author.Bot = true }},
	{"post deleted", "deleted", mention(care.Bluesky), func(r *Request) { r.Deleted = true }},
	{"post deleted, agent", "deleted", mention(care.X), func(r *Request) { r.Deleted, r.Sender = true, Agent }},
	{"opted out", "opt-out", mention(care.X), func(r *Request) { r.Consent.OptOut = true }},
	{"opted out, agent invites", "opt-out", invitation(care.Mastodon), func(r *Request) { r.Consent.OptOut, r.Sender = true, Agent }},
	{"says stop", "opt-out-word", direct(care.Messenger), func(r *Request) { r.Post.Text = "STOP!" }},
	{"blocked", "blocked", mention(care.Instagram), func(r *Request) { r.Blocked = true }},
	{"agent has it", "agent-on-it", mention(care.X), func(r *Request) { r.AgentOnIt = true }},
	{"agent has it, invitation", "agent-on-it", invitation(care.X), func(r *Request) { r.AgentOnIt = true }},
	{"standby", "standby", direct(care.Messenger), func(r *Request) { r.Post.Ref = map[string]string{"standby": "true"} }},
	{"answered before", "one-automated-reply", mention(care.X), func(r *Request) { r.AutomatedRepliesToPost = 1 }},
	{"answered before, closing", "one-automated-reply", mention(care.Mastodon), func(r *Request) { r.AutomatedRepliesToPost, r.Kind = 1, Closing }},
	{"cap", "cap", mention(care.Bluesky), func(r *Request) { r.RepliesToAuthorToday, r.MaxPerAuthorPerDay = 2, 2 }},
	{"personal data in public", "personal-data", mention(care.Facebook), func(r *Request) { r.TextHasPersonalData = true }},
	{"personal data in public, agent", "personal-data", mention(care.X), func(r *Request) { r.TextHasPersonalData, r.Sender = true, Agent }},
	{"private answered in public", "private-stays-private", direct(care.Mastodon), func(r *Request) { r.Private = false }},
	{"private answered in public, agent", "private-stays-private", direct(care.Bluesky), func(r *Request) { r.Private, r.Sender = false, Agent }},
	{"invitation without consent", "invitation-consent", invitation(care.Bluesky), func(r *Request) { r.Consent.Invite = false }},
	{"invitation in public", "invitation-private", invitation(care.Mastodon), func(r *Request) { r.Private = false }},

	{"x not summoned, agent", "x-summoned", mention(care.X), func(r *Request) { r.Post.Addressed, r.Sender = false, Agent }},
	{"x answered us without a mention", "x-summoned", mention(care.X), func(r *Request) { r.Post.Addressed, r.Post.InOurThread = false, true }},
	{"x not summoned, tier unknown", "x-summoned", mention(care.X), func(r *Request) { r.Post.Addressed, r.Post.InOurThread, r.Tier = false, true, "pro" }},
	{"x keyword, enterprise bot", "x-no-keyword-replies", mention(care.X), func(r *Request) { r.Post.Addressed, r.Tier = false, "enterprise" }},
	{"x without label", "x-automated-label", mention(care.X), func(r *Request) { r.AccountAutomated = false }},
	{"x by a language model", "x-ai-approval", mention(care.X), func(r *Request) { r.TextByAI = true }},
	{"x cold direct message", "x-no-cold-dm", mention(care.X), func(r *Request) { r.Private = true }},
	{"x cold direct message, agent", "x-no-cold-dm", mention(care.X), func(r *Request) { r.Private, r.Sender, r.Post.Addressed = true, Agent, false }},
	{"x cold invitation", "x-no-cold-dm", invitation(care.X), func(r *Request) { r.LastCustomerPost = time.Time{} }},
	{"x invitation without matching consent", "x-off-x-matching", invitation(care.X), func(r *Request) { r.Consent.Match = false }},

	{"facebook second private reply", "facebook-private-reply", mention(care.Facebook), func(r *Request) { r.Private, r.PrivateRepliesToPost = true, 1 }},
	{"facebook private reply after 7 days", "facebook-private-reply", mention(care.Facebook), func(r *Request) { r.Private, r.Post.CreatedAt = true, now.Add(-7*24*time.Hour) }},
	{"facebook private reply, age unknown", "facebook-private-reply", mention(care.Facebook), func(r *Request) { r.Private, r.Post.CreatedAt = true, time.Time{} }},
	{"facebook invitation", "facebook-no-cold-message", invitation(care.Facebook), func(r *Request) {}},

	{"messenger after 24 h", "meta-24h", direct(care.Messenger), func(r *Request) { r.Post.CreatedAt = now.Add(-24 * time.Hour) }},
	{"messenger after 7 days, agent", "meta-24h", direct(care.Messenger), func(r *Request) { r.Post.CreatedAt, r.Sender = now.Add(-7*24*time.Hour), Agent }},
	{"messenger invitation after 24 h, agent", "meta-24h", invitation(care.Messenger), func(r *Request) { r.LastCustomerPost, r.Sender = now.Add(-25*time.Hour), Agent }},
	{"messenger cold invitation", "meta-24h", invitation(care.Messenger), func(r *Request) { r.LastCustomerPost = time.Time{} }},
	{"instagram after 24 h", "meta-24h", direct(care.Instagram), func(r *Request) { r.Post.CreatedAt = now.Add(-24*time.Hour - time.Second) }},
	{"instagram hidden", "instagram-hidden", mention(care.Instagram), func(r *Request) { r.Post.Ref = map[string]string{"hidden": "true"} }},
	{"instagram live", "instagram-live", mention(care.Instagram), func(r *Request) { r.Post.Ref = map[string]string{"live": "true"} }},
	{"instagram second private reply", "instagram-private-reply", mention(care.Instagram), func(r *Request) { r.Private, r.PrivateRepliesToPost = true, 1 }},
	{"instagram private reply after 7 days, agent", "instagram-private-reply", mention(care.Instagram), func(r *Request) { r.Private, r.Sender, r.Post.CreatedAt = true, Agent, now.Add(-8*24*time.Hour) }},
	{"instagram private reply to a mention", "instagram-private-reply", mention(care.Instagram), func(r *Request) { r.Private, r.Post.Kind = true, care.KindMention }},

	{"mastodon without label", "mastodon-bot-label", mention(care.Mastodon), func(r *Request) { r.AccountAutomated = false }},
	{"mastodon uninvited", "mastodon-mentioned", mention(care.Mastodon), func(r *Request) { r.Post.Addressed = false }},
	{"mastodon wider", "mastodon-visibility", mention(care.Mastodon), func(r *Request) {
		r.Visibility, r.Post.Ref = "public", map[string]string{"visibility": "unlisted"}
	}},
	{"mastodon cold message, agent", "mastodon-no-cold-message", mention(care.Mastodon), func(r *Request) { r.Private, r.Sender, r.Post.Addressed = true, Agent, false }},
	{"bluesky uninvited", "bluesky-opt-in", mention(care.Bluesky), func(r *Request) { r.Post.Addressed = false }},
	{"bluesky without label", "bluesky-bot-label", mention(care.Bluesky), func(r *Request) { r.AccountAutomated = false }},
	{"bluesky cold message, agent", "bluesky-no-cold-message", mention(care.Bluesky), func(r *Request) { r.Private, r.Sender, r.Post.Addressed = true, Agent, false }},

	{"no time", "request", mention(care.X), func(r *Request) { r.Now = time.Time{} }},
	{"unknown platform", "request", mention(care.X), func(r *Request) { r.Platform, r.Post.Platform = "myspace", "myspace" }},
	{"phone", "request", invitation(care.X), func(r *Request) { r.Platform = care.Phone }},
	{"unknown sender", "request", mention(care.X), func(r *Request) { r.Sender = "" }},
	{"unknown kind", "request", mention(care.X), func(r *Request) { r.Kind = "advert" }},
	{"no post", "request", mention(care.X), func(r *Request) { r.Post = care.Post{} }},
	{"another platform's post", "request", mention(care.X), func(r *Request) { r.Post.Platform = care.Bluesky }},
}

func TestRefused(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range refusals {
		seen[row.rule] = true
		t.Run(row.name, func(t *testing.T) {
			r := row.from
			row.change(&r)
			v := MaySend(r)
			if v.Allowed || v.Rule != row.rule {
				t.Fatalf("allowed %v, rule %q, want a refusal by %q (%v)", v.Allowed, v.Rule, row.rule, v.Reasons)
			}
			if len(v.Reasons) != 1 || v.Reasons[0].By != "policy:"+row.rule {
				t.Errorf("reasons %v, want one of %s", v.Reasons, row.rule)
			}
		})
	}
	for _, rule := range Rules() {
		if !seen[rule.ID] && rule.ID != "x-url-cost" { // a note, tested below
			t.Errorf("rule %s refuses nothing in these rows", rule.ID)
		}
	}
}

func TestAllowedThoughNearlyRefused(t *testing.T) {
	rows := []struct {
		name   string
		from   Request
		change func(*Request)
		until  time.Time
		tag    string
	}{
		{"agent answers who opted out of machines", mention(care.X), func(r *Request) { r.Consent.OptOut, r.Sender = true, Agent }, time.Time{}, ""},
		{"agent answers while an agent has it", mention(care.X), func(r *Request) { r.AgentOnIt, r.Sender = true, Agent }, time.Time{}, ""},
		{"agent answers after the bot", mention(care.Bluesky), func(r *Request) { r.AutomatedRepliesToPost, r.Sender = 1, Agent }, time.Time{}, ""},
		{"personal data in private", direct(care.Mastodon), func(r *Request) { r.TextHasPersonalData = true }, time.Time{}, ""},
		{"below the cap", mention(care.Bluesky), func(r *Request) { r.RepliesToAuthorToday, r.MaxPerAuthorPerDay = 1, 2 }, time.Time{}, ""},
		{"x enterprise agent need not be summoned", mention(care.X), func(r *Request) { r.Post.Addressed, r.Tier, r.Sender = false, "enterprise", Agent }, time.Time{}, ""},
		{"x enterprise bot answers who answered us", mention(care.X), func(r *Request) { r.Post.Addressed, r.Post.InOurThread, r.Tier = false, true, "enterprise" }, time.Time{}, ""},
		{"x by hand needs no label", mention(care.X), func(r *Request) { r.AccountAutomated, r.Sender, r.TextByAI = false, Agent, true }, time.Time{}, ""},
		{"x direct message to who wrote before", mention(care.X), func(r *Request) { r.Private, r.LastCustomerPost = true, now.Add(-90*24*time.Hour) }, time.Time{}, ""},
		{"x agent writes to who mentioned us", mention(care.X), func(r *Request) { r.Private, r.Sender = true, Agent }, time.Time{}, ""},
		{"facebook private reply just before 7 days", mention(care.Facebook), func(r *Request) { r.Private, r.Post.CreatedAt = true, now.Add(-7*24*time.Hour+time.Second) }, now.Add(time.Second), ""},
		{"facebook public answer after a year", mention(care.Facebook), func(r *Request) { r.Post.CreatedAt = now.Add(-365 * 24 * time.Hour) }, time.Time{}, ""},
		{"messenger just before 24 h", direct(care.Messenger), func(r *Request) { r.Post.CreatedAt = now.Add(-24*time.Hour + time.Second) }, now.Add(time.Second), ""},
		{"messenger: a later post keeps the window open", direct(care.Messenger), func(r *Request) {
			r.Post.CreatedAt, r.LastCustomerPost = now.Add(-48*time.Hour), now.Add(-2*time.Hour)
		}, now.Add(22 * time.Hour), ""},
		{"messenger agent after 24 h", direct(care.Messenger), func(r *Request) { r.Post.CreatedAt, r.Sender = now.Add(-25*time.Hour), Agent }, now.Add(-25*time.Hour + 7*24*time.Hour), "HUMAN_AGENT"},
		{"instagram agent within 24 h needs no tag", direct(care.Instagram), func(r *Request) { r.Sender = Agent }, now.Add(23 * time.Hour), ""},
		{"instagram story mention opens the window", direct(care.Instagram), func(r *Request) { r.Post.Kind = care.KindStoryMention }, now.Add(23 * time.Hour), ""},
		{"instagram private reply, live", mention(care.Instagram), func(r *Request) { r.Private, r.Post.Ref = true, map[string]string{"live": "true"} }, now.Add(-time.Hour + 7*24*time.Hour), ""},
		{"mastodon narrower", mention(care.Mastodon), func(r *Request) {
			r.Visibility, r.Post.Ref = "unlisted", map[string]string{"visibility": "public"}
		}, time.Time{}, ""},
		{"mastodon: answers who answered", mention(care.Mastodon), func(r *Request) { r.Post.Addressed, r.Post.InOurThread = false, true }, time.Time{}, ""},
		{"bluesky invitation to who agreed but never wrote", invitation(care.Bluesky), func(r *Request) { r.LastCustomerPost = time.Time{} }, time.Time{}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := row.from
			row.change(&r)
			v := MaySend(r)
			if !v.Allowed || v.Rule != "" {
				t.Fatalf("refused by %q: %v", v.Rule, v.Reasons)
			}
			if !v.Until.Equal(row.until) || v.Tag != row.tag {
				t.Errorf("until %s, tag %q; want %s, %q", v.Until, v.Tag, row.until, row.tag)
			}
		})
	}
}

func TestRulesHoldFromTheirDate(t *testing.T) {
	r := mention(care.X)
	r.Post.Addressed, r.Sender = false, Agent
	r.Now = time.Date(2026, time.February, 22, 23, 59, 59, 0, time.UTC)
	if v := MaySend(r); !v.Allowed {
		t.Errorf("the day before: refused by %s", v.Rule)
	}
	r.Now = time.Date(2026, time.February, 23, 0, 0, 0, 0, time.UTC)
	if v := MaySend(r); v.Allowed || v.Rule != "x-summoned" {
		t.Errorf("on the day: %v %q", v.Allowed, v.Rule)
	}
	rule := Rule{Platforms: onX, From: now, Until: now.Add(time.Hour)}
	for at, want := range map[time.Time]bool{now.Add(-1): false, now: true, now.Add(time.Hour - 1): true, now.Add(time.Hour): false} {
		if rule.On(care.X, at) != want {
			t.Errorf("on at %s: %v", at, !want)
		}
	}
	if rule.On(care.Mastodon, now) {
		t.Error("a rule of X holds on Mastodon")
	}
}

func TestEveryRefusalIsReported(t *testing.T) {
	r := mention(care.X)
	r.Consent.OptOut, r.AgentOnIt, r.AccountAutomated = true, true, false
	v := MaySend(r)
	var by []string
	for _, reason := range v.Reasons {
		by = append(by, reason.By)
	}
	if got := strings.Join(by, " "); v.Rule != "opt-out" || got != "policy:opt-out policy:agent-on-it policy:x-automated-label" {
		t.Errorf("rule %s, reasons %s", v.Rule, got)
	}
}

func TestCapEndsAtMidnight(t *testing.T) {
	r := mention(care.X)
	r.RepliesToAuthorToday, r.MaxPerAuthorPerDay = 3, 3
	if v := MaySend(r); !v.Until.Equal(time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("until %s", v.Until)
	}
	r.TextHasPersonalData = true // never ends by itself, so both together do not
	if v := MaySend(r); v.Rule != "cap" || !v.Until.IsZero() {
		t.Errorf("%s until %s", v.Rule, v.Until)
	}
	r.TextHasPersonalData = false
	r.AgentOnIt = true // ends nobody knows when, so both together do
	if v := MaySend(r); !v.Until.IsZero() {
		t.Errorf("until %s", v.Until)
	}
}

func TestURLCostIsANote(t *testing.T) {
	r := mention(care.X)
	r.TextHasURL = true
	want := []care.Reason{{By: "policy:x-url-cost", Text: "The text holds a link: X charges $0.200 for it instead of $0.010."}}
	if v := MaySend(r); !v.Allowed || !slices.Equal(v.Reasons, want) {
		t.Errorf("%+v", v)
	}
}

func TestRulesAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.ID == "" || seen[r.ID] || r.Text == "" || r.Source == "" || r.Confidence == "" || r.check == nil {
			t.Errorf("rule %q is incomplete or there twice", r.ID)
		}
		seen[r.ID] = true
	}
}

func TestOptsOut(t *testing.T) {
	goods := []string{"STOP", "stop.", "@VeloriaCare unsubscribe!", "Baja, por favor", "please stop messaging me", "no me escribáis más", "@a @b Stop now!!"}
	for _, s := range goods {
		if !OptsOut(s) {
			t.Errorf("%q is not seen as opting out", s)
		}
	}
	bads := []string{"", "@VeloriaCare", "my internet stops every evening", "the bus stop", "don't stop", "¿cómo me doy de baja del contrato?", "velocidad baja", "stop charging me twice for the same bill please it is wrong", strings.Repeat("stop ", 10000)}
	for _, s := range bads {
		if OptsOut(s) {
			t.Errorf("%q is seen as opting out", s)
		}
	}
}

func drawRequest(t *rapid.T) Request {
	b := func(name string) bool { return rapid.Bool().Draw(t, name) }
	ago := func(name string) time.Time {
		h := rapid.IntRange(-1, 24*9).Draw(t, name)
		if h < 0 {
			return time.Time{}
		}
		return now.Add(-time.Duration(h)*time.Hour - time.Duration(rapid.IntRange(0, 3599).Draw(t, name+" seconds"))*time.Second)
	}
	p := rapid.SampledFrom(care.Platforms()).Draw(t, "platform")
	r := Request{
		Now: now, Platform: p, Tier: rapid.SampledFrom([]string{"", "self-serve", "enterprise"}).Draw(t, "tier"),
		Sender: rapid.SampledFrom([]Sender{Bot, Agent}).Draw(t, "sender"), Kind: rapid.SampledFrom([]Kind{Reply, Invitation, Closing}).Draw(t, "kind"),
		Private: b("private"), AgentOnIt: b("agent on it"), TextHasPersonalData: b("personal data"), TextHasURL: b("URL"), TextByAI: b("AI"),
		AccountAutomated: b("automated"), Blocked: b("blocked"), Deleted: b("deleted"), LastCustomerPost: ago("last"),
		AutomatedRepliesToPost: rapid.IntRange(0, 2).Draw(t, "automated replies"), PrivateRepliesToPost: rapid.IntRange(0, 1).Draw(t, "private replies"),
		Consent: care.Consent{Invite: b("invite"), Match: b("match"), OptOut: b("opt out")},
		Post: care.Post{Platform: p, NativeID: "1", Private: b("private post"), Addressed: b("addressed"), InOurThread: b("our thread"), Text: "hello", CreatedAt: ago("created"),
			Kind: rapid.SampledFrom([]care.Kind{care.KindMention, care.KindComment, care.KindDirect, care.KindPost}).Draw(t, "post kind"), Author: care.Author{Own: b("own"), Bot: b("bot")}},
	}
	return r
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		v := MaySend(r)
		if v.Allowed != (v.Rule == "") {
			t.Fatalf("allowed %v with rule %q", v.Allowed, v.Rule)
		}
		if !v.Allowed {
			if len(v.Reasons) == 0 {
				t.Fatal("a refusal without a reason")
			}
			return
		}
		forbid := func(what string, cond bool) {
			if cond {
				t.Fatalf("allowed although %s: %+v", what, r)
			}
		}
		bot := r.Sender == Bot
		forbid("the customer opted out", r.Consent.OptOut && (bot || r.Kind == Invitation))
		forbid("the post is ours", bot && r.Post.Author.Own)
		forbid("two bots would talk", bot && r.Post.Author.Bot)
		forbid("an agent has it", bot && r.AgentOnIt)
		forbid("it is the second automated reply", bot && r.Kind != Invitation && r.AutomatedRepliesToPost > 0)
		forbid("personal data would be public", r.TextHasPersonalData && !r.Private && r.Platform != care.Messenger)
		forbid("nobody agreed to an invitation", r.Kind == Invitation && !r.Consent.Invite)
		last := r.LastCustomerPost
		if last.IsZero() && r.Post.Private {
			last = r.Post.CreatedAt
		}
		if r.Platform == care.Messenger {
			forbid("a bot is outside 24 h", bot && (last.IsZero() || r.Now.Sub(last) >= 24*time.Hour))
			forbid("anybody is outside 7 days", !last.IsZero() && r.Now.Sub(last) >= 7*24*time.Hour)
			forbid("a bot carries HUMAN_AGENT", bot && v.Tag != "")
		}
		forbid("X did not summon us", r.Platform == care.X && !r.Private && r.Tier != "enterprise" && !r.Post.Addressed)
		forbid("the bot is not labelled", bot && !r.AccountAutomated && (r.Platform == care.X || r.Platform == care.Mastodon || r.Platform == care.Bluesky))
		if !v.Until.IsZero() {
			forbid("the window is over", !r.Now.Before(v.Until))
			later := r
			later.Now = v.Until
			if again := MaySend(later); again.Allowed && again.Until.Equal(v.Until) && again.Tag == v.Tag {
				t.Fatalf("still allowed when it should have ended: %+v", again)
			}
		}
	})
}

// A machine may do nothing that a person may not.
func TestPeopleMayWhateverMachinesMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Sender = Bot
		if MaySend(r).Allowed {
			r.Sender = Agent
			if v := MaySend(r); !v.Allowed {
				t.Fatalf("a bot may, an agent may not: %s", v.Rule)
			}
		}
	})
}

func BenchmarkMaySend(b *testing.B) {
	r := mention(care.X)
	b.ReportAllocs()
	for b.Loop() {
		MaySend(r)
	}
}
