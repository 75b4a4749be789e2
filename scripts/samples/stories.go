package main

import (
	"time"

	"github.com/fielder-care/fielder/scripts/wire"
)

// The people of the scripted stories; those with a customer record are in
// events/samples/customers.csv.
var (
	bill    = wire.Person{N: 501, First: "Bill", Last: "Harrow", Followers: 140}
	ada     = wire.Person{N: 502, First: "Ada", Last: "Vantreight", Followers: 75}
	carmela = wire.Person{N: 503, First: "Carmela", Last: "Olmedo", Followers: 310, Spanish: true}
	izan    = wire.Person{N: 506, First: "Izan", Last: "Quintanar", Followers: 220, Spanish: true}
	nadia   = wire.Person{N: 507, First: "Nadia", Last: "Fosse", Followers: 60}
	juno    = wire.Person{N: 508, First: "Juno", Last: "Crake", Followers: 5_000_000}
	helga   = wire.Person{N: 509, First: "Hedda", Last: "Marsh", Followers: 33}
	rosalia = wire.Person{N: 510, First: "Rocío", Last: "Larrea", Followers: 180, Spanish: true}
)

func hm(h, m, s int) time.Duration {
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}

// outage reports: many people, one matter, in half an hour.
var outageEN = []string{
	"no internet in Alderbrook since seven, the VeloBox blinks red", "is Veloria Fiber down in Alderbrook? nothing works here", "internet down again, third time this month. Fix it!",
	"outage in Alderbrook?? I work from home and cannot connect", "Veloria Fiber dead since 7:30, when will it be back?", "whole street offline, any news on the outage?",
	"my connection dropped an hour ago and the router shows red", "still no internet. What is going on in Alderbrook?", "down here too, rebooted the VeloBox twice, no luck",
	"fiber is out in our building since this morning", "no connection at all, is there an outage?", "cannot reach anything, internet not working in Alderbrook",
}
var outageES = []string{
	"sin internet en Alderbrook desde las siete, el VeloBox en rojo", "¿hay una avería de Veloria Fiber en Alderbrook? no funciona nada", "otra vez sin conexión, es una vergüenza",
	"se ha caído internet en toda la calle, ¿cuándo vuelve?", "no tengo internet desde esta mañana", "¿avería general? el router no conecta",
}

// questions that a rule can answer.
var questionsEN = []string{
	"what are the opening hours of your shop in Gran Vía?", "how do I set up my new VeloBox?", "how can I activate my SIM card?", "is there roaming in Switzerland with Veloria Mobile and what does it cost?",
	"do you have fiber coverage in Seabright?", "when does the Larios shop open on Saturday?", "how do I activate the eSIM on a new phone?", "does Veloria Mobile work abroad, in Japan?",
	"how do I change the wifi password on the VeloBox?", "when will fiber be available in Monteluna?",
}
var questionsES = []string{
	"¿a qué hora abre la tienda de Colón?", "¿cómo activo mi tarjeta SIM?", "¿tenéis cobertura de fibra en Valdemora?", "¿cuánto cuesta el roaming en Suiza?", "¿cómo configuro el VeloBox nuevo?",
}

var praiseEN = []string{
	"great service today, the technician was friendly and quick, thank you!", "just want to say thank you, new fiber line is super fast", "best support I have had in years, well done",
	"love the new VeloBox, works perfectly",
}
var praiseES = []string{"gracias por la ayuda, el técnico fue encantador", "muy contenta con la fibra, va genial", "excelente atención, gracias"}

var complaintsEN = []string{
	"charged twice this month and nobody answers my emails", "waited four hours for a technician who never came", "my bill is wrong for the third time, I want my money back",
	"terrible support, I have been on hold for an hour", "you promised a refund three weeks ago and I am still waiting", "slow internet every evening, I pay for 600 and get 20",
}
var complaintsES = []string{"me habéis cobrado dos veces este mes y nadie responde", "llevo tres semanas esperando el reembolso", "internet lentísimo todas las noches, estoy harta"}

