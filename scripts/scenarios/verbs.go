package scenarios

// Verb is one sentence that a story can hold. In a pattern a word stands for
// itself and {name} or {name:kind} for a value; kinds are explained in slots.
type Verb struct {
	Name    string // what runs it
	Pattern string
	Help    string
}

// Verbs is the whole language, in the order of the help: first what people and
// the world do, then what must be seen.
var Verbs = []Verb{
	// Customers.
	{"post", `{who:person} posts on {platform:public} {text} as {new}`, "somebody turns to us in public: a mention, or a comment below one of our posts"},
	{"write", `{who:person} writes on {platform:private} {text} as {new}`, "somebody writes to us in private: a direct message"},
	{"reply", `{who:person} replies to {post} {text} as {new}`, "somebody goes on in the public thread of an earlier post"},
	{"edit", `{who:person} edits {post} to {text}`, "the author changes a post, where the platform tells us: X, Facebook, Mastodon"},
	{"delete", `{who:person} deletes {post}`, "the author deletes a post; pushed to us by X, Facebook and as unsent direct messages, elsewhere only gone"},
	{"twice", `{who:person} posts on {platform:public} {text} and {more:text} at once as {new} and {newer:new}`, "two posts of one author that reach us at the same moment"},
	{"crowd", `{count:number} strangers post on {platform:public} {text} as {new}`, "many people write the same; the posts are called NAME.1, NAME.2, ..."},
	{"call", `{who:person} calls and {agent} talks with them for {time:duration}`, "a phone call: it rings 20 seconds, then an agent talks"},
	// Agents.
	{"take", `{agent} takes the task of {post}`, "an agent accepts the task in Amazon Connect"},
	{"finish", `{agent} finishes the task of {post}`, "the agent completes it"},
	{"approve", `{agent} approves the draft of {post}`, "an agent lets the proposed words go out"},
	{"change", `{agent} approves the draft of {post} as {text}`, "an agent lets other words go out"},
	{"reject", `{agent} rejects the draft of {post} because {text}`, "an agent does without the draft"},
	{"byhand", `{agent} answers {post} by hand {text}`, "somebody of ours answers with the platform's own app: X, Facebook, Messenger"},
	// Config, as a business user edits it; it is deployed through every validator.
	{"stop", `the kill switch is thrown on {platform} because {text}`, "no machine says anything there any more"},
	{"stopall", `the kill switch is thrown everywhere because {text}`, "no machine says anything any more"},
	{"unstop", `the kill switch is taken back`, "machines speak again"},
	{"delay", `rule {rule} waits {time:duration}`, "the rule answers after a delay"},
	{"off", `rule {rule} is switched off`, "the rule's own kill switch"},
	{"once", `rule {rule} answers once per conversation`, "the guard of that name, and no cap per customer"},
	{"budget", `automated answers on {platform} may cost {dollars:number} dollars a day`, "the budget of a platform"},
	{"storm", `{count:number} posts within {time:duration} are a storm`, "when the rules for storms hold"},
	// The world.
	{"again", `the webhook of {post} comes again {count:number} times`, "the platform delivers a body again, side by side"},
	{"wait", `nothing happens for {time:duration}`, "time passes"},
	{"break", `{boundary} {fault} from now on`, "a boundary of the system fails every try until it works again"},
	{"mend", `{boundary} works again`, "takes that back"},
	{"die", `function {function} dies {count:number} times`, "the next so many invocations end in the middle"},
	{"kill", `the workflow {workflow} of {post} is killed`, "its execution is stopped where it stands, as by an operator"},
	// What must be seen.
	{"is", `expect {post} is {outcome}`, "the post's one decision"},
	{"isby", `expect {post} is {outcome} by rule {rule}`, "and the rule that made it"},
	{"undecided", `expect {post} is undecided`, "no decision yet, and none overdue"},
	{"public", `expect a reply to {post} with {text}`, "exactly one public reply stands at the platform and holds the text"},
	{"private", `expect a private reply to {post} with {text}`, "exactly one private reply stands at the platform and holds the text"},
	{"silent", `expect no reply to {post}`, "nothing of ours stands at the platform"},
	{"lacks", `expect no reply to {post} says {text}`, "no reply holds the text"},
	{"replies", `expect {count:number} replies in all`, "what the platforms hold of us, whatever it answers"},
	{"onereply", `expect one reply in all`, "likewise"},
	{"noreply", `expect nothing is said at all`, "likewise"},
	{"queue", `expect {post} in queue {queue}`, "the conversation is escalated there and a task waits there"},
	{"due", `expect {post} due at {at:moment}`, "by when an agent must answer"},
	{"before", `expect {post} before {other:post}`, "both are escalated, and the first has the higher priority"},
	{"state", `expect the conversation of {post} is {state}`, "where the conversation stands"},
	{"together", `expect {post} and {other:post} in one conversation`, "they are one matter"},
	{"apart", `expect {post} and {other:post} in two conversations`, "they are two matters"},
	{"task", `expect the task of {post} is {taskstate}`, "where the Connect task stands; none: there never was one"},
	{"draft", `expect the draft of {post} is {draftstate}`, "where the draft stands"},
	{"forgotten", `expect the draft of {post} says nothing`, "its words are gone"},
	{"timeline", `expect the timeline of {who:person} holds {text}`, "what an agent reads of the customer"},
	{"untold", `expect the timeline of {who:person} lacks {text}`, "what an agent must not read any more"},
	{"because", `expect the reasons of {post} hold {text}`, "the decision explains itself so"},
	{"told", `expect lookup says {text}`, "what the latest call's flow was told, the line to say first among it"},
	{"nottold", `expect lookup does not say {text}`, "and what it was not told"},
	{"clean", `expect nothing lost and nothing said twice`, "what every story ends with; may be asked in between"},
}

// slots explains the kinds of values, for the help.
var slots = map[string]string{
	"person":   "somebody of the story's People",
	"text":     `words in quotes, "like this"; \" is a quote`,
	"new":      "a name for the post, by which later lines call it",
	"post":     "a post that an earlier line named",
	"number":   "a number: 5, 0.02",
	"duration": "a time span: 90s, 20m, 4h",
	"moment":   "a time of that day, 09:30, or of any: 2026-11-25T09:30",
	"agent":    "an agent's name, in small letters: ana",
}

// fixed are the values of closed kinds; rules and queues are those of the config.
var fixed = map[string][]string{
	"platform":   {"x", "facebook", "messenger", "instagram", "mastodon", "bluesky"},
	"public":     {"x", "facebook", "instagram", "mastodon", "bluesky"},
	"private":    {"x", "messenger", "instagram", "mastodon"},
	"outcome":    {"ignored", "answered", "escalated", "recorded", "failed"},
	"state":      {"open", "waiting", "resolved"},
	"taskstate":  {"waiting", "taken", "closed", "none"},
	"draftstate": {"pending", "approved", "sent", "refused", "rejected", "expired", "withdrawn"},
	"boundary":   {"x", "facebook", "mastodon", "bluesky", "connect"},
	"fault":      {"throttles", "fails", "loses-answers"},
	"function":   {"webhook", "poller", "triage", "match", "reply", "escalate", "send", "contact", "lookup", "invite", "ledger", "panel"},
	"workflow":   {"later", "escalation", "followup"},
}
