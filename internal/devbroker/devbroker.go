// Package devbroker is a Kafka broker inside of the process that keeps its data, for development: kfake, made to survive
// kill -9.
//
// kfake alone loses the atomicity of transactions when it is killed: it has no log of the transactions that it is about to
// end, and after an unclean end it forgets aborts, shows halves of transactions, and loses the offsets of commits. The intent
// file and the repair in this package mend that. They know the files of kfake in version 1 of its format; go.mod pins it.
//
// The broker never deletes or compacts records: kfake's cleaner is not safe against a kill.
package devbroker

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config says where a broker keeps its data and where it listens.
type Config struct {
	// Dir holds the data. It is created when missing, and one broker at a time can use it.
	Dir string
	// Listen is the address, 127.0.0.1:0 when empty. Port 0 is the port of the last start, or, when that one is taken, any.
	Listen string
	// Logger hears of repairs and of what goes wrong. Nil discards.
	Logger *slog.Logger
}

// Broker is a running broker. It is a cluster of one node, whose id belongs to the directory.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	intents *intents
	lock    *os.File
	dir     string
	close   func() error
}

// Start opens the broker of cfg.Dir. After an unclean end it first brings the data into the state that Kafka would restore:
// a transaction whose commit was accepted is committed everywhere with its offsets, any other is aborted, and the producers
// of before are fenced.
func Start(cfg Config) (_ *Broker, err error) {
	logger := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	b := &Broker{dir: cfg.Dir, lock: lock}
	if err := b.open(cmp.Or(cfg.Listen, "127.0.0.1:0"), logger); err != nil {
		return nil, errors.Join(fmt.Errorf("start the broker: %w", err), lock.Close())
	}
	b.close = sync.OnceValue(b.stop)
	return b, nil
}

func (b *Broker) open(address string, logger *slog.Logger) error {
	id, err := clusterID(b.path("cluster-id"))
	if err != nil {
		return err
	}
	if err := b.repairIfDirty(logger); err != nil {
		return fmt.Errorf("repair %s: %w", b.dir, err)
	}
	warnIfLarge(b.logDir(), logger)
	listen, err := b.listener(address)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path(dirty), nil, 0o600); err != nil {
		return err
	}
	if b.intents, err = openIntents(b.path(intentFile), filepath.Join(b.logDir(), producersLog)); err != nil {
		return err
	}
	if b.cluster, err = kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(listen),
		kfake.ClusterID(id),
		kfake.DataDir(b.logDir()),
		kfake.SyncWrites(),
		kfake.WithLogger(kfakeLogger{logger}),
		kfake.BrokerConfigs(settings),
	); err != nil {
		return errors.Join(err, b.intents.Close())
	}
	b.intents.observe(b.cluster)
	Stamp(b.cluster)
	b.addr = b.cluster.ListenAddrs()[0]
	if err := b.rememberPort(); err != nil {
		b.cluster.Close()
		return errors.Join(err, b.intents.Close())
	}
	return nil
}

// settings switch off what deletes. As soon as one topic has a retention of its own, kfake applies its default of seven days
// to every topic that has none; its compaction deletes the old segments before it writes the new ones.
var settings = map[string]string{
	"log.retention.ms":          "-1",
	"log.retention.bytes":       "-1",
	"log.cleaner.backoff.ms":    "315360000000", // ten years
	"offsets.retention.minutes": "2147483647",
}

// Addr is the address at which clients reach the broker.
func (b *Broker) Addr() string { return b.addr }

// Close writes the state and stops the broker. It may be called more than once.
func (b *Broker) Close() error { return b.close() }

func (b *Broker) stop() error {
	b.cluster.Close()
	return errors.Join(b.intents.Close(), os.Remove(b.path(dirty)), b.lock.Close())
}

// dirty is the file that exists while a broker runs: who finds it at the start follows an unclean end.
const dirty = "dirty"

func (b *Broker) repairIfDirty(logger *slog.Logger) error {
	if _, err := os.Stat(b.path(dirty)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	begin := time.Now()
	done, err := repair(b.logDir(), b.path(intentFile))
	if err != nil {
		return err
	}
	logger.Info("repaired the broker's data after an unclean end",
		slog.Int("partitions", done.partitions), slog.Int("truncated", done.truncated), slog.Int("aborted", done.aborted),
		slog.Int("committed", done.committed), slog.Int("offsets", done.offsets), slog.Duration("took", time.Since(begin)))
	return nil
}

func (b *Broker) logDir() string { return b.path("log") }

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

// lockDir creates dir and locks it for this process: kfake takes no lock, and two processes would corrupt the data. A process
// that was killed a moment ago may still hold it.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s is in use by another process: %w", dir, err), f.Close())
		}
	}
}

var errNoAddress = errors.New("listen on an address that clients can connect to, such as 127.0.0.1:9092: the broker tells it to them")

// listener returns the function by which kfake listens. kfake gives clients the listener's own address.
func (b *Broker) listener(address string) (func(network, _ string) (net.Listener, error), error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		return nil, errNoAddress
	}
	return func(network, _ string) (net.Listener, error) {
		if port == "0" {
			if remembered, err := os.ReadFile(b.path("port")); err == nil {
				if l, err := net.Listen(network, net.JoinHostPort(host, string(remembered))); err == nil { //nolint:noctx // kfake has none
					return l, nil
				}
			}
		}
		return net.Listen(network, address) //nolint:noctx // kfake has none
	}, nil
}

func (b *Broker) rememberPort() error {
	_, port, err := net.SplitHostPort(b.addr)
	if err != nil {
		return err
	}
	return os.WriteFile(b.path("port"), []byte(port), 0o600)
}
