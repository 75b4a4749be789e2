package text

import (
	"strings"
	"sync"
	"unicode"
)

// Languages that we tell apart by words. The first five have lexica in triage;
// the others are here so that they are not taken for one of those.
const (
	langEN = iota
	langES
	langFR
	langDE
	langPT
	langIT
	langNL
	langCA
	numLangs
)

var langTags = [numLangs]string{"en", "es", "fr", "de", "pt", "it", "nl", "ca"}

// Scripts that by themselves name a language, or nearly.
const (
	scriptLatin = iota
	scriptCyrillic
	scriptGreek
	scriptArabic
	scriptHebrew
	scriptHan
	scriptKana
	scriptHangul
	scriptThai
	scriptDevanagari
	numScripts
)

// Undetermined is the tag for a text whose language we cannot tell.
const Undetermined = "und"

// stopWords are the commonest short words of each language, folded, with those
// that customers use. A word that several languages share counts less.
var stopWords = [numLangs]string{
	langEN: "the be is are was were been am to of and a in that have has had i it for not on with he as you do does did at this but his by from they we say her she or an will my one all would there their what so up out if about who get got which go me when make can like time no just him know take people into year your good some could them see other than then now look only come its over think also back after use two how our work first well way even new want because any these give day most us still never why where again much very really too please thanks thank hi hello hey anyone everyone nobody everything nothing something been being down off since until while before dont cant wont didnt doesnt isnt wasnt im ive youre thats whats hours days weeks hour week month today yesterday tomorrow morning tonight help need should going trying keep getting same here lol yes ok okay great love hate best worst service customer phone bill waiting without every always ever guys your yours mine ours win follow tag friends outage arrived account broken delivery refund password having doing working works happy another many more last next few long ago yet",
	langES: "el la los las un una unos unas de del que y en a por con para se su sus lo le les me te nos mi mis tu tus al es son era fue ser estar esta este esto esa ese eso estan estoy estamos ha he han hay no si pero como mas muy ya o porque cuando donde quien cual cuanto desde hasta sin sobre entre tambien todo toda todos todas nada nadie algo alguien nunca siempre otra otro vez veces hola gracias buenas buenos dias dia tardes noches hace hacer tengo tiene tienen tenemos puedo puede pueden podeis podrian quiero quiere quieren llevo llevamos sigo sigue siguen ahora hoy ayer manana semana semanas mes meses horas hora ano anos casa bien mal mejor peor mucho muchas muchos poco favor ayuda servicio cliente factura pedido llega llegado funciona va van ir estais sois vuestro vuestra ustedes usted ellos ella yo nosotros aqui alli solo aun todavia mismo misma cada tan tanto verguenza fatal dinero internet linea luz os voy vais calle vivo necesito saber gustaria encanta espero esperando jaja jajaja vale pues asi soy eres somos habia sido cosas gente cambio cuesta cobrado cobran dicen dice quien ninguna ningun ningunos despues antes luego tampoco entonces",
	langFR: "le la les un une des de du et est en que qui dans pour pas sur avec ce cette ces il elle on nous vous je tu ne plus au aux par mais ou son sa ses mon ma mes votre vos notre nos leur leurs se si tout tous toute toutes fait faire ai as avez avons ont suis etes sont etait etre avoir bien tres trop encore depuis toujours jamais rien personne quand comment pourquoi combien quel quelle bonjour bonsoir merci svp moi toi lui eux ca cela c j d l n s qu y sans sous entre vers chez meme aussi alors donc comme apres avant jour jours heure heures semaine semaines mois an ans aujourd hui hier demain service client facture commande colis marche fonctionne peux peut pouvez veux veut voudrais attends attente panne nul nulle super ici ete deux fois",
	langDE: "der die das den dem des ein eine einen einem einer und ist sind war in zu mit von auf fur an im am es ich du er sie wir ihr nicht kein keine keinen auch aber oder wenn wie was wer wo warum wann dass als bei nach aus um noch nur schon sehr mehr immer nie wieder hat habe haben hatte wird werden wurde kann konnen muss mein meine meinen euer eure euch uns unser mich dir mir sich so da hier dort dann jetzt heute gestern morgen seit bis uber unter vor zum zur ohne gegen durch mal bitte danke hallo guten tag tage tagen stunden woche wochen monat monate jahr jahre alles nichts jemand niemand etwas viel viele gut schlecht geht gibt macht machen funktioniert kommt warte rechnung kunde kunden kundenservice bestellung paket wieso weil doch ja nein endlich leider",
	langPT: "o a os as um uma uns umas de do da dos das em no na nos nas que e para por com se ao aos pelo pela seu sua seus suas meu minha meus minhas eu voce voces ele ela nos eles nao sim mas como mais muito ja ou porque quando onde quem qual quanto desde ate sem sobre entre tambem tudo nada ninguem algo alguem nunca sempre outra outro vez vezes ola oi obrigado obrigada bom boa dia tarde noite isso isto este esta esse essa estou esta estao estamos foi era sao ser tem tenho temos ter ha faz fazer posso pode podem quero quer preciso agora hoje ontem amanha semana mes meses horas hora ano anos ainda mesmo so pra pro tao bem mal melhor pior ajuda servico cliente fatura pedido chegou funciona vou vai vamos gente aqui ali dele dela cade alguma algum nenhum vergonha pessimo demais caiu cade chega pedido minha operadora",
	langIT: "il lo la i gli le un uno una di del della dei delle che e in a da con per su tra non si ma come piu molto gia o perche quando dove chi quale sono sei siamo siete era essere ho hai ha abbiamo avete hanno mi ti ci vi questo questa questi quello quella mio mia tuo tua suo sua nostro vostro anche ancora sempre mai niente nulla nessuno tutto tutti ciao grazie buongiorno oggi ieri domani settimana mese ore giorni giorno anno fa fare posso puo voglio vorrei bene male al alla ai alle dal dalla nel nella sul sulla cosa cosi quindi pero servizio cliente bolletta ordine funziona arrivato aspetto",
	langNL: "de het een en van ik te dat die in is niet op aan met voor er maar om hem dan zou of wat mijn men dit zo door over ze zich bij ook tot je mij uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij nu ge geen omdat iets worden toch al waren veel meer doen moet ben zonder kan hun dus alles onder ja werd wezen zelf tegen na reeds wil kon niets uw iemand geweest andere wel jullie waarom wanneer hallo bedankt dank dag dagen week weken maand uur vandaag gisteren morgen klant factuur bestelling werkt steeds sinds weer altijd nooit",
	langCA: "el la els les un una uns unes de del dels que i en a per amb es no si pero com mes molt ja o perque quan on qui quin des fins sense sobre tambe tot tota tots totes res ningu mai sempre altra altre cop gracies bon dia tarda nit aixo aquest aquesta aquell soc ets som son era ser tinc tens te tenim he has ha hem han vull vol puc pot ara avui ahir dema setmana mes hores ara encara nomes aqui alla molt be malament millor pitjor servei client factura comanda arriba funciona meva meu teva teu seva seu nostra vostre els",
}

