package peers

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// leaveRoot makes a server that is started by root run as the user called name,
// whom its Debian package made, and gives that user the directory. It is started
// as that user: one that changes its user by itself loses its Pdeathsig.
func (r *Running) leaveRoot(name string) {
	r.tb.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup(name)
	if err != nil {
		r.tb.Fatalf("looking for the user that a peer runs as: %v", err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		r.tb.Fatalf("looking for the user that a peer runs as: %v", err)
	}
	if err := os.Chown(r.Dir, int(uid), int(gid)); err != nil {
		r.tb.Fatalf("giving a peer its directory: %v", err)
	}
	r.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
