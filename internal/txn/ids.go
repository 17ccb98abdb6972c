package txn

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// IDs are those of one life of one instance, of the form
// <group>/<instance>/<life>.<n>. The prefix lets them be listed, fenced and
// granted together; the life is when the process began.
//
// None is used again after it was in doubt, nor by the next life. A broker may
// lose the markers of a transaction, of a commit as of an abort; the next commit
// under the same producer id would show what was aborted. A coordinator forgets
// an id after transactional.id.expiration.ms, 7 days by default; there are as
// many new ones as there are starts and lost connections.
//
// A handler of the version before has the ids <group>/<instance>/<k>.
type IDs struct {
	prefix string // of the instance, with the slash behind it
	life   string

	mu    sync.Mutex
	taken int
	inUse []string
}

// NewIDs begins a life of an instance of a group.
func NewIDs(group, instance string) *IDs {
	return &IDs{prefix: group + "/" + instance + "/", life: strconv.FormatInt(time.Now().UnixMilli(), 36)}
}

// take returns an id that was never used.
func (t *IDs) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := t.prefix + t.life + "." + strconv.Itoa(t.taken)
	t.taken++
	t.inUse = append(t.inUse, id)
	return id
}

// retire says that an id is not used any more.
func (t *IDs) retire(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inUse = slices.DeleteFunc(t.inUse, func(used string) bool { return used == id })
}

func (t *IDs) Uses(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.inUse, id)
}

// IdentityOf is the id by which an instance shows that it is alone; nothing is
// ever written under it.
func IdentityOf(group, instance string) string { return group + "/" + instance + "/identity" }

// Owner reads the instance out of the id of a lane of a group, of this version
// or the one before.
func Owner(group, id string) (instance string, ok bool) {
	rest, ours := strings.CutPrefix(id, group+"/")
	instance, lane, two := strings.Cut(rest, "/")
	return instance, ours && two && instance != "" && lane != "" && lane != "identity" && !strings.Contains(lane, "/")
}