// langWords maps a common word to the languages that have it.
type langWords struct {
	vocab *Vocab
	mask  []uint8
}

var commonWords = sync.OnceValue(func() *langWords {
	w := &langWords{vocab: NewVocab(2048)}
	w.mask = make([]uint8, 1, 2048)
	for l, list := range stopWords {
		for list != "" {
			var word string
			word, list, _ = strings.Cut(list, " ")
			id := w.vocab.Add(word)
			if int(id) == len(w.mask) {
				w.mask = append(w.mask, 0)
			}
			w.mask[id] |= 1 << l
		}
	}
	for i, m := range w.mask {
		// What Catalan shares with Spanish says Spanish, its larger neighbour.
		if m>>langES&1 != 0 {
			w.mask[i] &^= 1 << langCA
		}
	}
	return w
})

// countLetter counts a letter beyond ASCII for the language guess. In a word
// with a capital it says little: it may be a name (Málaga, Zoë).
func (d *Doc) countLetter(r rune, name bool) {
	if r < 0x250 {
		d.scripts[scriptLatin]++ // the caller counts Latin words too; harmless
		if name {
			return
		}
		switch unicode.ToLower(r) {
		case 'ñ':
			d.special[langES] += 3
		case 'á', 'í', 'ú':
			d.special[langES]++
			d.special[langPT]++
		case 'ó':
			d.special[langES]++
			d.special[langPT]++
		case 'é':
			d.special[langES]++
			d.special[langFR]++
			d.special[langPT]++
		case 'ã', 'õ':
			d.special[langPT] += 3
		case 'ç':
			d.special[langPT]++
			d.special[langFR]++
			d.special[langCA]++
		case 'ê', 'ô', 'â':
			d.special[langFR]++
			d.special[langPT]++
		case 'è':
			d.special[langFR]++
			d.special[langIT]++
			d.special[langCA]++
		case 'à':
			d.special[langFR]++
			d.special[langIT]++
			d.special[langCA]++
			d.special[langPT]++
		case 'ù', 'ì', 'ò':
			d.special[langIT]++
		case 'î', 'û', 'ï', 'œ':
			d.special[langFR] += 2
		case 'ß':
			d.special[langDE] += 3
		case 'ä', 'ö':
			d.special[langDE] += 2
		case 'ü':
			d.special[langDE] += 2
		}
		return
	}
	switch {
	case r < 0x370:
	case r < 0x400:
		d.scripts[scriptGreek]++
	case r < 0x530:
		d.scripts[scriptCyrillic]++
	case 0x590 <= r && r < 0x600:
		d.scripts[scriptHebrew]++
	case 0x600 <= r && r < 0x780:
		d.scripts[scriptArabic]++
	case 0x900 <= r && r < 0x980:
		d.scripts[scriptDevanagari]++
	case 0xE00 <= r && r < 0xE80:
		d.scripts[scriptThai]++
	case 0x3040 <= r && r < 0x3100:
		d.scripts[scriptKana]++
	case 0x3400 <= r && r < 0xA000, 0x20000 <= r && r < 0x40000:
		d.scripts[scriptHan]++
	case 0xAC00 <= r && r < 0xD7B0, 0x1100 <= r && r < 0x1200:
		d.scripts[scriptHangul]++
	}
}

