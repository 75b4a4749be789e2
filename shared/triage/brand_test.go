package triage

import (
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// testBrand is the made-up brand of the tests, with few examples per intent, so
// that the rows test paraphrases and not the examples.
func testBrand() config.Brand {
	return config.Brand{
		Name:      "Veloria",
		Aliases:   []string{"Veloria Telecom", "VeloriaCare"},
		Languages: []string{"en", "es"},
		Accounts: []config.Account{
			{Platform: care.X, ID: "7001001", Handle: "VeloriaCare"},
			{Platform: care.Facebook, ID: "7002001", Handle: "veloria"},
			{Platform: care.Instagram, ID: "7003001", Handle: "veloria.care"},
			{Platform: care.Mastodon, ID: "7004001", Handle: "care@social.veloria.example"},
			{Platform: care.Bluesky, ID: "did:plc:veloriacare000000000000", Handle: "care.veloria.example"},
		},
		Products: []config.Named{
			{Name: "Veloria Fiber", Aliases: []string{"Velofiber", "Veloria Fibra", "fiber"}},
			{Name: "Veloria Mobile", Aliases: []string{"Veloria Móvil"}},
			{Name: "VeloBox", Aliases: []string{"Velo Box"}},
		},
		Competitors: []config.Competitor{
			{Name: "Tandemo", Aliases: []string{"Tandemo Telecom"}, Handles: []string{"TandemoHelp"}},
			{Name: "Quistnet", Handles: []string{"@quistnet"}},
		},
		Units: []config.Unit{
			{Name: "Veloria Shop Gran Vía", Aliases: []string{"tienda Gran Vía"}, City: "Madrid"},
			{Name: "Veloria Shop Larios", Aliases: []string{"Larios shop"}, City: "Málaga"},
		},
		Context:      []string{"internet", "wifi", "router", "bill", "invoice", "contract", "roaming", "sim", "coverage", "signal", "outage", "technician", "refund", "factura", "fibra", "cobertura", "técnico", "tarifa"},
		Namesakes:    []string{"Villa Veloria", "Queen Veloria", "kingdom of Veloria", "reino de Veloria", "Veloria Falls"},
		OrderNumbers: []string{`\bVL-?[0-9]{8}\b`, `(`}, // the second does not compile and must not matter
		Intents: []config.Intent{
			{Name: "outage", Severity: "medium", Examples: map[string][]string{
				"en": {"internet is down", "no signal at all", "is there an outage in my area"},
				"es": {"sin internet", "hay una avería", "no tengo línea"}}},
			{Name: "slow", Severity: "medium", Examples: map[string][]string{
				"en": {"internet is very slow", "speed is terrible", "buffering all the time"},
				"es": {"internet va muy lento", "poca velocidad"}}},
			{Name: "billing", Severity: "medium", Examples: map[string][]string{
				"en": {"I was charged twice", "my bill is wrong", "question about my invoice", "payment problem"},
				"es": {"me habéis cobrado dos veces", "mi factura está mal", "duda sobre la factura"}}},
			{Name: "refund", Severity: "medium", Examples: map[string][]string{
				"en": {"I want a refund", "where is my refund", "give me my money back"},
				"es": {"quiero un reembolso", "devolvedme el dinero"}}},
			{Name: "order", Severity: "low", Examples: map[string][]string{
				"en": {"where is my order", "my router has not arrived", "track my delivery"},
				"es": {"dónde está mi pedido", "mi paquete no ha llegado"}}},
			{Name: "hours", Severity: "none", Examples: map[string][]string{
				"en": {"what are your opening hours", "are you open on Saturday"},
				"es": {"cuál es vuestro horario", "abrís los sábados"}}},
			{Name: "roaming", Severity: "low", Examples: map[string][]string{
				"en": {"does roaming work abroad", "roaming charges"},
				"es": {"roaming en el extranjero"}}},
			{Name: "cancel", Severity: "high", Examples: map[string][]string{
				"en": {"cancel my contract", "I am switching to another provider"},
				"es": {"quiero darme de baja", "cancelar mi contrato"}}},
			{Name: "setup", Severity: "low", Examples: map[string][]string{
				"en": {"how do I set up my router", "change the wifi password"},
				"es": {"cómo configuro el router", "cambiar la contraseña del wifi"}}},
			{Name: "coverage", Severity: "low", Examples: map[string][]string{
				"en": {"is there coverage in my town", "is fiber available at my address"},
				"es": {"hay cobertura en mi pueblo", "llega la fibra a mi calle"}}},
			{Name: "login", Severity: "low", Examples: map[string][]string{
				"en": {"I cannot log in", "forgot my password"},
				"es": {"no puedo iniciar sesión", "he olvidado la contraseña"}}},
			{Name: "agent", Severity: "low", Examples: map[string][]string{
				"en": {"I want to talk to a person", "please call me"},
				"es": {"quiero hablar con una persona", "llamadme por favor"}}},
			{Name: "praise", Severity: "none", Examples: map[string][]string{
				"en": {"thank you for the great service", "best provider ever"},
				"es": {"muchas gracias, gran servicio"}}},
			{Name: "treatment", Severity: "medium", Examples: map[string][]string{
				"en": {"your agent was rude", "terrible customer service"},
				"es": {"el agente fue maleducado", "pésima atención al cliente"}}},
		},
		Blocked: []config.BlockedAuthor{{Platform: care.X, ID: "666", Reason: "spam"}},
	}
}

func testRouting() config.Routing {
	return config.Routing{Weights: config.Weights{Severity: 40, Sentiment: 15, Influence: 20, Value: 20, Public: 5, Repeat: 10, FullInfluence: 1_000_000, FullValue: 1_000_000}}
}
