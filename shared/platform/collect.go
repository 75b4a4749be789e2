package platform

import (
	"fmt"
	"strings"

	"github.com/fielder-care/fielder/shared/care"
)

// MaxEvents bounds what one body may hold. Meta sends at most 1,000 updates in
// one call (Graph API docs, Webhooks, getting started); the bound keeps a hostile
// body of millions of tiny events from filling the memory.
const MaxEvents = 5000

// Collector gathers what a normaliser finds in one body. One unreadable event
// loses no other: Result returns the readable ones beside the error.
type Collector struct {
	batch  care.Batch
	faults []error
	more   int // faults beyond the ones kept
	over   bool
}

// Full is true when the body holds more than MaxEvents; the rest is not read and
// Result says so.
func (c *Collector) Full() bool {
	if len(c.batch.Items)+len(c.batch.Skipped)+len(c.faults)+c.more >= MaxEvents {
		c.over = true
	}
	return c.over
}

// Add records a post and what happened to it.
func (c *Collector) Add(change care.Change, post care.Post) {
	c.batch.Items = append(c.batch.Items, care.Inbound{Change: change, Post: post})
}

// Skip records an event that is not for us; kind is the platform's own name.
func (c *Collector) Skip(kind string, known bool, reason string) {
	c.batch.Skipped = append(c.batch.Skipped, care.Skipped{Type: Name(kind), Reason: reason, Known: known})
}

// Bad records that an event cannot be read; nil records nothing.
func (c *Collector) Bad(err error) {
	switch {
	case err == nil:
	case len(c.faults) < 5:
		c.faults = append(c.faults, err)
	default:
		c.more++
	}
}

// Want records that v is not what it must be, "an object" for example.
func (c *Collector) Want(v Value, what string) {
	c.Bad(&Fault{at: v, text: "want " + what + ", got " + v.words()})
}

// Result is the batch, and an Invalid error when an event could not be read.
func (c *Collector) Result() (care.Batch, error) {
	var texts []string
	for _, err := range c.faults {
		texts = append(texts, err.Error())
	}
	if c.more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", c.more))
	}
	if c.over {
		texts = append(texts, fmt.Sprintf("the body holds more events than the limit of %d; the rest was not read", MaxEvents))
	}
	if len(texts) == 0 {
		return c.batch, nil
	}
	return c.batch, care.Errorf(care.Invalid, "%s", strings.Join(texts, "; "))
}

// Fault says what is wrong with a piece of a document. Its words are made when
// they are asked for: finding the place means walking the document again.
type Fault struct {
	at   Value
	text string
}

func (f *Fault) Error() string { return f.at.Path() + ": " + f.text }
