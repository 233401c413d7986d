package generate

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// What Nagios refuses in the name of an object (illegal_object_name_chars in Debian's
// nagios.cfg), and what ends a value in its files.
const nagiosIllegal = "`~!$%^&*|'\"<>?,()=;{}\\"

// NagiosObjects are hosts, their groups and services. A service runs its plugin with the
// inventory, so that Nagios and the exporter hold the same limits. The templates
// milepost-host and milepost-service, which come with them, name the contact group
// admins and the timeperiod 24x7, as Debian's nagios4 has them.
func NagiosObjects(inv Inventory) (string, error) {
	o := nagiosObjects{file: inv.File, defined: map[string]bool{}, members: map[string][]string{}}
	o.b.WriteString("# Made from " + strings.Map(plain, inv.File) + " by milepost-exporter generate nagios.\n\n")
	minutes := fmt.Sprint(max(1, int(inv.Interval.Minutes())))
	for _, template := range []string{"host", "service"} {
		o.define(template, "name", "milepost-"+template, "max_check_attempts", "3", "check_interval", minutes, "retry_interval", "1",
			"check_period", "24x7", "notification_period", "24x7", "notification_interval", "60", "contact_groups", "admins", "register", "0")
	}
	for _, h := range inv.Hosts {
		for _, named := range [][2]string{{"host", h.Name}, {"address", h.Address}, {"group", h.Group}} {
			what, name := named[0], named[1]
			if strings.ContainsAny(name, nagiosIllegal) || strings.ContainsFunc(name, unicode.IsControl) {
				return "", fmt.Errorf("%s %q: Nagios takes no name with any of %s", what, name, nagiosIllegal)
			}
		}
		o.host(h)
	}
	for _, g := range o.groups {
		o.define("hostgroup", "hostgroup_name", "milepost-"+g, "alias", g, "members", strings.Join(o.members[g], ","))
	}
	return o.b.String(), nil
}

// nagiosObjects are objects of Nagios while they are written.
type nagiosObjects struct {
	b       strings.Builder
	file    string          // the inventory
	defined map[string]bool // commands
	groups  []string        // in the order of the inventory
	members map[string][]string
}

func (o *nagiosObjects) host(h Host) {
	directives := []string{"use", "milepost-host", "host_name", h.Name, "address", h.Address}
	if place := h.place(); place != "" {
		directives = append(directives, "alias", strings.Map(plain, place))
	}
	if slices.ContainsFunc(h.Checks, func(c Check) bool { return c.Kind == "packet_loss" }) {
		directives = append(directives, "check_command", Prefix+"inventory_packet_loss")
	}
	o.define("host", directives...)
	if h.Group != "" {
		if o.members[h.Group] == nil {
			o.groups = append(o.groups, h.Group)
		}
		o.members[h.Group] = append(o.members[h.Group], h.Name)
	}
	for _, c := range h.Checks {
		o.define("service", "use", "milepost-service", "host_name", h.Name,
			"service_description", strings.ReplaceAll(c.Kind, "_", " "), "check_command", o.command(c))
	}
}

// command is the one that runs c; it is written when it is met first.
func (o *nagiosObjects) command(c Check) string {
	if c.Inside {
		return "check_nrpe!" + Prefix + c.Kind
	}
	name := Prefix + "inventory_" + c.Kind
	if !o.defined[name] {
		o.defined[name] = true
		o.b.WriteString(nagiosCommand(name, command(c.Kind, o.file)+" '$HOSTNAME$'"))
	}
	return name
}

// define is an object: directives and their values in turn.
func (o *nagiosObjects) define(what string, directives ...string) {
	fmt.Fprintf(&o.b, "define %s {\n", what)
	for i := 0; i+1 < len(directives); i += 2 {
		fmt.Fprintf(&o.b, "\t%s\t%s\n", directives[i], directives[i+1])
	}
	o.b.WriteString("}\n")
}
