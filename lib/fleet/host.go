package fleet

import (
	"fmt"
	"strings"

	"milepost/lib/option"
)

// An identityReader reads who and where a host is. One reads all hosts: to make
// the options anew for each of ten thousand would take seconds.
type identityReader struct {
	id      *Identity
	options *option.Options
}

func newIdentityReader() identityReader {
	var id Identity
	return identityReader{&id, option.New(&id)}
}

// read returns the host, without its checks, and the values of the keys it has.
func (r identityReader) read(item value) (h Host, given map[string]value) {
	*r.id = Identity{}
	h.Labels = map[string]string{}
	given = map[string]value{}
	for _, e := range item.entries("host") {
		given[e.key] = e.value
		switch e.key {
		case "checks":
		case "labels":
			labels(h.Labels, e)
		default:
			e.put(r.options, "host", "checks", "labels")
		}
	}
	h.Identity = *r.id
	judgeNames(h.Identity, given)
	judgeKinds(h.Identity, given)
	if h.Address == "" {
		h.Address = h.Name
	}
	h.Located = both(item, fmt.Sprintf("host %q", h.Name), given, h.Latitude, h.Longitude)
	return h, given
}

func labels(dst map[string]string, e entry) {
	for _, l := range e.entries("labels") {
		text, ok := l.text()
		if !ok {
			l.fault("label %q: one value is expected", l.key)
		}
		switch {
		case strings.HasPrefix(l.key, "__"):
			l.name.fault("label %q: names that begin with __ are Prometheus' own", l.key)
		case l.key == "host":
			l.name.fault("label %q is the host's name already: call it otherwise", l.key)
		}
		dst[l.key] = text
	}
}

// settings puts the options of one check of a host: what the inventory says to all
// hosts (base, own are the two "checks" mappings), then what it says to this one.
// It returns false if the host does not have the check.
func settings(name string, base, own map[string]value, o *option.Options) bool {
	b, inBase := base[name]
	h, inOwn := own[name]
	if !inBase && !inOwn || inOwn && h.off() || !inOwn && b.off() {
		return false
	}
	for _, from := range []value{b, h} {
		if from.node == nil || from.off() {
			continue
		}
		for _, e := range from.entries(name) {
			e.put(o, name)
		}
	}
	return true
}
