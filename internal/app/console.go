package app

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// Console is where log lines go and, when a person watches, one line of
// progress below them.
type Console struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	progress bool // the last line is one of progress
}

// NewConsole makes the console of a program from its standard error.
func NewConsole(f *os.File) *Console {
	return &Console{w: f, terminal: term.IsTerminal(int(f.Fd()))} //nolint:gosec // a file descriptor fits
}

const clearLine = "\r\x1b[2K"

// Write writes a log line; it takes the place of the line of progress, which
// comes back with its next change.
func (c *Console) Write(line []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.progress {
		c.progress = false
		if _, err := io.WriteString(c.w, clearLine); err != nil {
			return 0, err
		}
	}
	return c.w.Write(line)
}

// LogFormat is how log lines look.
type LogFormat string

// The formats.
const (
	LogAuto LogFormat = "auto" // text on a terminal, else JSON
	LogText LogFormat = "text" // for people
	LogJSON LogFormat = "json" // one JSON object per line
)

// Plain reports whether log lines in format are for people.
func (c *Console) Plain(format LogFormat) bool {
	return format == LogText || (format == LogAuto && c.terminal)
}

// Logger makes a logger that writes to c.
func (c *Console) Logger(format LogFormat, level slog.Level) *slog.Logger {
	if c.Plain(format) {
		return slog.New(tint.NewTextHandler(c, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !c.terminal}))
	}
	return slog.New(slog.NewJSONHandler(c, &slog.HandlerOptions{Level: level, ReplaceAttr: readableDuration}))
}

// readableDuration writes 29ms instead of 29000000.
func readableDuration(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// LogKafkaClient sends what the Kafka client logs to logger, at debug. It sets
// a variable of the client: call it before anything connects.
func LogKafkaClient(logger *slog.Logger) { sarama.Logger = kafkaClientLog{logger} }

type kafkaClientLog struct{ logger *slog.Logger }

func (l kafkaClientLog) Print(v ...any)                 { l.log(fmt.Sprint(v...)) }
func (l kafkaClientLog) Printf(format string, v ...any) { l.log(fmt.Sprintf(format, v...)) }
func (l kafkaClientLog) Println(v ...any)               { l.log(fmt.Sprintln(v...)) }

func (l kafkaClientLog) log(message string) {
	l.logger.Debug("kafka client", slog.String("message", strings.TrimSpace(message)))
}
