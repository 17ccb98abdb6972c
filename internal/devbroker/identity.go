package devbroker

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
)

// clusterID returns the id that path contains. A directory gets a random one at its first start, in the form that Kafka
// uses: offsets that were stored about another cluster must not be taken for this one's.
func clusterID(path string) (string, error) {
	stored, err := os.ReadFile(path)
	if err == nil && len(stored) > 0 {
		return strings.TrimSpace(string(stored)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	random := uuid.New()
	id := base64.RawURLEncoding.EncodeToString(random[:])
	unfinished := path + ".tmp"
	if err := os.WriteFile(unfinished, []byte(id+"\n"), 0o600); err != nil {
		return "", err
	}
	return id, os.Rename(unfinished, path)
}

const largeLog = 1 << 30

// warnIfLarge says in time that the data outgrow an embedded broker, which reads them into memory when it starts.
func warnIfLarge(dir string, logger *slog.Logger) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err == nil && size > largeLog {
		logger.Warn("the embedded broker reads its data into memory when it starts, consider a Kafka cluster",
			slog.String("dir", dir), slog.Int64("bytes", size))
	}
}

// kfakeLogger passes on what kfake has to say about failures. That ending a transaction took it more than 5 ms is none: the
// machine was busy.
type kfakeLogger struct{ logger *slog.Logger }

func (l kfakeLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.logger.Error("the embedded broker failed", slog.String("detail", fmt.Sprintf(format, args...)))
	case kfake.LogLevelWarn:
		if strings.Contains(format, "EndTxn slow") {
			l.logger.Debug("the embedded broker was slow", slog.String("detail", fmt.Sprintf(format, args...)))
			return
		}
		l.logger.Warn("the embedded broker warns", slog.String("detail", fmt.Sprintf(format, args...)))
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}