// endings are word endings, folded, that are typical of one language; they
// decide where no common word occurs.
var endings = [...]struct {
	end  string
	lang uint8
}{
	{"cion", langES}, {"ciones", langES}, {"dad", langES}, {"ando", langES}, {"iendo", langES}, {"aron", langES}, {"illo", langES},
	{"cao", langPT}, {"coes", langPT}, {"dade", langPT}, {"inho", langPT}, {"mento", langPT}, {"agem", langPT}, {"eira", langPT},
	{"eux", langFR}, {"eau", langFR}, {"ique", langFR}, {"aient", langFR}, {"oire", langFR}, {"age", langFR}, {"ez", langFR},
	{"ung", langDE}, {"ungen", langDE}, {"lich", langDE}, {"isch", langDE}, {"keit", langDE}, {"heit", langDE}, {"cht", langDE}, {"schen", langDE},
	{"ing", langEN}, {"tion", langEN}, {"ness", langEN}, {"ght", langEN}, {"ful", langEN}, {"ould", langEN}, {"ed", langEN}, {"ck", langEN}, {"th", langEN},
	{"zione", langIT}, {"aggio", langIT}, {"etto", langIT}, {"endo", langIT}, {"issimo", langIT},
	{"ijk", langNL}, {"tje", langNL}, {"heid", langNL},
}

// Language names the language of d: a BCP 47 primary tag, or Undetermined. The
// platform's hint counts when it is plausible: when it does not contradict what
// the script or the words say clearly.
func (d *Doc) Language(hint string) string {
	tag, _ := d.LanguageSure(hint)
	return tag
}

