package fleet

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
)

// output keeps the log of a process, and learns from it where the process
// listens: ports are chosen by the kernel.
type output struct {
	log *os.File

	mu      sync.Mutex
	rest    []byte // of a line that is not complete
	address string
}

// Write takes a part of the log.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		line, rest, complete := bytes.Cut(o.rest, []byte("\n"))
		if !complete {
			break
		}
		o.read(line)
		o.rest = rest
	}
	return o.log.Write(p)
}

func (o *output) read(line []byte) {
	var l struct{ Msg, Address string }
	if o.address != "" || json.Unmarshal(line, &l) != nil {
		return
	}
	if l.Msg == "serving the page" || l.Msg == "serving health" {
		o.address = l.Address
	}
}

func (o *output) listens() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.address
}
