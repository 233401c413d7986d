package archtest

import (
	"slices"
	"strings"
)

// imports holds what a folder imports against its room: rules 1 to 7, 9 and 11.
func imports(p folder) []Breach {
	r, known := roomOf(p.path)
	if !known {
		return []Breach{p.files[0].at(p.files[0].Name, "%s is no known room: put the code where it belongs, or add a row to rooms in lib/archtest/rooms.go that says what it may import (rule 11)", p.path)}
	}
	var all []Breach
	for _, f := range p.files {
		for _, spec := range f.Imports {
			name := imported(spec)
			if instead := forbidden(r, f, name); instead != "" {
				all = append(all, f.at(spec, "%s imports %s: %s", p.path, name, instead))
			}
		}
	}
	return all
}

// forbidden is why f, a file of r, may not import the package called name, and what
// to do instead; "" if it may.
func forbidden(r room, f file, name string) string {
	ours, own := strings.CutPrefix(name, module+"/")
	for _, p := range private {
		if (ours == p.what || begins(name, p.what)) && !slices.Contains(p.by, r.path) {
			return p.instead
		}
	}
	switch {
	case own && ours == "lib/crew":
		return ""
	case own && matches("lib/probe/*", ours) && anyMatches(r.rooms, ours):
		return meeting(f)
	case own && anyMatches(r.rooms, ours):
		return ""
	case !own && standard(name) && !slices.Contains(r.banned, name):
		return ""
	case !own && slices.ContainsFunc(r.libraries, func(library string) bool { return begins(name, library) }):
		return ""
	}
	return r.instead
}

// meeting is why f is no place where a probe meets the rest; "" if it is one.
func meeting(f file) string {
	if f.path == "exporter/checks.go" || matches("plugins/*/main.go", f.path) {
		return ""
	}
	return "a probe meets the rest in its plugin's main.go and in exporter/checks.go only (rule 9)"
}

// standard says that the package called name comes with Go: the first part of every
// other path is a domain, or this module.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first != module && !strings.Contains(first, ".")
}

// begins says that the package called name is library or is in it.
func begins(name, library string) bool {
	return name == library || strings.HasPrefix(name, strings.TrimSuffix(library, "/")+"/")
}
