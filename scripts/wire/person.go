package wire

import (
	"fmt"
	"strings"
)

// Person is a made-up author. N numbers them: every account and id of theirs
// follows from it.
type Person struct {
	N           int
	First, Last string
	Followers   int
	Spanish     bool // writes Spanish
}

// Name is as platforms show it.
func (p Person) Name() string { return strings.TrimSpace(p.First + " " + p.Last) }

// Handle is the same on every platform.
func (p Person) Handle() string {
	h := strings.ToLower(p.First + "_" + p.Last)
	return fmt.Sprintf("%s%d", strings.Map(func(r rune) rune {
		if plain, ok := plainLetters[r]; ok {
			return plain
		}
		return r
	}, h), p.N%97)
}

var plainLetters = map[rune]rune{'á': 'a', 'é': 'e', 'í': 'i', 'ó': 'o', 'ú': 'u', 'ñ': 'n', 'ü': 'u'}
