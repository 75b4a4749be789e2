package triage

// langSet is a set of languages; a word or cue counts in the languages of its
// set, and in every language when the text's own is not known.
type langSet uint8

const (
	en langSet = 1 << iota
	es
	fr
	de
	pt

	all = en | es | fr | de | pt
)

func langOf(tag string) langSet {
	switch tag {
	case "en":
		return en
	case "es", "ca", "gl":
		return es
	case "fr":
		return fr
	case "de":
		return de
	case "pt":
		return pt
	}
	return all
}

// valences gives how positive or negative words are, -40 to 40, in groups. The
// words are folded (lower case, no accents); a word that is not listed counts
// like a listed one with the same stem, at three quarters.
var valences = []struct {
	lang  langSet
	value int8
	words string
}{
	{en, 32, "love amazing awesome excellent fantastic outstanding phenomenal incredible perfect perfection superb brilliant magnificent adore flawless spectacular lifesaver best wonderful stellar exceptional goat bestest"},
	{en, 25, "great happy delighted thrilled beautiful loved loving loves impressive impressed terrific fabulous gorgeous joy blessed hero heroes legend kudos excited exciting adorable glad pleased delightful marvelous splendid yay woohoo hooray congratulations congrats props grateful thankful gracious heartwarming amazed proud"},
	{en, 19, "good nice thanks thank thx ty cool lovely enjoy enjoyed enjoying fun helpful kind friendly polite courteous professional smooth smoothly reliable recommend recommended appreciate appreciated appreciates appreciation win winner won pleasant sweet superior charming satisfied solid stable generous welcoming caring cute attentive knowledgeable efficient effortless seamless patient respect hilarious winning bravo cheers lit dope rad stoked props appreciative"},
	{en, 13, "fast quick quickly easy easily free fixed solved resolved resolves sorted helped works working well better improved improvement improvements promptly prompt speedy interesting smart smile smiling lucky luck hope hopeful fair honest safe comfortable clean fresh affordable cheap bargain useful super worth positive success successful trust trusted yes welcome calm support supportive upgrade favorite favourite lol haha like liked likes fine neat clever clear top"},
	{en, 6, "ok okay decent relief relieved finally sure care able alright"},
	{en, -8, "slow slower wait waiting pending unclear late issue issues problem problems trouble unfortunately error errors confused confusing lag laggy sorry expensive pricey costly difficult hard missing lack lacking limited delay delays delayed tired alas meh bored stuck unsure interrupt interrupted miss missed down lost lose losing"},
	{en, -15, "bad poor poorly disappointing disappointed disappoint disappoints disappointment disappointingly annoying annoyed annoy annoys unhappy sad worse broken fail failed failing fails failure wrong dirty rude unfair ignore ignored ignoring useless slowest boring complain complaint complaints complaining upset stress stressed stressful stressing worried worry worrying concern concerned concerning crash crashed crashes crashing glitch glitchy buggy faulty defective damaged damage unreliable unstable inconvenient inconvenience inconsistent mess messy messed nightmare suffering suffer pain painful lousy weak ugly lazy unhelpful unprofessional disrespectful impolite unresponsive mislead misleading misled unsatisfied dissatisfied unsatisfactory struggle struggling frustrating frustrated frustration frustrates frustratingly screw screwed sucks suck sucked sucking sucky ruin ruined ruining ruins wasted waste wasting regret regrets overpriced overcharged hidden denied refuse refused refuses rejected impossible unusable clueless incorrect neglected neglect abandoned dropped drops dropping cringe dumb silly weird stolen steal stealing angry argue blame cry crying hurt hurts afraid scared scary fear fears sick doubt dead doa killed die dying died poor gross unacceptably subpar mediocre appalled bothers unbearable grim gutted lied lie lying liar abysmally dreadfully"},
	{en, -23, "terrible horrible horrid awful hate hated hates hating ridiculous unacceptable incompetent incompetence pathetic disgusting disgusted disgust disgrace disgraceful shameful shame furious outraged outrage outrageous scam scammed scammers scammer scamming fraud fraudulent thieves thief liars crap crappy garbage trash rubbish joke worst pissed infuriating infuriated infuriates livid appalling atrocious abysmal dreadful horrendous nonsense bullshit bs stupid idiot idiots idiotic moron morons moronic clowns clown crooks crook robbery robbed rob ripoff cheated cheat cheating shocking shambles unbelievable inexcusable insulting insult insulted deplorable despicable vile toxic cruel evil enraged disaster catastrophe fiasco absurd ludicrous laughable farce shitty shit damn hell wtf wth ffs smh hellish jerk jerks loser losers sham deceptive deceitful dishonest predatory extortion bloody piss shite arse"},
	{en, -30, "fuck fucking fucked fuckers fucker fuckin motherfucker asshole assholes bastards bastard bitch cunt cunts abhorrent loathe loathing despise traumatic devastated devastating heartbroken"},

	{es, 32, "excelente increible maravilloso maravillosa maravilla fantastico fantastica espectacular perfecto perfecta encanta encantan encanto encantado encantada amo adoro genial geniales estupendo estupenda buenisimo buenisima maravillosamente impecable insuperable brutal chulisimo fenomenal sobresaliente mejores"},
	{es, 24, "feliz felices contento contenta contentos contentas satisfecho satisfecha bueno buena mejor hermoso hermosa alegria alegre amable amables simpatico simpatica felicidades felicitaciones enhorabuena bravo agradecido agradecida crack cracks divino lindo linda bonito bonita orgulloso orgullosa recomendable emocionado emocionada top"},
	{en, 0, "please pleas"},  // no kin of "pleased"
	{es, 0, "buenas buenos"}, // a greeting
	{es, 17, "gracias bien recomiendo recomendado rapido rapida rapidos rapidez eficaz eficiente atento atenta atentos profesional profesionales util fiable facil ayudado ayudo gusta gusto gustado comodo comoda chulo chula agradable agradezco agradecer genialidad guay padre chevere bacano barato solucionado solucionada solucionaron resuelto resuelta resolvieron resuelven arreglado arreglaron super cumplen acierto ganado aplauso"},
	{es, 8, "solucion funciona funcionando correcto seguro tranquilo tranquila gratis interesante claro vale jaja jajaja calidad"},
	{es, -8, "lento lenta lentos lentitud tarde tardan demora demoras retraso retrasos retrasado problema problemas error errores fallo fallos falla fallas duda caro cara caros dificil perdido perdida incidencia averia corte cortes caida caido espera esperando lamentablemente desgraciadamente"},
	{es, -16, "mal malo mala malos malas peor triste enfadado enfadada enojado enojada molesto molesta molesta decepcionado decepcionada decepcion decepcionante decepcionan roto rota defectuoso defectuosa danado danada cansado cansada harto harta hartos hartas harta aburrido inutil inutiles incapaces incompleto injusto desagradable maleducado maleducada groseros grosero grosera grosero deficiente pesimo quejas queja quejarme reclamo reclamacion reclamar fallando falta imposible desastroso preocupado preocupada odio ignoran ignorado ignorar abandonado pesadilla lio abuso cobro cobrado indebido mentira mentiras mienten mentido enganado enganan engano enganada miedo llorar estres desespero desesperado desesperada desesperante frustrado frustrada frustrante falso feo fea"},
	{es, -25, "pesima pesimos pesimas fatal horrible horribles terrible asco asqueroso asquerosa verguenza vergonzoso vergonzosa lamentable inaceptable inadmisible intolerable indignante indignado indignada estafa estafadores estafado estafada estafan estafar robo roban robando robado ladrones ladron ladrona incompetentes incompetente incompetencia basura porqueria mierda ridiculo ridicula desastre caos impresentables impresentable sinverguenza sinverguenzas tomadura timo timadores timados timan chorizos payasos penoso penosa deplorable idiotas idiota inutiles nefasto nefasta patetico patetica inepto ineptos ineptitud furioso furiosa burla cabreado cabreada cabreo mentirosos caraduras jeta"},
	{es, -30, "puta puto putos putas joder cono cabrones cabron gilipollas pendejos pendejo chingar chingada hdp hijueputa malparidos"},

	{fr, 28, "excellent excellente parfait parfaite genial geniale super formidable adore magnifique incroyable merveilleux top extraordinaire bravo felicitations fantastique"},
	{fr, 17, "merci bien bon bonne content contente heureux heureuse satisfait satisfaite rapide efficace aimable gentil gentille agreable recommande sympa aime resolu regle professionnel ravi ravie fiable"},
	{fr, -10, "probleme problemes panne pannes retard lent lente erreur bug cher attente attends coupure dommage difficile"},
	{fr, -18, "mauvais mauvaise mal decu decue decevant deception enerve enervee fache triste nul nulle nuls casse incompetent incompetents inutile ras impossible plainte injuste pire marre colere ralentissement mensonge mensonges desagreable impoli"},
	{fr, -26, "honte honteux inadmissible inacceptable scandaleux scandale arnaque arnaques arnaqueurs horrible catastrophe catastrophique merde deteste voleurs voleur vol lamentable ridicule pourri degueulasse foutage escroc escrocs escroquerie putain minable deplorable"},

	{de, 28, "super toll perfekt ausgezeichnet hervorragend fantastisch wunderbar genial liebe klasse spitze grossartig beste bestens begeistert"},
	{de, 17, "danke gut gute guter schnell zufrieden freundlich nett hilfreich empfehlen empfehle schon lob zuverlassig glucklich freue freut kompetent geholfen gelost"},
	{de, -10, "problem probleme storung storungen langsam verspatung fehler teuer leider ausfall warten warte wartezeit schwierig"},
	{de, -18, "schlecht schlechte schlechter schlimm kaputt enttauscht enttauschend argerlich arger argert sauer genervt nervt traurig unfreundlich unfahig nutzlos defekt beschwerde falsch miserabel mies nervig wutend schade unverschamt schlimmste"},
	{de, -26, "katastrophe katastrophal unverschamtheit frechheit abzocke betrug betruger scheisse scheiss mist furchtbar schrecklich unmoglich schande hasse peinlich lacherlich inkompetent inakzeptabel saftladen verarscht verarsche dreckig unterirdisch"},

	{pt, 28, "excelente otimo otima maravilhoso maravilhosa perfeito perfeita incrivel adoro amo amei fantastico fantastica sensacional parabens melhor espetacular"},
	{pt, 17, "obrigado obrigada bom boa bem feliz satisfeito satisfeita rapido rapida gosto gostei recomendo eficiente atencioso educado legal resolvido resolveram contente simpatico confiavel"},
	{pt, -10, "problema problemas lento lenta atraso atrasado erro erros demora demorando caro espera esperando instavel falha falhas queda"},
	{pt, -18, "ruim mal mau pior triste chateado chateada decepcionado decepcionada irritado irritada quebrado defeito cansado cansada descaso reclamacao reclamar mentira enganado raiva impossivel injusto grosseiro"},
	{pt, -26, "pessimo pessima horrivel terrivel vergonha lixo absurdo palhacada roubo ladroes golpe inaceitavel odeio merda incompetentes incompetente ridiculo lamentavel porcaria desrespeito porra caralho bosta nojo inadmissivel"},
}

