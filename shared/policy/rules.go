package policy

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fielder-care/fielder/shared/care"
)

// Windows of the platforms.
const (
	metaWindow       = 24 * time.Hour     // Messenger and Instagram direct messages
	humanAgentWindow = 7 * 24 * time.Hour // the same, for people
	privateReplySpan = 7 * 24 * time.Hour // private reply to a comment
)

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

const (
	xGuidelines  = "X, Developer Guidelines, Automation rules (docs.x.com/developer-guidelines)"
	xChangelog   = "X API changelog, 23 February 2026 (docs.x.com/changelog)"
	xPricing     = "X API pricing (docs.x.com/x-api/getting-started/pricing)"
	metaPolicy   = "Meta, Messenger Platform and IG Messaging API policy (developers.facebook.com/documentation/business-messaging/messenger-platform/policy)"
	metaPrivate  = "Meta, Private Replies (developers.facebook.com/documentation/instagram-platform/private-replies)"
	metaComments = "Meta, Instagram comment moderation (developers.facebook.com/documentation/instagram-platform/comment-moderation)"
	blueskyBots  = "Bluesky, Bots, Respecting other users (docs.bsky.app/docs/starter-templates/bots)"
	fediBots     = "Mastodon server rules; fedi.tips, Why are some accounts marked Bot"
)

var (
	onX         = []care.Platform{care.X}
	onFacebook  = []care.Platform{care.Facebook}
	onInstagram = []care.Platform{care.Instagram}
	onMastodon  = []care.Platform{care.Mastodon}
	onBluesky   = []care.Platform{care.Bluesky}
	onMetaDM    = []care.Platform{care.Messenger, care.Instagram}
)

var none = finding{}

func refuse(format string, args ...any) finding { return finding{refuse: fmt.Sprintf(format, args...)} }

