package journal

import (
	"slices"
	"testing"
)

func TestJournalSurvivesItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := &Journal{Origin: "o"}
	j.Add(Entry{Kind: Sent, Command: "c"})
	for range 2 {
		j.Add(Entry{Kind: Acknowledged, Command: "c", Position: "1:2"})
	}
	if err := j.Write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != 1 || read[0].Origin != "o" || len(read[0].Entries()) != 3 {
		t.Fatalf("read %d journals, %+v", len(read), read)
	}
	if got := AcknowledgedIn(read); !slices.Equal(got, []string{"c"}) {
		t.Errorf("acknowledged are %q, want c once", got)
	}
	if got := j.Count(Acknowledged); got != 2 {
		t.Errorf("counted %d acknowledgements, want 2", got)
	}
}
