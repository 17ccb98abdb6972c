package main

import (
	"crypto/sha256"
	"crypto/sha512"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// scramClient returns what makes the SCRAM side of a connection.
func scramClient(mechanism string) func() sarama.SCRAMClient {
	hash := scram.HashGeneratorFcn(sha256.New)
	if mechanism == "scram-sha-512" {
		hash = sha512.New
	}
	return func() sarama.SCRAMClient { return &scramConversation{hash: hash} }
}

// scramConversation is a sarama.SCRAMClient.
type scramConversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

// Begin starts the conversation.
func (c *scramConversation) Begin(user, password, authorization string) error {
	client, err := c.hash.NewClient(user, password, authorization)
	if err != nil {
		return err
	}
	c.ClientConversation = client.NewConversation()
	return nil
}