// rules in the order in which they are asked: what is wrong whatever the
// platform first.
var rules = []Rule{
	{
		ID: "own-account", Confidence: House, Source: "loop guard",
		Text: "Our own posts are never answered automatically.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Post.Author.Own {
				return refuse("The post is our own.")
			}
			return none
		},
	},
	{
		ID: "bot-loop", Confidence: House, Source: "loop guard",
		Text: "Automated accounts are not answered automatically: two machines would talk for ever.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Post.Author.Bot {
				return refuse("The author is an automated account.")
			}
			return none
		},
	},
	{
		ID: "deleted", Confidence: House, Source: "a customer who takes a post back wants no answer to it",
		Text: "A post that its author deleted is not answered.",
		check: func(r Request) finding {
			if r.Deleted && r.Kind != Invitation {
				return refuse("The author has deleted the post.")
			}
			return none
		},
	},
	{
		ID: "opt-out", Confidence: Verified, Source: xGuidelines + "; held on every platform",
		Text: "Who asked for no automated messages gets none, and no invitations from anybody.",
		check: func(r Request) finding {
			if r.Consent.OptOut && (r.Sender == Bot || r.Kind == Invitation) {
				return refuse("The customer asked for no automated messages.")
			}
			return none
		},
	},
	{
		ID: "opt-out-word", Confidence: Verified, Source: xGuidelines + "; held on every platform",
		Text: "A post that says stop is not answered automatically.",
		check: func(r Request) finding {
			if r.Sender == Bot && OptsOut(r.Post.Text) {
				return refuse("The post asks for no more automated messages.")
			}
			return none
		},
	},
	{
		ID: "blocked", Confidence: House, Source: "the brand's block list",
		Text: "Authors on the block list get no automated messages and no invitations.",
		check: func(r Request) finding {
			if r.Blocked && (r.Sender == Bot || r.Kind == Invitation) {
				return refuse("The author is on the block list.")
			}
			return none
		},
	},
	{
		ID: "agent-on-it", Confidence: House, Source: "one voice at a time",
		Text: "While an agent has the conversation no machine speaks in it.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.AgentOnIt {
				return refuse("An agent has this conversation.")
			}
			return none
		},
	},
	{
		ID: "standby", Confidence: House, Source: "Meta, conversation routing: another app has the thread",
		Text: "While another app or the Page's inbox has the thread nothing is said automatically.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Post.Ref["standby"] != "" {
				return refuse("Another app has this thread on the platform.")
			}
			return none
		},
	},
	{
		ID: "one-automated-reply", Confidence: House, Source: "nothing is said twice; X says the same: at most one reply per interaction",
		Text: "A post gets at most one automated reply.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Kind != Invitation && r.AutomatedRepliesToPost > 0 {
				return refuse("The post has had its automated reply.")
			}
			return none
		},
	},
	{
		ID: "cap", Confidence: House, Source: "caps of the auto-reply rules",
		Text: "One author gets only so many automated replies a day.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Kind != Invitation && r.MaxPerAuthorPerDay > 0 && r.RepliesToAuthorToday >= r.MaxPerAuthorPerDay {
				y, m, d := r.Now.UTC().Date()
				f := refuse("This author has had %d automated replies today, as many as one person may get.", r.RepliesToAuthorToday)
				f.until = date(y, m, d+1)
				return f
			}
			return none
		},
	},
	{
		ID: "personal-data", Confidence: House, Source: "data protection",
		Text: "Personal data is never said in public, by nobody.",
		check: func(r Request) finding {
			if r.TextHasPersonalData && !r.direct() {
				return refuse("The text holds personal data and everybody would see it.")
			}
			return none
		},
	},
	{
		ID: "private-stays-private", Confidence: House, Source: "what was said in private is not answered in public",
		Text: "A private post is answered in private.",
		check: func(r Request) finding {
			if r.Kind != Invitation && r.Post.Private && !r.direct() {
				return refuse("The post was private, the answer would be public.")
			}
			return none
		},
	},
	{
		ID: "invitation-consent", Confidence: House, Source: "consent first",
		Text: "Only customers who agreed to it are invited.",
		check: func(r Request) finding {
			if r.Kind == Invitation && !r.Consent.Invite {
				return refuse("The customer has not agreed to be invited.")
			}
			return none
		},
	},
	{
		ID: "invitation-private", Confidence: House, Source: "an invitation in public tells others that somebody is a customer",
		Text: "Invitations are sent in private.",
		check: func(r Request) finding {
			if r.Kind == Invitation && !r.direct() {
				return refuse("An invitation must not be public.")
			}
			return none
		},
	},

	// X.
	{
		ID: "x-summoned", Platforms: onX, From: date(2026, time.February, 23), Confidence: Verified, Source: xChangelog,
		Text: "Self-serve apps may reply only to posts that mention our account or quote one of our posts; enterprise apps are exempt.",
		check: func(r Request) finding {
			if !r.direct() && r.Tier != "enterprise" && !r.Post.Addressed {
				return refuse("The author did not mention or quote us; X lets only enterprise apps reply then.")
			}
			return none
		},
	},
	{
		ID: "x-no-keyword-replies", Platforms: onX, Confidence: Verified, Source: xGuidelines,
		Text: "Automated replies go only to who mentioned, quoted or answered us; reaching out to who complained in public is not allowed.",
		check: func(r Request) finding {
			if r.Sender == Bot && !r.direct() && !r.engaged() {
				return refuse("The author did not turn to us; X forbids unsolicited automated replies.")
			}
			return none
		},
	},
	{
		ID: "x-automated-label", Platforms: onX, Confidence: Verified, Source: xGuidelines,
		Text: "An account that posts automatically carries the label Automated.",
		check: func(r Request) finding {
			if r.Sender == Bot && !r.AccountAutomated {
				return refuse("Our account does not carry X's label for automated accounts.")
			}
			return none
		},
	},
	{
		ID: "x-ai-approval", Platforms: onX, Confidence: Verified, Source: xGuidelines + ", AI-generated content and replies",
		Text: "Replies written by a language model need X's prior approval.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.TextByAI {
				return refuse("A language model wrote the text; X has to approve that first.")
			}
			return none
		},
	},
	{
		ID: "x-no-cold-dm", Platforms: onX, Confidence: Verified, Source: xGuidelines,
		Text: "Automated direct messages go only to who sent us one first; a person writes only to who turned to us.",
		check: func(r Request) finding {
			if !r.direct() || !r.lastPrivate().IsZero() {
				return none
			}
			if r.Sender == Bot {
				return refuse("The customer has never sent us a direct message; X forbids automated ones then.")
			}
			if !r.engaged() {
				return refuse("The author did not turn to us; X forbids unsolicited direct messages.")
			}
			return none
		},
	},
	{
		ID: "x-off-x-matching", Platforms: onX, Confidence: Verified, Source: "X, Developer Guidelines, Off-X matching",
		Text: "A handle is tied to a customer record only with express consent, so who has not given it is not invited on X.",
		check: func(r Request) finding {
			if r.Kind == Invitation && !r.Consent.Match {
				return refuse("The customer has not agreed that their X account is tied to their customer record.")
			}
			return none
		},
	},
	{
		ID: "x-url-cost", Platforms: onX, Confidence: Verified, Source: xPricing,
		Text: "A post with a link costs $0.200, without $0.015, a summoned reply $0.010.",
		check: func(r Request) finding {
			if !r.TextHasURL || r.direct() {
				return none
			}
			const link = "https://example.com"
			with, without := Price(r.Platform, r.Tier, false, r.Post.Addressed, link, r.Now), Price(r.Platform, r.Tier, false, r.Post.Addressed, "", r.Now)
			if with <= without {
				return none
			}
			return finding{note: fmt.Sprintf("The text holds a link: X charges $%.3f for it instead of $%.3f.", with, without)}
		},
	},

	// Facebook comments.
	{
		ID: "facebook-private-reply", Platforms: onFacebook, Confidence: Reported, Source: metaPrivate + "; Page comments alike",
		Text:  "A post or comment gets at most one private reply, within 7 days.",
		check: privateReply,
	},
	{
		ID: "facebook-no-cold-message", Platforms: onFacebook, Confidence: Verified, Source: metaPolicy,
		Text: "A person must begin a conversation; there is no way to write to somebody out of the blue.",
		check: func(r Request) finding {
			if r.Kind == Invitation {
				return refuse("Facebook comments offer no way to invite somebody; Messenger does, within its window.")
			}
			return none
		},
	},

	// Messenger and Instagram direct messages.
	{
		ID: "meta-24h", Platforms: onMetaDM, Confidence: Verified, Source: metaPolicy,
		Text:  "A direct message may be answered for 24 hours; people with the tag HUMAN_AGENT have 7 days; machines and invitations never use the tag.",
		check: metaDirect,
	},

	// Instagram comments.
	{
		ID: "instagram-hidden", Platforms: onInstagram, Confidence: Verified, Source: metaComments,
		Text: "Hidden comments cannot be answered.",
		check: func(r Request) finding {
			if !r.direct() && r.Post.Ref["hidden"] == "true" {
				return refuse("The comment is hidden; Instagram takes no answers to it.")
			}
			return none
		},
	},
	{
		ID: "instagram-live", Platforms: onInstagram, Confidence: Verified, Source: metaComments,
		Text: "Comments on a live video take no public answer; a private one only during the broadcast.",
		check: func(r Request) finding {
			if r.Post.Ref["live"] != "true" {
				return none
			}
			if !r.direct() {
				return refuse("The comment is on a live video; Instagram takes no public answers to it.")
			}
			return finding{note: "The comment is on a live video; Instagram takes a private reply only while it runs."}
		},
	},
	{
		ID: "instagram-private-reply", Platforms: onInstagram, Confidence: Verified, Source: metaPrivate,
		Text:  "A comment gets at most one private reply, within 7 days; mentions get none.",
		check: privateReply,
	},

	// Mastodon.
	{
		ID: "mastodon-bot-label", Platforms: onMastodon, Confidence: Reported, Source: fediBots,
		Text: "An account that posts automatically is marked as a bot.",
		check: func(r Request) finding {
			if r.Sender == Bot && !r.AccountAutomated {
				return refuse("Our account is not marked as a bot.")
			}
			return none
		},
	},
	{
		ID: "mastodon-mentioned", Platforms: onMastodon, Confidence: Reported, Source: fediBots,
		Text: "Bots speak only to who mentioned or answered them.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Kind != Invitation && !r.engaged() {
				return refuse("The author did not turn to us; bots do not join in uninvited.")
			}
			return none
		},
	},
	{
		ID: "mastodon-visibility", Platforms: onMastodon, Confidence: House, Source: "etiquette; the adapter holds to it, too",
		Text: "An answer is seen by no more people than the post.",
		check: func(r Request) finding {
			if r.Kind != Invitation && visibility(r.Visibility) > visibility(r.Post.Ref["visibility"]) && r.Post.Ref["visibility"] != "" {
				return refuse("More people would see the answer than see the post.")
			}
			return none
		},
	},
	{
		ID: "mastodon-no-cold-message", Platforms: onMastodon, Confidence: Reported, Source: fediBots,
		Text:  "Nobody gets a direct message unasked.",
		check: askedFor,
	},

	// Bluesky.
	{
		ID: "bluesky-opt-in", Platforms: onBluesky, Confidence: Verified, Source: blueskyBots,
		Text: "Bots interact only with who tagged them: mentioned, answered or quoted.",
		check: func(r Request) finding {
			if r.Sender == Bot && r.Kind != Invitation && !r.engaged() {
				return refuse("The author did not turn to us; on Bluesky bots speak only when spoken to.")
			}
			return none
		},
	},
	{
		ID: "bluesky-bot-label", Platforms: onBluesky, Confidence: Reported, Source: "Bluesky, self-label bot on the account's profile",
		Text: "An account that posts automatically carries the label bot.",
		check: func(r Request) finding {
			if r.Sender == Bot && !r.AccountAutomated {
				return refuse("Our account does not carry the label bot.")
			}
			return none
		},
	},
	{
		ID: "bluesky-no-cold-message", Platforms: onBluesky, Confidence: Verified, Source: blueskyBots,
		Text:  "Nobody gets a direct message unasked.",
		check: askedFor,
	},
}

