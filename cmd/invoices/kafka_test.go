package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/internal/childtest"
)

func broker(t *testing.T, options ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return strings.Join(c.ListenAddrs(), ",")
}

// connect connects with the flags args. A refusal must come at once: the
// deadline means that the program would wait for ever.
func connect(t *testing.T, address string, args ...string) error {
	t.Helper()
	flags, _, err := parse(append([]string{"topics", "verify", "--kafka", address}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	k, err := flags.Topics.Verify.Kafka.connection("test")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), childtest.Patience)
	defer cancel()
	err = app.AwaitKafka(ctx, k, slog.New(slog.DiscardHandler))
	if ctx.Err() != nil {
		t.Fatalf("connecting with %q was tried until the deadline", args)
	}
	return err
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want one with %q", err, text)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a, stranger := newAuthority(t), newAuthority(t)
	address := broker(t, kfake.TLS(a.serverConfig(t)))
	ca := a.file("ca.pem")
	for name, args := range map[string][]string{
		"by address": {"--kafka-tls", "--kafka-tls-ca", ca},
		"by name":    {"--kafka-tls", "--kafka-tls-ca", ca, "--kafka-tls-server-name", "broker.test"},
	} {
		if err := connect(t, address, args...); err != nil {
			t.Errorf("%s: got error %v, want none", name, err)
		}
	}
	wantError(t, connect(t, address, "--kafka-tls"), "certificate signed by unknown authority")
	wantError(t, connect(t, address, "--kafka-tls", "--kafka-tls-ca", stranger.file("ca.pem")), "certificate signed by unknown authority")
	wantError(t, connect(t, address, "--kafka-tls", "--kafka-tls-ca", ca, "--kafka-tls-server-name", "other.test"), "not other.test")
}

func TestTLSWithOurCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	config := a.serverConfig(t)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	address := broker(t, kfake.TLS(config))
	a.sign(t, "client", certificate("client"), a.cert, newKey(t))
	with := []string{"--kafka-tls", "--kafka-tls-ca", a.file("ca.pem")}
	own := append(with, "--kafka-tls-cert", a.file("client.pem"), "--kafka-tls-key", a.file("client.key")) //nolint:gocritic // another slice on purpose
	if err := connect(t, address, own...); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	wantError(t, connect(t, address, with...), "certificate required")
}

func TestSASL(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		address := broker(t, kfake.TLS(a.serverConfig(t)), kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "eventim", "opensesame"))
		file := a.file(mechanism)
		write(t, file, []byte("opensesame\n"))
		with := []string{"--kafka-tls", "--kafka-tls-ca", a.file("ca.pem"), "--kafka-sasl-mechanism", mechanism, "--kafka-sasl-user", "eventim"}
		if err := connect(t, address, append(with, "--kafka-sasl-password", "opensesame")...); err != nil {
			t.Errorf("%s: got error %v, want none", mechanism, err)
		}
		if err := connect(t, address, append(with, "--kafka-sasl-password-file", file)...); err != nil {
			t.Errorf("%s with a file: got error %v, want none", mechanism, err)
		}
	}
}

func TestConnectionFlagsThatDoNotFit(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	text := a.file("text")
	write(t, text, []byte("not a certificate"))
	sasl := func(args ...string) []string { return append([]string{"--kafka-sasl-mechanism", "plain"}, args...) }
	for want, args := range map[string][]string{
		"--kafka-tls is not":                      {"--kafka-tls-ca", a.file("ca.pem")},
		"contains no certificate":                 {"--kafka-tls", "--kafka-tls-ca", text},
		"no such file":                            {"--kafka-tls", "--kafka-tls-ca", a.file("none")},
		"our certificate":                         {"--kafka-tls", "--kafka-tls-cert", a.file("ca.pem")},
		"--kafka-sasl-mechanism is not":           {"--kafka-sasl-user", "eventim"},
		"plain needs":                             sasl("--kafka-sasl-user", "eventim"),
		"plain needs --kafka-sasl-user":           sasl("--kafka-sasl-password", "x"),
		"a password and a password file":          sasl("--kafka-sasl-user", "eventim", "--kafka-sasl-password", "x", "--kafka-sasl-password-file", text),
		"open " + a.file("missing") + ": no such": sasl("--kafka-sasl-user", "eventim", "--kafka-sasl-password-file", a.file("missing")),
	} {
		wantError(t, connect(t, "127.0.0.1:1", args...), want)
	}
}