// boosters make the next word stronger (or weaker, below zero), in percent.
var boosters = []struct {
	lang    langSet
	percent int8
	words   string
}{
	{en, 29, "very really so extremely absolutely completely totally utterly incredibly insanely seriously truly super especially beyond highly hugely deeply such freaking fricking effing bloody fucking fuckin damn total utter absolute complete most ridiculously literally way too"},
	{en, -29, "slightly somewhat kinda barely hardly little fairly partly bit almost marginally occasionally"},
	{es, 29, "muy tan super demasiado extremadamente absolutamente totalmente completamente realmente verdaderamente mucho mucha muchisimo increiblemente bastante sumamente menuda menudo vaya re mas"},
	{es, -29, "poco algo ligeramente casi apenas"},
	{fr, 29, "tres vraiment tellement trop extremement totalement completement absolument si super"},
	{de, 29, "sehr wirklich total extrem absolut vollig so echt richtig besonders unglaublich komplett"},
	{pt, 29, "muito tao demais extremamente totalmente completamente realmente super absolutamente mega bem"},
}

// emojiValue gives the valence of an emoji or emoticon, -40..40.
func emojiValue(w []byte) int8 {
	switch string(w) {
	case "😍", "🥰", "❤", "💕", "💖", "💗", "💙", "💚", "💛", "🧡", "💜", "🤩", "😻", "💯", "🏆", "🥳", "🎉", "<3", "💞", "💓", "🫶":
		return 26
	case "😀", "😃", "😄", "😁", "😊", "☺", "🙂", "👍", "👏", "🙌", "😎", "😘", "🔥", "✨", "🤗", "💪", "👌", "⭐", "🌟", "🙏", "✅", ":)", ":-)", ":D", "=)", "😇", "🤝", "🎊", "😌", "🚀", "❣", "♥":
		return 17
	case "😂", "🤣", "😉", "😜", "😅", ";)", ";-)", ":P", ":')":
		return 5
	case "😕", "😐", "😑", "🙁", "☹", "😟", "😬", ":/", ":-/", ":|", "🤨", "😮", "😓", "🥴", "😴", "🤦", "🤷", "😒", "🥺", "😳":
		return -11
	case "😞", "😔", "😢", "😥", "😭", "😩", "😫", "😣", "😖", "👎", ":(", ":-(", "=(", ":'(", ">:(", "💔", "😨", "😰", "😱", "😤", "🙄", "😿", "😠", "☠", "🚫", "❌":
		return -18
	case "😡", "🤬", "🖕", "💩", "🤮", "🤢", "🤡", "👿":
		return -28
	}
	return 0
}