// scripted adds the stories to the day.
func (d *maker) scripted() {
	// An outage that many report at once, on every platform, in two languages.
	shapes := []string{wire.XMention, wire.FacebookComment, wire.MastodonPublic, wire.XMention, wire.BlueskyMention, wire.InstagramComment, wire.XReply, wire.FacebookPost, wire.MastodonPublic, wire.BlueskyReply, wire.XMention, wire.MessengerDirect}
	for i := range 36 {
		p := d.someone(i%3 == 2)
		text := outageEN[i%len(outageEN)]
		if p.Spanish {
			text = outageES[i%len(outageES)]
		}
		d.say(hm(7, 38, 0)+time.Duration(i)*47*time.Second, shapes[i%len(shapes)], p, text, "outage", "")
	}
	// Bill reports the outage and calls an hour later.
	d.say(hm(7, 51, 30), wire.XMention, bill, "I cannot connect to the internet since breakfast, the VeloBox is red. Help?", "bill-calls", "")
	d.ring(hm(8, 46, 0), "+12025550101", "call-bill-1", "Ana", 340, "bill-calls")
	// Questions that a rule can answer, over the day.
	qs := []string{wire.XMention, wire.FacebookComment, wire.MastodonPublic, wire.BlueskyMention, wire.MessengerDirect, wire.InstagramComment, wire.XMention, wire.InstagramDirect, wire.FacebookComment, wire.XDirect, wire.MastodonPublic, wire.BlueskyReply, wire.InstagramLogin, wire.MessengerDirect, wire.XMention}
	for i := range 30 {
		p := d.someone(i%3 == 1)
		text := questionsEN[i%len(questionsEN)]
		if p.Spanish {
			text = questionsES[i%len(questionsES)]
		}
		d.say(hm(8, 12, 0)+time.Duration(i)*20*time.Minute, qs[i%len(qs)], p, text, "questions", "")
	}
	// Praise, thanked or kept; Carmela calls afterwards and is invited.
	ps := []string{wire.MastodonPublic, wire.XMention, wire.InstagramComment, wire.FacebookComment, wire.BlueskyReply, wire.InstagramStory, wire.FacebookPost}
	for i := range 12 {
		p := d.someone(i%3 == 2)
		text := praiseEN[i%len(praiseEN)]
		if p.Spanish {
			text = praiseES[i%len(praiseES)]
		}
		d.say(hm(9, 3, 0)+time.Duration(i)*41*time.Minute, ps[i%len(ps)], p, text, "praise", "")
	}
	d.say(hm(9, 41, 0), wire.MastodonPublic, carmela, "Mil gracias por la ayuda de ayer, la fibra va genial y el técnico fue encantador", "carmela-invited", "answered")
	d.ring(hm(10, 35, 0), "+12025550103", "call-carmela-1", "Ana", 265, "carmela-invited")
	// One word ends every automated message; the call in the evening is followed by
	// no invitation any more.
	d.say(hm(14, 5, 0), wire.MastodonDirect, carmela, "BAJA", "carmela-opts-out", "recorded")
	// Complaints.
	cs := []string{wire.XMention, wire.FacebookComment, wire.MessengerDirect, wire.MastodonPublic, wire.InstagramDirect, wire.XMention, wire.BlueskyMention, wire.FacebookPost, wire.XDirect}
	for i := range 10 {
		p := d.someone(i%3 == 2)
		text := complaintsEN[i%len(complaintsEN)]
		if p.Spanish {
			text = complaintsES[i%len(complaintsES)]
		}
		d.say(hm(9, 26, 0)+time.Duration(i)*52*time.Minute, cs[i%len(cs)], p, text, "complaints", "escalated")
	}
	// The customer who is worth millions and has 75 followers; she called before.
	d.ring(hm(9, 5, 0), "+12025550102", "call-ada-1", "Jon", 410, "ada")
	d.say(hm(11, 20, 0), wire.XMention, ada, "our head office has had slow internet since Monday and your bill is wrong again. Who is in charge?", "ada", "escalated")
	d.ring(hm(12, 5, 0), "+12025550102", "call-ada-2", "Jon", 900, "ada")
	// The influencer with five million followers.
	d.say(hm(12, 31, 0), wire.XMention, juno, "worst support ever, @VeloriaCare. Four days without internet and nobody calls back", "juno", "escalated")
	// Personal data in public: never repeated, always moved to a person or to private.
	d.say(hm(13, 2, 0), wire.FacebookComment, helga, "where is my order VL-20481137? call me at +1 202 555 0147 or write to hedda.marsh@example.com", "personal-data", "answered")
	d.say(hm(13, 9, 0), wire.XMention, rosalia, "mi pedido VL-20481255 no ha llegado, mi correo es rocio.larrea@example.com", "personal-data", "answered")
	// Safety, fraud, law, leaving, data protection: people, at once.
	d.say(hm(10, 2, 0), wire.XMention, d.someone(false), "there are sparks coming out of my VeloBox and it smells of burning, what do I do", "safety", "escalated")
	d.say(hm(14, 12, 0), wire.MessengerDirect, d.someone(false), "someone took over my number with a second SIM and my bank account was emptied", "fraud", "escalated")
	d.say(hm(14, 40, 0), wire.XMention, d.someone(false), "if the refund is not here on Friday my lawyer will write to you", "legal", "escalated")
	d.say(hm(15, 5, 0), wire.FacebookComment, d.someone(false), "I am cancelling my contract after ten years, Tandemo is half the price", "churn", "escalated")
	d.say(hm(15, 33, 0), wire.XDirect, d.someone(false), "please delete all personal data that you have about me", "data-protection", "escalated")
	// Posts that only a person can read or take.
	d.say(hm(15, 50, 0), wire.XChat, d.someone(false), "", "encrypted", "escalated")
	d.say(hm(16, 4, 0), wire.MessengerStandby, d.someone(false), "is anybody there? my line is dead", "standby", "recorded")
	// Edits: chatter that becomes a complaint, and a complaint that settles.
	nice := d.say(hm(10, 15, 0), wire.FacebookComment, d.someone(false), "nice 🔥", "edit-to-complaint", "")
	d.change(hm(10, 48, 0), nice, "edit", "nice 🔥 but you charged me twice this month, please fix it", "edit-to-complaint")
	nice.expect = "escalated"
	late := d.say(hm(11, 10, 0), wire.FacebookComment, d.someone(false), "my technician did not show up and I took a day off for this", "edit-settled", "escalated")
	d.change(hm(12, 40, 0), late, "edit", "my technician did not show up and I took a day off for this. EDIT: he came now, thanks", "edit-settled")
	// Deletions: after the fact, unsent, and before the post itself arrives.
	gone := d.say(hm(13, 20, 0), wire.FacebookComment, d.someone(false), "I am so angry about my bill, it is wrong again", "deleted-later", "escalated")
	d.change(hm(14, 0, 0), gone, "delete", "", "deleted-later")
	unsent := d.say(hm(16, 20, 0), wire.InstagramDirect, d.someone(false), "my contract ends when? sorry wrong chat", "unsent", "")
	d.change(hm(16, 22, 0), unsent, "delete", "", "unsent")
	early := d.say(hm(17, 5, 0), wire.FacebookComment, d.someone(false), "when does the Colón shop open?", "deleted-first", "ignored")
	early.arrive = hm(17, 9, 0)
	d.change(hm(17, 7, 0), early, "delete", "", "deleted-first")
	// After calls: invited, or not, and why.
	d.say(hm(12, 15, 0), wire.BlueskyMention, izan, "¿cómo activo mi tarjeta SIM nueva?", "izan-invited", "answered")
	d.ring(hm(13, 40, 0), "+12025550106", "call-izan-1", "Ana", 180, "izan-invited")
	d.ring(hm(14, 20, 0), "+12025550104", "call-owen-1", "Jon", 200, "owen-no-consent")
	d.ring(hm(14, 50, 0), "+12025550105", "call-tessa-1", "Jon", 240, "tessa-opted-out")
	d.say(hm(15, 10, 0), wire.MessengerDirect, nadia, "two technicians, no repair, and my internet is still down. I am furious", "nadia-unhappy", "escalated")
	d.ring(hm(16, 30, 0), "+12025550107", "call-nadia-1", "Ana", 620, "nadia-unhappy")
	d.ring(hm(16, 45, 0), "+12025550199", "call-unknown-1", "Ana", 90, "unknown-caller")
}
