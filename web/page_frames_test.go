package web

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The page knows each member of each frame; one that it does not know would
// make it say that the server is newer.
func TestPageKnowsTheFrames(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("ui/src/frames.ts")
	if err != nil {
		t.Fatal(err)
	}
	_, shapes, _ := strings.Cut(string(data), "const shapes")
	for kind, frame := range map[string]any{
		"welcome": welcomeFrame{}, "heartbeat": heartbeatFrame{}, "ack": ackFrame{}, "refused": refusedFrame{}, "result": resultFrame{}, "changed": changedFrame{},
	} {
		shape := regexp.MustCompile(`(?s)\n  ` + kind + `: \{(.*?)\n(?:  [\w}]|\})`).FindString(shapes)
		for _, field := range reflect.VisibleFields(reflect.TypeOf(frame)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "type" && !regexp.MustCompile(` `+name+`( \}|:)`).MatchString(shape) {
				t.Errorf("the page does not know the member %s of %s", name, kind)
			}
		}
	}
}
