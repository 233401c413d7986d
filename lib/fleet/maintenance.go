package fleet

import (
	"maps"
	"slices"
	"time"

	"milepost/lib/maintenance"
	"milepost/lib/option"
)

// window is one entry of "maintenance" as it stands in the file.
type window struct {
	Hosts    []string `sep:"none"`
	Groups   []string `sep:"none"`
	Weekly   maintenance.Weekly
	From, To string
	Timezone string
	Reason   string
}

// maintenance reads the windows. The hosts are known by now.
func (r *reader) maintenance(f *Fleet, v value) {
	if v.node == nil {
		return
	}
	hosts, groups := map[string]bool{}, map[string]bool{}
	for _, h := range f.Hosts {
		hosts[h.Name], groups[h.Group] = true, h.Group != ""
	}
	for _, item := range v.items("maintenance") {
		faults := len(r.doc.faults)
		w := r.window(item, hosts, groups)
		if len(r.doc.faults) > faults {
			continue
		}
		if err := w.Validate(); err != nil {
			item.fault("maintenance: %v", err)
			continue
		}
		f.Maintenance = append(f.Maintenance, w)
	}
}

// window reads one window, and refuses what is wrong in it where it stands.
func (r *reader) window(item value, hosts, groups map[string]bool) maintenance.Window {
	in := window{Timezone: "UTC"}
	r.section(item, "maintenance", option.New(&in), nil)
	at := index(item.entries("maintenance"))
	w := maintenance.Window{Hosts: in.Hosts, Groups: in.Groups, Weekly: in.Weekly, Reason: in.Reason}
	var err error
	if w.Zone, err = maintenance.ParseZone(in.Timezone); err != nil {
		at["timezone"].fault("maintenance: timezone %v", err)
	}
	for name, moment := range map[string]*time.Time{"from": &w.From, "to": &w.To} {
		if text, ok := scalar(at[name]); ok {
			if *moment, err = maintenance.Time(text, w.Zone.Location()); err != nil {
				at[name].fault("maintenance: %s: %v", name, err)
			}
		}
	}
	for name, known := range map[string]map[string]bool{"hosts": hosts, "groups": groups} {
		for _, item := range listOf(at[name]) {
			if text, ok := item.text(); ok && !known[text] && (name != "hosts" || text != maintenance.All) {
				item.fault("maintenance: no host has %s %q%s", map[string]string{"hosts": "the name", "groups": "the group"}[name],
					text, nearest(text, name, slices.Sorted(maps.Keys(known))[:min(len(known), 20)]))
			}
		}
	}
	return w
}

// listOf is the members of a list, or the scalar that stands for a list of one.
func listOf(v value) []value {
	if v.node == nil {
		return nil
	}
	if _, ok := v.text(); ok {
		return []value{v}
	}
	return v.items("maintenance")
}
