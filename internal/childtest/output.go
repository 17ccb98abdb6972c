package childtest

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Output collects what a program writes. It can be read meanwhile.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is what has been written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Await waits until text has been written.
func (o *Output) Await(t testing.TB, text string) {
	t.Helper()
	o.Find(t, regexp.QuoteMeta(text))
}

// Find waits until something that matches pattern has been written, and
// returns the match of the last group, or of the whole where there is none.
func (o *Output) Find(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("the program has not written %s:\n%s", pattern, o)
	return ""
}
