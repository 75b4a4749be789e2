package reply

import (
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/config"
)

// Invitation renders the text of an invitation for a platform, in the customer's
// language. id picks the variant, so that a repeat says the same words. Returns
// care.Invalid when the template has nothing that fits.
func Invitation(b *config.Bundle, now time.Time, template string, p care.Platform, id string, c care.Customer) (string, error) {
	d := &decision{In: In{
		Post:  care.Post{Platform: p, NativeID: id, Lang: c.Lang, Private: true},
		Match: care.Match{Customer: c, Known: true, Grade: care.GradeAsserted},
		Now:   now, Bundle: b,
	}}
	said, _, err := d.render(template, true)
	if err != nil {
		return "", care.Errorf(care.Invalid, "the invitation cannot be said: %w", err)
	}
	return said, nil
}
