package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// identity is which file, whatever its name.
type identity struct{ device, inode uint64 }

// A sighting is a file of a log as a directory shows it.
type sighting struct {
	identity
	path, log string
	size      int64
	modified  time.Time
}

// live says that the file has the name that is written to.
func (s sighting) live() bool { return s.path == s.log }

// written says that nothing but the log itself can have the file's name.
func (s sighting) written() bool { return s.live() && !inside.MatchString(s.path) }

// rotated is what logrotate and squid append to a log's name.
var rotated = regexp.MustCompile(`([.-][0-9][0-9TZ:_.-]*)?(\.gz)?$`)

// inside is the same where the name's extension comes last, as logrotate's directive
// "extension" has it: access.1.log, access-20261123.log.gz.
var inside = regexp.MustCompile(`^(.*[^/])([.-][0-9]{8}[0-9TZ:_.-]*|\.[0-9]{1,4})(\.[^./0-9][^./]*?)(\.gz)?$`)

// age orders rotated files that were written last at the same moment, the oldest
// first: of numbers the highest is the oldest, of dates the lowest.
func (s sighting) age() int64 {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, strings.TrimPrefix(filepath.Base(s.path), strings.TrimSuffix(filepath.Base(s.log), filepath.Ext(s.log))))
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1e6 {
		return -n
	}
	return n
}

// unread are the compressions that are told from a log and not understood.
var unread = []string{".xz", ".bz2", ".zst", ".lz4"}

// list is the files that the patterns mean and the rotated ones beside them,
// each file once. troubles are by path what cannot be a log.
func list(patterns []string) (found []sighting, troubles map[string]error) {
	troubles = map[string]error{}
	seen := map[identity]bool{}
	for _, pattern := range patterns {
		for _, path := range candidates(pattern) {
			log := logOf(pattern, path)
			if log == "" {
				if end := filepath.Ext(path); slices.Contains(unread, end) && logOf(pattern, strings.TrimSuffix(path, end)) != "" {
					troubles[path] = fmt.Errorf("following %q: only gzip is understood: gunzip it or let logrotate compress with gzip", path)
				}
				continue
			}
			s, err := look(path)
			switch {
			case os.IsNotExist(err):
				continue // renamed meanwhile
			case err != nil:
				troubles[path] = err
				continue
			}
			if s.log = log; !seen[s.identity] {
				seen[s.identity] = true
				found = append(found, s)
			}
		}
	}
	return found, troubles
}

// candidates is every path that may be of a pattern's logs. The live ones come first.
func candidates(pattern string) []string {
	// New has tried the pattern: there is no other error.
	live, _ := filepath.Glob(pattern)
	stem := strings.TrimSuffix(pattern, filepath.Ext(pattern))
	if checkPatterns([]string{stem}) != nil { // the dot was one of a wildcard's
		stem = pattern
	}
	beside, _ := filepath.Glob(stem + "*")
	return append(live, beside...)
}

// logOf is the log that path is a generation of; "" if it is none of pattern's.
func logOf(pattern, path string) string {
	matches := func(p string) bool { return matched([]string{pattern}, p) }
	if log := path[:rotated.FindStringIndex(path)[0]]; log != path && matches(log) {
		return log
	}
	if m := inside.FindStringSubmatch(path); m != nil && matches(m[1]+m[3]) {
		// Squid's workers write access.1.log themselves where a wildcard means them.
		if dated := len(m[2]) > 5; dated || !matches(path) {
			return m[1] + m[3]
		}
	}
	if matches(path) {
		return path
	}
	return ""
}

// Logs is the logs that files are generations of, as far as their names tell: of
// access.log.2.gz it is access.log, and of access.2.log only if that is among them.
func Logs(paths []string) []string {
	given := func(log string) bool { return slices.Contains(paths, log) }
	logs := slices.Clone(paths)
	for i, path := range paths {
		log := path[:rotated.FindStringIndex(path)[0]]
		end := path[len(log):]
		if m := inside.FindStringSubmatch(path); m != nil && (end == "" || end == ".gz") {
			log, end = m[1]+m[3], m[2]
			if !given(log) && len(end) <= 5 {
				continue // a worker's own
			}
		}
		if given(log) || strings.HasPrefix(end, ".") || len(end) >= len("-20261123") {
			logs[i] = log
		}
	}
	return logs
}

// matched says that one of the patterns means the path.
func matched(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := filepath.Match(p, path)
		return ok
	})
}

// cleaned is the patterns in one spelling each: what Glob finds is spelled so.
func cleaned(patterns []string) []string {
	var all []string
	for _, p := range patterns {
		all = append(all, filepath.Clean(p))
	}
	return all
}

// look refuses everything but regular files: who may write into the log's
// directory must not make us read another file, or wait for a FIFO.
func look(path string) (sighting, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return sighting{}, err
	}
	return sightingOf(path, info)
}

func sightingOf(path string, info os.FileInfo) (sighting, error) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || !ok {
		return sighting{}, fmt.Errorf("following %q: it is %s, not a regular file: name the file itself", path, article(info.Mode()))
	}
	return sighting{
		identity: identity{stat.Dev, stat.Ino},
		path:     path,
		size:     info.Size(),
		modified: info.ModTime(),
	}, nil
}

// article names what is no regular file.
func article(mode os.FileMode) string {
	switch mode.Type() {
	case os.ModeDir:
		return "a directory"
	case os.ModeSymlink:
		return "a symbolic link"
	case os.ModeNamedPipe:
		return "a FIFO"
	case os.ModeSocket:
		return "a socket"
	default:
		return "a device"
	}
}

// checkPatterns refuses what Glob would refuse later.
func checkPatterns(patterns []string) error {
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return fmt.Errorf("reading the pattern %q: %w", p, err)
		}
	}
	return nil
}