// privateReply is Meta's private reply to something public: once, within a week.
func privateReply(r Request) finding {
	if r.Kind == Invitation || !r.direct() || r.Post.Private {
		return none
	}
	if r.Platform == care.Instagram && r.Post.Kind != care.KindComment {
		return refuse("Instagram takes private replies to comments only.")
	}
	if r.PrivateRepliesToPost > 0 {
		return refuse("The post has had its one private reply.")
	}
	if r.Post.CreatedAt.IsZero() {
		return refuse("It is not known when the post was written, and private replies end after 7 days.")
	}
	end := r.Post.CreatedAt.Add(privateReplySpan)
	if !r.Now.Before(end) {
		return refuse("The post is older than the 7 days in which a private reply is possible.")
	}
	return finding{until: end}
}

// metaDirect is the window of Messenger and Instagram direct messages.
func metaDirect(r Request) finding {
	if !r.direct() {
		return none
	}
	if r.Platform == care.Instagram && r.Kind != Invitation && !r.Post.Private {
		return none // a private reply to a comment has its own rule
	}
	last := r.lastPrivate()
	if last.IsZero() {
		return refuse("The customer has not written to us there; a person must begin the conversation.")
	}
	if end := last.Add(metaWindow); r.Now.Before(end) {
		return finding{until: end}
	}
	switch end := last.Add(humanAgentWindow); {
	case r.Sender == Bot:
		return refuse("The customer last wrote more than 24 hours ago; only a person may answer now.")
	case r.Kind == Invitation:
		return refuse("The customer last wrote more than 24 hours ago; an invitation is not what the extra time for people is for.")
	case r.Now.Before(end):
		return finding{until: end, tag: "HUMAN_AGENT", note: "The customer last wrote more than 24 hours ago; the answer goes out with the tag HUMAN_AGENT, for which the app needs the permission."}
	}
	return refuse("The customer last wrote more than 7 days ago; the platform takes nothing until they write again.")
}

