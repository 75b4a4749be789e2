package reply

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Invitation puts an invitation into words: template for a customer on a
// platform, in private, in the customer's language or the template's fallback.
// The id picks the variant, so that a repeat says the same words. A prospect's
// name is not said. Returns care.Invalid when the template has nothing that fits;
// the golden examples find that before.
func Invitation(b *config.Bundle, now time.Time, template string, p care.Platform, id string, c care.Customer) (string, error) {
	d := decision{In: In{
		Post:  care.Post{Platform: p, NativeID: id, Lang: c.Lang, Private: true},
		Match: care.Match{Customer: c, Known: !c.Prospect, Grade: care.GradeAsserted},
		Now:   now, Bundle: b,
	}}
	said, _, err := d.render(template, true)
	if err != nil {
		return "", care.Errorf(care.Invalid, "the invitation cannot be said: %w", err)
	}
	return said, nil
}
