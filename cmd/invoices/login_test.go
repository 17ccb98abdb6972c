package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoginFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("planted\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const issuer, url, client = "--login-issuer=https://login.example", "--login-url=https://invoices.example", "--login-client-id=x"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"complete":        {[]string{issuer, url, client, "--login-client-secret-file=" + file, "--login-roles=Accounts=bookkeeper"}, ""},
		"no address":      {[]string{issuer, client}, "needs --login-url"},
		"no client":       {[]string{issuer, url}, "client id"},
		"no such file":    {[]string{issuer, url, client, "--login-client-secret-file=/none"}, "no such file"},
		"no such role":    {[]string{issuer, url, client, "--login-roles=Accounts=boss"}, `no role "boss"`},
		"without TLS":     {[]string{issuer, "--login-url=http://invoices.example", client}, "https"},
		"too short a use": {[]string{issuer, url, client, "--login-idle=1s"}, "a minute at least"},
	} {
		flags, _, err := parse(append([]string{"web"}, c.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		gate, err := flags.Web.Web.Login.gate(nil, process{logger: slog.New(slog.NewTextHandler(&log, nil))})
		if c.want != "" {
			wantError(t, err, c.want)
		} else if err != nil || gate == nil {
			t.Errorf("%s: got %v", name, err)
		}
		if strings.Contains(log.String(), "planted") {
			t.Errorf("%s: the log has the secret: %s", name, &log)
		}
	}
}

func TestWithoutALoginThereIsAWarning(t *testing.T) {
	t.Parallel()
	flags, _, err := parse("web")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	gate, err := flags.Web.Web.Login.gate(nil, process{logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil || gate != nil || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "NOBODY HAS TO LOG IN") {
		t.Errorf("got %v, error %v, log %s", gate, err, &log)
	}
}
