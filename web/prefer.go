package web

import (
	"strconv"
	"strings"
	"time"
)

// parsePrefer finds wait=N, in seconds, among the preferences of RFC 7240. Of
// several the first counts. One that cannot be read is ignored, as that RFC
// wants it.
func parsePrefer(s string) time.Duration {
	for _, preference := range splitUnquoted(s, ',') {
		preference = splitUnquoted(preference, ';')[0] // no parameter means anything here
		name, value, _ := strings.Cut(preference, "=")
		if strings.EqualFold(strings.TrimSpace(name), "wait") {
			return seconds(unquote(strings.TrimSpace(value)))
		}
	}
	return 0
}

// seconds is delta-seconds of RFC 9110, at most maxWait, 0 when it is not.
func seconds(s string) time.Duration {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > int(maxWait.Seconds()) { // more digits than an int has
		return maxWait
	}
	return time.Duration(n) * time.Second
}

// splitUnquoted splits a header's value where a separator is outside of quoted
// strings. There is always a first part.
func splitUnquoted(s string, separator byte) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return append(parts, s[start:])
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
