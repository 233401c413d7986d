package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many links in a row are followed.
const maxLinks = 8

// Resolve is the log that a pattern means: where that is one path, and a symbolic link
// is there that root made or this process' own user, the path that it leads to. Any
// other link leads nowhere: who may write into the log's directory must not make us
// read another file, nor may a wildcard meet one. The error says so of a link that is
// not followed.
func Resolve(pattern string) (string, error) {
	path := filepath.Clean(pattern)
	for range maxLinks {
		target, safe := leadsTo(path)
		switch {
		case target == "":
			return path, nil
		case !safe:
			return path, fmt.Errorf("following %q: it is a symbolic link that neither root nor this user made: name the file itself, or chown -h root %s", path, path)
		case !filepath.IsAbs(target):
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = filepath.Clean(target)
	}
	return path, fmt.Errorf("following %q: more than %d symbolic links lead on: name the file itself", pattern, maxLinks)
}

// wild is what makes a path a pattern.
const wild = `*?[\`

// leadsTo is where the link at path leads, "" if none is there, and whether it may be
// followed: the link that was read must be the one whose maker is known.
func leadsTo(path string) (target string, safe bool) {
	before, err := os.Lstat(path)
	target, unread := os.Readlink(path)
	after, gone := os.Lstat(path)
	if unread != nil || strings.ContainsAny(path, wild) {
		return "", false
	}
	return target, err == nil && gone == nil && os.SameFile(before, after) && ours(before) && !strings.ContainsAny(target, wild)
}

// ours says that root or this process' own user made the file.
func ours(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || stat.Uid == uint32(os.Geteuid()))
}

// resolved is the logs that the patterns mean now: a link may lead elsewhere tomorrow.
func resolved(patterns []string) []string {
	var all []string
	for _, p := range patterns {
		path, _ := Resolve(p) // one that is not followed, list refuses
		all = append(all, path)
	}
	return all
}
