package fleet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"milepost/lib/geo"
)

// What DNS carries of a name, in bytes as it is written (RFC 1035, 2.3.4).
const (
	addressLimit = 253
	labelLimit   = 63
)

// nameLimit is what a host may be called, in bytes: a file's name with something added.
const nameLimit = 200

// judgeNames refuses what a host cannot be called, and what no resolver could look up.
// A name that stands for the address too must be both.
func judgeNames(id Identity, given map[string]value) {
	if strings.TrimSpace(id.Name) != "" {
		if fault := wrongName(id.Name); fault != "" {
			given["name"].fault("host %q: name %s", id.Name, fault)
		} else if fault := wrongAddress(id.Name); fault != "" && id.Address == "" {
			given["name"].fault("host %q: the name is its address too, which %s; or give an address", id.Name, fault)
		}
	}
	if fault := wrongAddress(id.Address); fault != "" && id.Address != "" {
		given["address"].fault("host %q: address %q %s", id.Name, withoutUser(id.Address), fault)
	}
}

// virtualizations are the kinds that there is advice for, as systemd-detect-virt(1)
// calls them, and as people do.
func virtualizations() []string {
	return []string{
		"xen", "openvz", "virtuozzo", "lxc", "lxc-libvirt", "docker", "podman", "systemd-nspawn", "kvm", "qemu", "amazon",
		"vmware", "microsoft", "hyperv", "hyper-v", "none", "oracle", "parallels", "bhyve", "apple", "google", "uml", "zvm", "powervm",
	}
}

// judgeKinds refuses what is one of a list and is not in it.
func judgeKinds(id Identity, given map[string]value) {
	if v := id.Virtualization; v != "" && !slices.Contains(virtualizations(), strings.ToLower(v)) {
		given["virtualization"].fault("host: virtualization %q is none that is known%s", v, nearest(v, "kinds", virtualizations()))
	}
	if c := id.Country; c != "" && !geo.IsCountry(c) {
		given["country"].fault("host: country %q is no ISO 3166-1 code and no name of one: write two letters, such as US", c)
	}
}

// wrongName is what is wrong with what a host is called; "" if nothing. Names are parts
// of files' names, of paths of URLs and of lines.
func wrongName(name string) string {
	switch {
	case len(name) > nameLimit:
		return fmt.Sprintf("has %d bytes: the most is %d", len(name), nameLimit)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has a control character"
	case strings.ContainsAny(name, `/\`):
		return "has a slash"
	case strings.HasPrefix(name, "."):
		return "begins with a dot"
	}
	return ""
}

// wrongAddress is what is wrong with a name or an IP address; "" if nothing.
func wrongAddress(address string) string {
	if _, err := netip.ParseAddr(address); err == nil {
		return ""
	}
	if _, rest, ok := strings.Cut(address, "://"); ok {
		host, _, _ := strings.Cut(withoutUser(rest), "/")
		return fmt.Sprintf("has a scheme: write the host alone, %s", alone(host))
	}
	name := strings.TrimSuffix(address, ".")
	switch {
	case strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "has a blank"
	case strings.Contains(address, "@"):
		return "has a user before it: write the host alone"
	case strings.Contains(address, "/"):
		return "has a slash: write one host, no path and no network"
	case alone(address) != address:
		return fmt.Sprintf("has a port or brackets: write the host alone, %s; a port is an option of a check", alone(address))
	case strings.Contains(address, ":"):
		return "is no IPv6 address"
	case strings.Trim(address, "0123456789.") == "":
		return "is no IPv4 address"
	case len(name) > addressLimit:
		return fmt.Sprintf("has %d characters: the most is %d", len(name), addressLimit)
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return "has two dots where one belongs, or begins with one"
		}
		if len(label) > labelLimit {
			return fmt.Sprintf("has more than %d characters between two dots", labelLimit)
		}
	}
	return ""
}

// withoutUser is an address without what stands before an @: it may be a password.
func withoutUser(address string) string { return address[strings.LastIndex(address, "@")+1:] }

// alone is a host without port and brackets.
func alone(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return host
}
