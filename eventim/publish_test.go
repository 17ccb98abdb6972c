package eventim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
)

// What a reactor publishes is there once for each reaction, whatever starts again; and
// one that believes its topic to have other partitions does not start.
func TestAReactorPublishes(t *testing.T) {
	t.Parallel()
	p := newProcess(t, time.Hour, 0)
	news := eventim.Publication[told]{Topic: p.name + "-news", Partitions: 2, Values: eventim.JSON[told]("News")}
	p.reactor.Publishes = []eventim.Publishing{news}
	p.reactor.Sources = p.reactor.Sources[:1]
	p.reactor.React = func(s waits, m eventim.Message[told]) (waits, []eventim.Output) {
		return s, []eventim.Output{eventim.Publish(news, m.Instance, m.Payload), eventim.End()}
	}
	h, err := eventim.NewReactorHandler(p.reactor, p.config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want string) {
		t.Helper()
		if differ, ok := errors.AsType[*eventim.TopicsError](h.Run(t.Context())); !ok || len(differ.Differences) != 1 || differ.Differences[0] != news.Topic+want {
			t.Errorf("it says %v, want %s", differ, want)
		}
	}
	refused(": does not exist")
	admin, err := sarama.NewClusterAdmin(p.kafka.Brokers, sarama.NewConfig())
	if err == nil {
		err = admin.CreateTopic(news.Topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false)
	}
	if err == nil {
		err = admin.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	wider := news
	wider.Partitions = 3
	p.reactor.Publishes[0] = wider
	refused(": has 2 partitions, want 3")
	p.reactor.Publishes[0] = news
	defer handles(p, orders(p.name))()
	p.comesAndGoes(3)
	defer p.reacts(t.TempDir())()
	eventually(t, "all is published", func() bool { return p.commands(news.Topic) >= 30 })
	if n := p.commands(news.Topic); n != 30 {
		t.Errorf("%d are published, want 30", n)
	}
}