// LanguageSure is Language, and how sure we are of it, 0 to 1: 0.95 and more for
// a script that says it, the share of the words that say so where several
// languages have some, 0.5 where only the platform's hint says it.
func (d *Doc) LanguageSure(hint string) (tag string, sure float64) {
	hint = primaryTag(hint)
	if tag := d.scriptLanguage(hint); tag != "" {
		return tag, 0.95
	}
	if d.scripts[scriptLatin] == 0 {
		return orUnd(hint), hintSure(hint)
	}
	var score [numLangs]int // a word of one language alone counts 24
	cw := commonWords()
	words := 0
	for i := range d.Tokens {
		if d.Tokens[i].Kind != Word || d.Tokens[i].Flags&InTag != 0 {
			continue
		}
		w := d.Word(i)
		words++
		if words > 400 { // enough to know
			break
		}
		if id := cw.vocab.ID(w); id != 0 {
			m := cw.mask[id]
			share := 24 / popcount(m)
			if len(w) == 1 {
				share /= 2
			}
			for l := range score {
				if m>>l&1 != 0 {
					score[l] += share
				}
			}
			continue
		}
		if len(w) < 4 {
			continue
		}
		for k := range endings {
			e := &endings[k]
			if w[len(w)-1] == e.end[len(e.end)-1] && len(w) > len(e.end)+1 && string(w[len(w)-len(e.end):]) == e.end {
				score[e.lang] += 5
			}
		}
	}
	for l := range score {
		score[l] += 8 * min(d.special[l], 6)
	}
	if strings.Contains(d.Text, "¿") || strings.Contains(d.Text, "¡") {
		score[langES] += 24
	}
	best, second := 0, -1
	for l := 1; l < numLangs; l++ {
		if score[l] > score[best] {
			second, best = best, l
		} else if second < 0 || score[l] > score[second] {
			second = l
		}
	}
	lead := score[best] - score[second]
	share := func(l int) float64 { return float64(score[l]) / float64(max(1, score[best]+score[second])) }
	hintedShare := func() float64 {
		for l, t := range langTags {
			if t == hint {
				return share(l)
			}
		}
		return 0
	}
	hinted := -1
	for l, t := range langTags {
		if t == hint {
			hinted = l
		}
	}
	switch {
	case hinted >= 0:
		// One of ours: overruled only by a clear lead.
		if score[best] >= 48 && score[best] > 2*score[hinted]+24 {
			return langTags[best], share(best)
		}
		return hint, max(hintSure(hint), hintedShare())
	case hint != "":
		// A language that we cannot check. Platforms guess wrongly on short
		// texts; believe it unless our words are all over the text.
		if score[best] >= 36 && score[best] >= 8*words {
			return langTags[best], share(best)
		}
		return hint, max(hintSure(hint), hintedShare())
	case score[best] >= 20 && lead >= 5, score[best] >= 10 && lead >= 10 && words <= 3, score[best] >= 40 && lead >= 3:
		return langTags[best], share(best)
	}
	return Undetermined, 0
}

// Language names the language of s; see Doc.Language.
func Language(s, hint string) string { return Parse(s).Language(hint) }

func hintSure(hint string) float64 {
	if hint == "" {
		return 0
	}
	return 0.5
}

func orUnd(tag string) string {
	if tag == "" {
		return Undetermined
	}
	return tag
}

// scriptLanguage decides by the script when most letters are not Latin.
func (d *Doc) scriptLanguage(hint string) string {
	best, sum := scriptLatin, 0
	for s, n := range d.scripts {
		sum += n
		if n > d.scripts[best] {
			best = s
		}
	}
	if d.scripts[scriptKana] > 0 && (best == scriptHan || best == scriptKana) {
		best = scriptKana
	}
	if best == scriptLatin || sum < 2 {
		return ""
	}
	pick := func(def string, also ...string) string {
		for _, a := range also {
			if a == hint {
				return hint
			}
		}
		return def
	}
	switch best {
	case scriptCyrillic:
		if strings.ContainsAny(d.Text, "іїєґІЇЄҐ") {
			return pick("uk", "be", "kk")
		}
		return pick("ru", "bg", "sr", "mk", "uk", "be", "kk", "mn", "ky", "tg")
	case scriptGreek:
		return "el"
	case scriptArabic:
		if strings.ContainsAny(d.Text, "پچژگ") {
			return pick("fa", "ur", "ps", "ku", "sd", "ar")
		}
		return pick("ar", "fa", "ur", "ps", "ku", "sd", "ug")
	case scriptHebrew:
		return pick("he", "iw", "yi")
	case scriptHan:
		return pick("zh", "ja")
	case scriptKana:
		return "ja"
	case scriptHangul:
		return "ko"
	case scriptThai:
		return "th"
	case scriptDevanagari:
		return pick("hi", "mr", "ne", "sa")
	}
	return ""
}

// primaryTag cuts a BCP 47 tag to its language; "" for tags that say nothing
// (X sends und, zxx, and qme, qht and the like for media and hashtags only).
func primaryTag(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	if len(tag) < 2 || len(tag) > 3 {
		return ""
	}
	for i := 0; i < len(tag); i++ {
		if c := tag[i] | 0x20; c < 'a' || c > 'z' {
			return ""
		}
	}
	tag = strings.ToLower(tag)
	switch {
	case tag == "und", tag == "zxx", tag == "mul", tag == "art", len(tag) == 3 && tag[0] == 'q':
		return ""
	case tag == "in":
		return "id"
	case tag == "iw":
		return "he"
	}
	return tag
}

// Common reports whether a folded word is one of the commonest words of any
// language that we know by its words: it says little about a text's matter.
func Common(w []byte) bool { return commonWords().vocab.ID(w) != 0 }

func popcount(m uint8) int {
	n := 0
	for ; m != 0; m &= m - 1 {
		n++
	}
	return n
}