// eyeRoll reports emoji that turn kind words into mockery.
func eyeRoll(w []byte) bool {
	switch string(w) {
	case "🙄", "🤡", "🙃", "😒", "😑", "🤦", "🤬", "😡", "🖕", "👎", "😤", "😠", "🤮", "💩":
		return true
	}
	return false
}

// wordClass is a class of words that cues name with "$".
type wordClass int32

const (
	clNeg    wordClass = iota // not, never, no one
	clSvc                     // things that a company provides and that stop working
	clGoods                   // things that are sent
	clNum                     // numbers
	clTime                    // units of time
	clBe                      // is, are
	clPoss                    // my, our
	clStaff                   // people of the company
	clWant                    // wants and demands
	clBad                     // negative words
	clGood                    // positive words
	clMoney                   // money and bills
	clYou                     // the company spoken to
	clAgain                   // again, still
	clLogin                   // ways in
	clBrand                   // a name of ours
	clRival                   // a name of a competitor
	clI                       // I, we
	clCharge                  // charged, billed
	clFix                     // fixed, solved
	clFault                   // outage, problem
	numClasses
)

var classNames = [numClasses]string{"neg", "svc", "goods", "num", "time", "be", "poss", "staff", "want", "bad", "good", "money", "you", "again", "login", "brand", "rival", "i", "charge", "fix", "fault"}

