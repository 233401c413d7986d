package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ofTheFleet are the keys of billing that are secrets, or ways to others.
var ofTheFleet = [...]string{"publish", "publish_password_file", "pseudonym_key_file", "server"}

// Excerpt is the inventory at path as one host may have it: the host with its checks, the
// defaults of these, and how its squid is counted. Nothing of other hosts, no way to the
// fleet's ledger, no key. What stands in it stands as it stood.
func Excerpt(path, host string) (string, error) {
	text, err := read(path)
	if err != nil {
		return "", err
	}
	doc, top := parse(path, text)
	if len(doc.faults) > 0 {
		return "", errors.Join(doc.faults...)
	}
	all := index(top.entries("inventory"))
	var names []string
	for _, item := range list(all["hosts"], "hosts") {
		fields := index(item.entries("host"))
		name, _ := scalar(fields["name"])
		if names = append(names, name); name != host {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "# %s, from the fleet's inventory: milepost-exporter generate proxy\n", flow(fields["name"]))
		excerptDefaults(&b, all["defaults"], index(entriesOf(fields["checks"], "checks")))
		b.WriteString("hosts:\n  - " + flow(item) + "\n")
		excerptBilling(&b, all["billing"], fields["name"])
		return b.String(), errors.Join(doc.faults...)
	}
	return "", fmt.Errorf("inventory %q has no host %q%s", path, host, nearest(host, "hosts", names[:min(len(names), 20)]))
}

// excerptDefaults leaves out the checks that the host does not have.
func excerptDefaults(b *strings.Builder, defaults value, own map[string]value) {
	entries := entriesOf(defaults, "defaults")
	if len(entries) == 0 {
		return
	}
	b.WriteString("defaults:\n")
	for _, e := range entries {
		if e.key != "checks" {
			fmt.Fprintf(b, "  %s: %s\n", e.key, flow(e.value))
			continue
		}
		b.WriteString("  checks:\n")
		for _, c := range e.entries("checks") {
			if o, has := own[c.key]; !has || !o.off() {
				fmt.Fprintf(b, "    %s: %s\n", c.key, flow(c.value))
			}
		}
	}
}

func excerptBilling(b *strings.Builder, billing, name value) {
	entries := entriesOf(billing, "billing")
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(b, "billing:\n  server: %s\n", flow(name))
	for _, e := range entries {
		if !slices.Contains(ofTheFleet[:], e.key) && !(e.key == "ledger" && strings.Contains(flow(e.value), "://")) {
			fmt.Fprintf(b, "  %s: %s\n", e.key, flow(e.value))
		}
	}
}

// flow is a value as YAML in flow style, with the aliases in it resolved. It is JSON
// but for numbers, which stand as they stood.
func flow(v value) string {
	if v.null() {
		return "null"
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		var all []string
		for _, e := range v.entries("mapping") {
			all = append(all, text(e.key)+": "+flow(e.value))
		}
		return "{" + strings.Join(all, ", ") + "}"
	case yaml.SequenceNode:
		var all []string
		for _, item := range v.items("list") {
			all = append(all, flow(item))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	switch v.node.ShortTag() {
	case "!!int", "!!float", "!!bool":
		return v.node.Value
	}
	s, _ := v.text()
	return text(s)
}

// text is a double-quoted scalar, which YAML 1.2 and JSON write alike.
func text(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return `""` // no string of Go fails
	}
	return string(quoted)
}
