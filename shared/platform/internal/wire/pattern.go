package wire

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression that is compiled when it is first needed.
// Compiling those of both polled platforms took longer than the rest of a cold
// start together, and an invocation needs few of them. It panics at first use
// when expr is none.
func Pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
