package devpostgres

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// identity is whom postgres runs as. Nil is the calling user, which serves everybody but root: postgres refuses to be root.
type identity = syscall.Credential

func chooseIdentity(data string) (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if id := ownerOf(data); id != nil {
		return id, nil
	}
	id := cmp.Or(parseIdentity(os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID")), lookupIdentity("postgres"), lookupIdentity("nobody"))
	if id == nil {
		return nil, errors.New("running as root, and there is no user postgres or nobody to run postgres as: create one, or run as a normal user")
	}
	return id, nil
}

func ownerOf(path string) *identity {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	return newIdentity(stat.Uid, stat.Gid)
}

func lookupIdentity(name string) *identity {
	u, err := user.Lookup(name)
	if err != nil {
		return nil
	}
	return parseIdentity(u.Uid, u.Gid)
}

func parseIdentity(uid, gid string) *identity {
	u, err := strconv.ParseUint(uid, 10, 32)
	if err != nil || u == 0 {
		return nil
	}
	g, err := strconv.ParseUint(gid, 10, 32)
	if err != nil {
		return nil
	}
	return newIdentity(uint32(u), uint32(g))
}

func newIdentity(uid, gid uint32) *identity {
	return &identity{Uid: uid, Gid: gid, Groups: []uint32{gid}}
}

// reaches finds out as id whether id can execute, or enter, path.
func reaches(ctx context.Context, id *identity, path string) bool {
	if id == nil {
		return true
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `test -x "$1"`, "sh", path)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: id}
	return cmd.Run() == nil
}

func chown(id *identity, path string) error {
	if id == nil {
		return nil
	}
	return os.Chown(path, int(id.Uid), int(id.Gid))
}
