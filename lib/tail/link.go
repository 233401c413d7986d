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
		before, err := os.Lstat(path)
		if strings.ContainsAny(path, `*?[\`) || err != nil || before.Mode().Type() != os.ModeSymlink {
			return path, nil
		}
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // it is gone meanwhile
		}
		after, err := os.Lstat(path)
		if err != nil || !os.SameFile(before, after) || !ours(before) || strings.ContainsAny(target, `*?[\`) {
			return path, fmt.Errorf("following %q: it is a symbolic link that neither root nor this user made: name the file itself, or chown -h root %s", path, path)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = filepath.Clean(target)
	}
	return path, fmt.Errorf("following %q: more than %d symbolic links lead on: name the file itself", pattern, maxLinks)
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
