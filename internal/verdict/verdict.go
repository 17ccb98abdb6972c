// Package verdict tells, of the errors of Kafka and of Postgres that a program
// meets while it starts, what passes by itself from what stays.
package verdict

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/postgres"
)

// Stays reports whether somebody has to mend what err says: refused credentials,
// a certificate that is not trusted, a database that is not fit. All else is
// waited for. A name that does not resolve passes: in a composition of containers
// it is one that has not started.
func Stays(err error) bool {
	if blame, ok := postgres.BlameOf(err); ok {
		return blame != postgres.Passes
	}
	if _, unfit := errors.AsType[*postgres.UnfitError](err); unfit {
		return true
	}
	for _, refused := range []error{
		sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism,
		sarama.ErrClusterAuthorizationFailed, sarama.ErrTopicAuthorizationFailed, sarama.ErrGroupAuthorizationFailed,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	_, invalid := errors.AsType[sarama.ConfigurationError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	op, _ := errors.AsType[*net.OpError](err)
	const alert = "remote error" // how crypto/tls reports an alert of the other side
	return invalid || untrusted || notTLS || (op != nil && op.Op == alert)
}
