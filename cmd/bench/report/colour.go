package report

import "strings"

// colour of a contender: those of a family look alike.
func colour(contender string) string {
	switch {
	case contender == "eventim":
		return "#2563eb"
	case contender == "raw":
		return "#94a3b8"
	case contender == "goka":
		return "#16a34a"
	case strings.HasSuffix(contender, "-static"):
		return "#7c2d12"
	case strings.HasPrefix(contender, "streams-100ms-1t"):
		return "#ea580c"
	case strings.HasPrefix(contender, "streams-100ms"):
		return "#fb923c"
	case strings.HasPrefix(contender, "streams-10ms-1t"):
		return "#be185d"
	default:
		return "#f472b6"
	}
}
