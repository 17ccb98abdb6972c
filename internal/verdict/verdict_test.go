package verdict_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/eventim-go/eventim/internal/verdict"
)

func TestWhatStaysAndWhatPasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		stays bool
	}{
		"refused connection":         {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, false},
		"unknown name":               {&net.DNSError{Name: "kafka", IsNotFound: true}, false},
		"no broker answers":          {sarama.Wrap(sarama.ErrOutOfBrokers, io.EOF), false},
		"Postgres starts":            {&pgconn.PgError{Code: "57P03"}, false},
		"Postgres is full":           {&pgconn.PgError{Code: "53300"}, false},
		"wrong password of Kafka":    {sarama.ErrSASLAuthenticationFailed, true},
		"untrusted certificate":      {sarama.Wrap(sarama.ErrOutOfBrokers, &tls.CertificateVerificationError{Err: errors.New("unknown")}), true},
		"the broker wants ours":      {sarama.Wrap(sarama.ErrOutOfBrokers, &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}), true},
		"the broker has no TLS":      {sarama.Wrap(sarama.ErrOutOfBrokers, tls.RecordHeaderError{Msg: "no TLS"}), true},
		"invalid configuration":      {sarama.ConfigurationError("wrong"), true},
		"wrong password of Postgres": {&pgconn.PgError{Code: "28P01"}, true},
		"no such database":           {&pgconn.PgError{Code: "3D000"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := verdict.Stays(fmt.Errorf("connect: %w", c.err)); got != c.stays {
				t.Errorf("Stays(%v): got %t, want %t", c.err, got, c.stays)
			}
		})
	}
}
