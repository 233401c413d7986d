package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"milepost/lib/fleet"
	"milepost/lib/tail"
)

// notes are what check-config says of an inventory without faults: what billing will
// read, and what may surprise its owner.
func notes(f *fleet.Fleet) []string {
	all := billingNotes(f)
	if note := opinionNote(f); note != "" {
		all = append(all, "note: "+note)
	}
	if note := silentNote(f); note != "" {
		all = append(all, "note: "+note)
	}
	if note := referencesNote(f); note != "" {
		all = append(all, "note: "+note)
	}
	if note := crowdedNote(f); note != "" {
		all = append(all, "note: "+note)
	}
	if info, err := os.Stat(f.File); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		for _, exposed := range f.Inline() {
			all = append(all, fmt.Sprintf("warning: %v", exposed))
		}
	}
	if dir := f.Status.PublishDir; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			all = append(all, fmt.Sprintf("note: status.publish_dir: no directory %q is here: make it, or nothing is published", dir))
		}
	}
	return all
}

// billingNotes say which logs will be counted, and into what.
func billingNotes(f *fleet.Fleet) (all []string) {
	for _, glob := range f.Billing.AccessLog {
		// No fault: who may write into squid's directory must not keep the exporter from starting.
		glob, unfollowed := tail.Resolve(glob)
		found, _ := filepath.Glob(glob) // a bad pattern is a fault
		switch {
		case unfollowed != nil:
			all = append(all, fmt.Sprintf("warning: billing.access_log: nothing is counted of it: %v", unfollowed))
		case len(found) == 0:
			all = append(all, fmt.Sprintf("note: billing.access_log: no file is called %s here yet", glob))
		default:
			all = append(all, fmt.Sprintf("billing of %q: reads %s (%s)", serverName(f.Billing.Server), some(found), f.Billing.Format))
			for _, path := range found {
				if note := formatNote(path, f.Billing.Format); note != "" {
					all = append(all, note)
				}
			}
		}
	}
	return all
}

// crowdedNote says of which hosts more packets are sent in a round than are judged.
func crowdedNote(f *fleet.Fleet) string {
	var crowded []string
	judged := ""
	for _, h := range f.Hosts {
		for _, c := range h.Checks {
			if what := unjudged(c, f.Interval); what != "" {
				crowded, judged = append(crowded, h.Name), what
			}
		}
	}
	if judged == "" {
		return ""
	}
	return fmt.Sprintf("packet_loss of %s: only %s are judged and drawn: make the spacing longer, or the interval shorter", some(crowded), judged)
}

// enoughReferences is how many hosts a monitor should look for before it calls its own
// route dead: one or two may be down themselves.
const enoughReferences = 3

// referencesNote says that the monitor can hardly tell its own route from its hosts.
func referencesNote(f *fleet.Fleet) string {
	n := len(f.References.Ping)
	switch {
	case len(f.Hosts) == 0 || n >= enoughReferences:
		return ""
	case n == 0:
		return "references.ping names nobody: where this monitor's own route is dead, all hosts would look so: name three hosts of different networks"
	default:
		return fmt.Sprintf("references.ping has fewer than %d entries (%d): where those are down themselves, this monitor takes its route for dead", enoughReferences, n)
	}
}

// silentNote says which hosts are unknown to the public for ever: those of whose checks
// none tells up from down.
func silentNote(f *fleet.Fleet) string {
	var silent []string
	for _, h := range f.Hosts {
		if len(rolesOf(f, h).Down) == 0 {
			silent = append(silent, h.Name)
		}
	}
	if len(silent) == 0 {
		return ""
	}
	return fmt.Sprintf("%s will be shown as unknown for ever: no check of theirs is in status.down (%s), and none is packet_loss or asks the host itself",
		some(silent), strings.Join(slices.Sorted(slices.Values(f.Status.Down)), ", "))
}
