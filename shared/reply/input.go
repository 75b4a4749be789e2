package reply

import (
	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Input is what the rules see of a post as a golden example gives it; triage
// reads it unless the example assumes what it finds. The error says what is wrong
// with the example.
func Input(b *config.Bundle, g config.Given, triage func(care.Post) care.Triage) (In, error) {
	return given(b, 0, g, triage)
}
