package reply

import "testing"

// The golden examples of the default files, with what triage finds assumed.
func TestDefaultGoldenExamples(t *testing.T) {
	b := standard(t)
	if len(b.Tests) < 15 {
		t.Fatalf("%d golden examples, want at least 15", len(b.Tests))
	}
	for _, f := range RunTests(b, Senses{}) {
		t.Error(f)
	}
}
