package main

import (
	"math/rand/v2"
	"strings"
)

// Chatter: what reaches a brand's accounts and needs no care. Slots in braces
// are filled from the lists below, so that no two hundred posts read the same.

var slots = map[string][]string{
	"game":     {"the harvest quest", "the ice keep raid", "a guild siege", "the mage tower", "the dragon gate", "tonight's dungeon"},
	"day":      {"today", "tonight", "this week", "on Friday", "this morning", "again"},
	"food":     {"oats", "lentils", "chia pudding", "bran muffins", "beans", "figs"},
	"emoji":    {"😂", "🔥", "❤️", "😍", "👏👏", "🙌", "💯", "🥰", "🎉", "👀"},
	"friend":   {"Tobin", "Lena", "Arlo", "Greta", "Milo", "Thea", "Rowan", "Isla"},
	"amigo":    {"Mateo", "Noa", "Iker", "Alba", "Gael", "Nerea", "Unai", "Rocío"},
	"n":        {"2", "3", "4", "5", "7", "9", "11", "12", "20", "33", "48", "60", "75", "99"},
	"thing":    {"a phone", "a tablet", "headphones", "a gift card", "a weekend trip", "a console"},
	"city":     {"Hafenstadt", "Puerto Lirio", "Alderbrook", "Monteluna", "Seabright", "Valdemora"},
	"team":     {"the Herons", "the Foxes", "los Linces", "the Anchors", "los Toros"},
	"coin":     {"$ZUMA", "$PLINK", "$ORBO", "$GRAV", "$TOOT"},
	"opinion":  {"true", "exactly", "same lol", "haha yep", "this", "lol agreed", "haha facts", "big mood"},
	"opinione": {"jajaja", "total", "tal cual jajaja", "eso mismo", "jaja", "madre mía jaja"},
	"hobby":    {"knitting", "sourdough", "bouldering", "birdwatching", "chess", "watercolours", "sea swimming"},
	"town":     {"the old mill", "the market square", "the chapel", "the vineyards", "the stone bridge"},
}

// unnamed are found by a broad keyword ("fiber", "mobile") and name nothing of
// ours.
var unnamed = []string{
	"Getting my fiber from {food} {day}, {n} grams so far", "Day {n} of more fiber: {food} for breakfast", "{food} have more fiber than you think, just saying",
	"Mobile library stops in {city} {day}, kids are thrilled", "New mobile for the baby's crib, {n} tiny clouds", "Anyone else into {hobby}? {n} weeks in and hooked",
	"{hobby} club meets {day} in {city}, bring snacks", "Carbon fiber frame, {n} km {day}, legs are gone", "Fiber arts fair in {city} {day}: {hobby} and natural dyes",
	"Watching {team} {day}, {n} to nothing by half time", "Can't believe {team} dropped {n} points {day}", "Muscle fiber types explained in {n} minutes, good thread",
	"Tanta fibra en {food}, quién lo diría", "Ruta de {n} km por {city}, preciosa", "Partido de {team} y luego tapas en {city}", "Taller de {hobby} en {city}, quedan {n} plazas",
}

// namesakes use our name for something else.
var namesakes = []string{
	"Realm of Veloria patch {n} is out, {game} is brutal", "Need a healer for {game} in Realm of Veloria {day}", "Realm of Veloria speedrun, {n} minutes, new best",
	"Finally beat {game} in Realm of Veloria after {n} tries", "Weekend in the village of Veloria, {town} is lovely {day}", "Hiked from the village of Veloria to {town}, {n} km",
	"Realm of Veloria soundtrack while {hobby}, perfect", "Aldea de Veloria, {n} vecinos y unas vistas enormes", "Fiestas en la aldea de Veloria {n} días seguidos",
}

// competitors are about somebody else's customers.
var competitors = []string{
	"@Tandemo my line has been dead for {n} hours, anyone there?", "@Tandemo {n} calls and still no technician", "Thinking of leaving Tandemo after {n} years",
	"Tandemo charged me twice {day}, brilliant", "@Quistnet your app logs me out {n} times a day", "Quistnet in {city} is down {day}", "Quistnet support kept me waiting {n} minutes",
	"@Tandemo llevo {n} días sin servicio", "Quistnet me ha cobrado {n} euros de más", "Tandemo works fine in {city} for once",
}

// giveaways and spam tag the brand to be seen.
var giveaways = []string{
	"GIVEAWAY! Follow me, like and tag {n} friends to win {thing} @VeloriaCare", "Win {thing}! RT + follow + tag {n} friends @VeloriaCare #giveaway #win",
	"@VeloriaCare {n} winners {day}! Retweet to enter the giveaway for {thing} #contest", "SORTEO! Sígueme y etiqueta a {n} amigos para ganar @VeloriaCare #sorteo",
	"Free {thing} for the first {n} people, link in bio @VeloriaCare #freebies",
}
var spam = []string{
	"@VeloriaCare {coin} airdrop is live, {n}x guaranteed, join now https://t.me.example/{n}", "I made {n}00 dollars {day} from home, DM me to learn how @VeloriaCare #crypto",
	"{coin} to the moon 🚀🚀 {n}x presale ends {day} @VeloriaCare #crypto #airdrop", "Cheap followers! {n}000 for 5 dollars, check my bio @VeloriaCare",
	"Hot singles in {city} {day}, click https://date.example/{n} @VeloriaCare",
}

// light is what people leave below a photo.
var light = []string{
	"{emoji}", "{emoji}{emoji}", "{emoji} {emoji} {emoji}", "+1", "First!", "first {emoji}", "@{friend} {emoji}", "@{friend} look {emoji}", "@{friend} @{amigo} {emoji}",
	"lol", "haha {emoji}", "wow {emoji}", "nice {emoji}", "cool {emoji}", "yep {emoji}", "jajaja {emoji}", "@{amigo} mira {emoji}", "@{amigo} jajaja", "primero {emoji}", "{n}",
}

// carried are words in a thread in which we are only carried along.
var carried = []string{
	"{opinion} {emoji}", "{opinion}", "{emoji}", "{opinione} {emoji}", "{opinione}", "haha {emoji}", "lol", "same {emoji}",
}

// mild names or addresses us and still asks for nothing.
var mild = []string{
	"that new Veloria ad song follows me everywhere {day}", "Veloria has a lot of blue vans in {city} {day}", "saw the Veloria balloon over {city} {day} {emoji}",
	"my neighbour works at Veloria, nice bloke", "el anuncio de Veloria con el perro {emoji}",
}

func fill(rng *rand.Rand, template string) string {
	for {
		i := strings.IndexByte(template, '{')
		if i < 0 {
			return template
		}
		j := strings.IndexByte(template[i:], '}') + i
		template = template[:i] + pick(rng, slots[template[i+1:j]]) + template[j+1:]
	}
}