// askedFor is consent to a direct message on Mastodon and Bluesky: the customer
// wrote to us, or agreed to be invited.
func askedFor(r Request) finding {
	if !r.direct() || r.engaged() || !r.lastPrivate().IsZero() || r.Kind == Invitation && r.Consent.Invite {
		return none
	}
	return refuse("The author has not turned to us or agreed to be written to.")
}

// visibility ranks Mastodon's by how many see it; what is unknown counts as the
// narrowest.
func visibility(v string) int {
	switch v {
	case "public":
		return 3
	case "unlisted":
		return 2
	case "private":
		return 1
	}
	return 0
}

// optOutWords are what a person writes, alone, who wants no more messages.
var optOutWords = map[string]bool{
	"stop": true, "stop it": true, "stop messaging me": true, "stop contacting me": true, "unsubscribe": true, "opt out": true, "optout": true, "no more messages": true, "leave me alone": true,
	"baja": true, "darme de baja de los mensajes": true, "no me escribáis": true, "no me escribáis más": true, "no me escribas más": true, "no más mensajes": true, "basta": true, "parad": true,
}

// optOutParts are the single words of optOutWords.
var optOutParts = sync.OnceValue(func() map[string]bool {
	parts := map[string]bool{}
	for phrase := range optOutWords {
		for w := range strings.FieldsSeq(phrase) {
			parts[w] = true
		}
	}
	return parts
})

// OptsOut says whether a text is nothing but the wish for no more messages:
// "STOP", "@VeloriaCare unsubscribe!", "BAJA por favor". Whoever reads posts
// records it as opt-out; MaySend refuses in any case.
func OptsOut(text string) bool {
	var words []string
	for w := range strings.FieldsSeq(text) {
		if strings.HasPrefix(w, "@") {
			continue
		}
		w = strings.ToLower(w)
		w = strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) })
		switch w {
		case "", "please", "pls", "por", "favor", "now", "ya":
			continue
		}
		if !optOutParts()[w] { // as soon as anything else is said
			return false
		}
		if words = append(words, w); len(words) > 8 {
			return false
		}
	}
	return optOutWords[strings.Join(words, " ")]
}
