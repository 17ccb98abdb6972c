package invoices

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

func TestCodesAreAllListed(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("rejection.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\tCode\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	for _, d := range declared {
		if !slices.Contains(Codes(), d[1]) {
			t.Errorf("%s is not listed", d[1])
		}
	}
	if len(Codes()) != len(declared) {
		t.Errorf("got %d codes, want %d", len(Codes()), len(declared))
	}
}
