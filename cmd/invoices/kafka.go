package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices"
)

type kafkaFlags struct {
	Kafka []string `env:"EVENTIM_KAFKA" default:"localhost:9092" placeholder:"HOST:PORT" help:"Some of the brokers; they know the others."`

	Aggregate string `env:"EVENTIM_AGGREGATE" default:"invoice" placeholder:"NAME" help:"Prefix of the topics and the consumer groups. Another one, with another database, is another installation on the same Kafka."`

	Partitions int32 `env:"EVENTIM_PARTITIONS" default:"12" placeholder:"N" help:"Partition count of the topics. It cannot be changed; topics copy makes new topics with another one."`

	TLS  tlsFlags  `embed:""`
	SASL saslFlags `embed:"" prefix:"kafka-sasl-"`
}

type tlsFlags struct {
	Enabled    bool   `name:"kafka-tls" env:"EVENTIM_KAFKA_TLS" help:"Encrypt, and check the certificate of the brokers."`
	CA         string `name:"kafka-tls-ca" env:"EVENTIM_KAFKA_TLS_CA" placeholder:"FILE" help:"PEM file of who signs the certificates of the brokers, instead of the system's."`
	Cert       string `name:"kafka-tls-cert" env:"EVENTIM_KAFKA_TLS_CERT" placeholder:"FILE" help:"PEM file of our certificate, for brokers that ask for one."`
	Key        string `name:"kafka-tls-key" env:"EVENTIM_KAFKA_TLS_KEY" placeholder:"FILE" help:"PEM file of the key of our certificate."`
	ServerName string `name:"kafka-tls-server-name" env:"EVENTIM_KAFKA_TLS_SERVER_NAME" placeholder:"NAME" help:"Name that the certificates of the brokers have, when it is not their address."`
}

type saslFlags struct {
	Mechanism    string `env:"EVENTIM_KAFKA_SASL_MECHANISM" enum:",plain,scram-sha-256,scram-sha-512" default:"" placeholder:"NAME" help:"Sign in with plain, scram-sha-256 or scram-sha-512."`
	User         string `env:"EVENTIM_KAFKA_SASL_USER" placeholder:"NAME" help:"Who signs in."`
	Password     string `env:"EVENTIM_KAFKA_SASL_PASSWORD" placeholder:"SECRET" help:"The password; better in the environment or a file than in a flag, which ps shows."`
	PasswordFile string `env:"EVENTIM_KAFKA_SASL_PASSWORD_FILE" placeholder:"FILE" help:"File with the password."`
}

// aggregate is the invoice under the name of this installation.
func (f kafkaFlags) aggregate() app.Aggregate {
	a := invoices.Aggregate
	a.Name, a.Partitions = f.Aggregate, f.Partitions
	return a
}

// connection returns how to reach Kafka. All that can be wrong with the flags
// and the files that they name is found here, before anything connects.
func (f kafkaFlags) connection(clientID string) (eventim.Kafka, error) {
	k := eventim.Kafka{Brokers: f.Kafka, ClientID: clientID}
	encryption, err := f.TLS.config()
	if err != nil {
		return k, fmt.Errorf("TLS to Kafka: %w", err)
	}
	signIn, err := f.SASL.apply()
	if err != nil {
		return k, fmt.Errorf("SASL to Kafka: %w", err)
	}
	k.Configure = func(c *sarama.Config) {
		c.Net.TLS.Enable, c.Net.TLS.Config = encryption != nil, encryption
		signIn(c)
	}
	return k, nil
}

// config is nil without TLS.
func (f tlsFlags) config() (*tls.Config, error) {
	if !f.Enabled {
		if f != (tlsFlags{}) {
			return nil, errors.New("certificates are given, but --kafka-tls is not")
		}
		return nil, nil
	}
	c := &tls.Config{ServerName: f.ServerName, MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s contains no certificate in PEM", f.CA)
		}
	}
	if f.Cert == "" && f.Key == "" {
		return c, nil
	}
	own, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("our certificate (--kafka-tls-cert and --kafka-tls-key): %w", err)
	}
	c.Certificates = []tls.Certificate{own}
	return c, nil
}

// apply returns what signs a configuration in.
func (f saslFlags) apply() (func(*sarama.Config), error) {
	if f.Mechanism == "" {
		if f != (saslFlags{}) {
			return nil, errors.New("a user or a password is given, but --kafka-sasl-mechanism is not")
		}
		return func(*sarama.Config) {}, nil
	}
	password, err := secret(f.Password, f.PasswordFile)
	if err != nil {
		return nil, err
	}
	if f.User == "" || password == "" {
		return nil, fmt.Errorf("%s needs --kafka-sasl-user and a password", f.Mechanism)
	}
	return func(c *sarama.Config) {
		c.Net.SASL.Enable = true
		c.Net.SASL.Mechanism = sarama.SASLMechanism(strings.ToUpper(f.Mechanism))
		c.Net.SASL.User, c.Net.SASL.Password = f.User, password
		c.Net.SASL.SCRAMClientGeneratorFunc = scramClient(f.Mechanism)
	}, nil
}

// secret is a value that may be in a file instead, as containers have it.
func secret(value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", errors.New("there are a password and a password file; give one")
	}
	content, err := os.ReadFile(file) //nolint:gosec // the operator's file
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}
