package reply

import (
	"testing"
)

func TestLintOfTheDefaultFiles(t *testing.T) {
	for _, f := range Lint(standard(t)) {
		t.Errorf("%s %s: %s (warning %v)", f.File, f.Path, f.Message, f.Warning)
	}
}
