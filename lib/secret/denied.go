package secret

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// next is what to do about a file that this user may not open; "" where the group that may
// read it is not what is missing.
func next(path string) string {
	own, err := os.Getgroups()
	if err != nil {
		return ""
	}
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return ""
	}
	gid := int(s.Gid)
	if s.Mode&syscall.S_IRGRP == 0 || slices.Contains(append(own, os.Getegid()), gid) {
		return ""
	}
	group := strconv.Itoa(gid)
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	who, err := user.Current()
	if err != nil {
		return ""
	}
	listed, err := who.GroupIds()
	return join(group, who.Username, err == nil && slices.Contains(listed, strconv.Itoa(gid)))
}

// join is how a user comes into a group. A process has the groups that its user had when
// the session or the daemon that runs it began.
func join(group, who string, listed bool) string {
	if listed {
		return fmt.Sprintf(": its group is %s; %s is in it by now, but was not when this program's parent started: restart that", group, who)
	}
	return fmt.Sprintf(": its group is %[1]s, and %[2]s is not in it: run usermod -a -G %[1]s %[2]s, then restart what runs this as %[2]s", group, who)
}