var classWords = [numClasses]string{
	clSvc: "internet wifi connection network broadband router modem signal phone line service services tv app website site web page portal landline fiber fibre data coverage reception email server servers system systems machine device box account card sim login payment payments checkout booking reservation order flight train atm bank power electricity heating water heater laptop screen battery charger oven fridge washer speed speeds ping bandwidth calls texts messages update download chat chatbot link password code voicemail roaming streaming channels channel cable decoder remote platform software product item unit feature camera printer speaker headphones car engine lift elevator shower toilet aircon ac heating lights door lock key room " +
		"conexion red senal telefono linea servicio fibra datos cobertura pagina aplicacion cuenta tarjeta movil moviles tele television enlace clave contrasena codigo llamadas pedido plataforma sistema luz agua velocidad canal canales deco decodificador cajero reserva vuelo producto aparato equipo ordenador bateria pantalla habitacion ascensor ducha aire " +
		"connexion reseau ligne compte carte application appli appareil box telephone forfait service commande mot " +
		"verbindung netz netzwerk leitung anschluss konto karte telefon handy empfang dienst gerat webseite seite bestellung wlan " +
		"conexao rede sinal linha servico aplicativo aplicacao conta cartao telefone celular aparelho pedido site",
	clGoods: "order orders package packages parcel parcels delivery item items card sim router modem refund shipment replacement letter bag baggage luggage suitcase product products phone technician engineer driver courier tracking email confirmation invoice receipt code voucher box unit reply response callback money payment gift equipment " +
		"pedido pedidos paquete paquetes envio tarjeta reembolso producto maleta equipaje tecnico repartidor instalador factura respuesta dinero devolucion abono codigo correo router equipo compra articulo " +
		"commande colis livraison carte remboursement technicien livreur bagage reponse " +
		"bestellung paket lieferung karte erstattung techniker gepack antwort sendung ware " +
		"pedido encomenda pacote entrega cartao reembolso tecnico bagagem resposta compra",
	clNum:  "one two three four five six seven eight nine ten couple several few half dozen twenty thirty forty fifty dos tres cuatro cinco seis siete ocho nueve diez varios varias media un una deux trois quatre six sept dix zwei drei vier funf sechs duas sete a an",
	clTime: "second seconds sec secs minute minutes min mins hour hours hr hrs day days week weeks month months year years yr yrs hora horas dia dias semana semanas mes meses minuto minutos ano anos heure heures jour jours semaine semaines mois stunde stunden tag tage tagen woche wochen monat monate monaten jahr jahre jahren",
	clBe:   "is are was were been be am its theres s keeps got gets getting has have had goes went seems looks esta estan es son sigue va van estaba est sont ist sind war geht e esta estao",
	clPoss: "my our mine ours mi mis nuestro nuestra nuestros nuestras mio mia mon ma mes notre nos mein meine meinen meiner unser unsere meu minha meus minhas nosso nossa",
	clStaff: "agent agents rep reps representative representatives staff employee employees driver technician technicians engineer engineers manager supervisor operator advisor adviser clerk cashier courier installer personnel team crew guy lady person someone attendant " +
		"agente agentes tecnico tecnicos operador operadora operadores empleado empleada empleados repartidor encargado comercial comerciales asesor teleoperador teleoperadora dependiente " +
		"technicien conseiller employe operateur livreur vendeur mitarbeiter techniker berater fahrer atendente tecnico funcionario funcionaria entregador",
	clWant:   "want need demand require expect requesting request quiero queremos necesito exijo solicito exigimos veux voudrais exige demande will mochte verlange brauche quero preciso exijo",
	clMoney:  "money refund refunds bill bills invoice invoices fee fees charge charges deposit payment price prices cost compensation credit dinero reembolso factura facturas recibo recibos cargo cargos tasa precio cuota compensacion fianza deposito argent facture factures frais remboursement geld rechnung rechnungen gebuhr gebuhren erstattung dinheiro fatura faturas cobranca conta taxa",
	clYou:    "you your yours u ur yall vosotros os ustedes usted vuestro vuestra vuestros te tu sus vous votre vos ihr euch euer eure euren voces voce vcs",
	clAgain:  "again still yet otra nuevo sigue seguimos sigo todavia aun encore toujours wieder immer noch ainda novamente continua",
	clLogin:  "log login logging signin sign access enter connect entrar acceder iniciar conectar conectarme connecter acceder einloggen anmelden acessar logar",
	clI:      "i we im ive me us yo nosotros me nos je nous ich wir eu nos llevo",
	clCharge: "charged charge charging charges billed bill billing debited deducted took taken cobrado cobraron cobran cobrar cobro cobra cobrando cobrais facturado facturan debite preleve prelevement facture abgebucht berechnet cobraram cobrado cobrando cobrou cargado",
	clFix:    "fixed fixes solved resolved sorted restored repaired solucionado solucionaron resuelto resolvieron arreglado arreglaron restablecido repare resolu regle behoben gelost repariert resolvido resolveram consertado resolveu",
	clFault:  "outage outages problem problems issue issues trouble bug bugs glitch error errors fault complaint complaints interruption interruptions downtime drop drops cuts lag averia incidencia incidencias problema problemas fallo fallos corte cortes caida caidas error errores queja quejas panne pannes probleme problemes coupure coupures storung storungen ausfall ausfalle probleme fehler queda quedas falha falhas erro erros interrupcion interrupciones",
}

// negators are the words of clNeg; by language, because "plus" or "sin" are
// ordinary words elsewhere.
var negators = [...]struct {
	lang  langSet
	words string
}{
	{en, "not no never cant cannot dont doesnt didnt isnt wasnt arent werent wont wouldnt couldnt shouldnt havent hasnt hadnt nobody none noone nothing without neither nor aint unable zero cannae dnt nope hardly barely"},
	{es, "no nunca jamas tampoco nadie ni sin ningun ninguna ninguno nada imposible"},
	{fr, "ne n pas jamais rien aucun aucune personne impossible sans"},
	{de, "nicht kein keine keinen keiner keinem keinerlei nie niemals niemand ohne nichts"},
	{pt, "nao nem ninguem sem nenhum nenhuma nunca jamais nada"},
}
