package generate

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"milepost/lib/metric"
)

// An Inventory is what other systems are told of a fleet.
type Inventory struct {
	File     string // its path, absolute: plugins read limits and options there
	Interval time.Duration
	Hosts    []Host
}

// A Host is one machine with its checks.
type Host struct {
	Name, Address, City, Country, Group string
	Checks                              []Check
}

// A Check is one of a host's.
type Check struct {
	Kind   string // "clock_offset"
	Inside bool   // only the host itself can see it: it is asked through NRPE
	Afar   bool   // the host itself cannot see it: NRPE is not asked
	Limits []metric.Limit
}

// place is where a host is, for people.
func (h Host) place() string {
	return strings.Trim(h.City+", "+h.Country, ", ")
}

// command is the command line of a check that takes everything from an inventory.
func command(kind, file string) string {
	return fmt.Sprintf("%s/check_%s -v --fleet %s --fleet-host", PluginDir, kind, shellQuoted(file))
}

// shellQuoted is a word of a POSIX shell.
func shellQuoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%") == "" && word != "" {
		return word
	}
	return quoted(word)
}

// plain is r where a line of a comment, or of a person's text, is written.
func plain(r rune) rune {
	if r == ';' || r == '{' || r == '}' || unicode.IsControl(r) {
		return ' '
	}
	return r
}

// IcingaObjects are hosts and services for Icinga 2, which run the CheckCommands of this
// package with the inventory. The exclamation mark parts a service's name from its host's,
// so that Icinga takes none in either, nor a name that is empty.
func IcingaObjects(inv Inventory) (string, error) {
	var b strings.Builder
	b.WriteString("// Made from " + strings.Map(plain, inv.File) + " by milepost-exporter generate icinga2.\n\n")
	interval := fmt.Sprintf("%ds", int(inv.Interval.Seconds()))
	fmt.Fprintf(&b, "template Service \"milepost\" {\n\tmax_check_attempts = 3\n\tcheck_interval = %s\n\tretry_interval = %s\n}\n\n", interval, interval)
	for _, h := range inv.Hosts {
		if h.Name == "" || strings.Contains(h.Name, "!") {
			return "", fmt.Errorf("host %q: Icinga takes no name that has a ! or is empty", h.Name)
		}
		name := icingaQuoted(h.Name)
		up := "\tcheck_command = \"dummy\"\n\tvars.dummy_state = 0\n"
		for _, c := range h.Checks {
			if c.Kind == "packet_loss" {
				up = "\tcheck_command = \"milepost_packet_loss\"\n" + icingaFleet(c.Kind, inv.File, h.Name)
			}
		}
		fmt.Fprintf(&b, "object Host %s {\n\taddress = %s\n\tvars.milepost_group = %s\n\tvars.milepost_place = %s\n%s}\n", name, icingaQuoted(h.Address), icingaQuoted(h.Group), icingaQuoted(h.place()), up)
		for _, c := range h.Checks {
			run := "\tcheck_command = \"milepost_" + c.Kind + "\"\n" + icingaFleet(c.Kind, inv.File, h.Name)
			if c.Inside {
				run = "\tcheck_command = \"nrpe\"\n\tvars.nrpe_command = \"milepost_" + c.Kind + "\"\n"
			}
			fmt.Fprintf(&b, "object Service %s {\n\timport \"milepost\"\n\thost_name = %s\n%s}\n", icingaQuoted(strings.ReplaceAll(c.Kind, "_", " ")), name, run)
		}
	}
	return b.String(), nil
}

func icingaFleet(kind, file, host string) string {
	// A dollar sign begins a macro; two are one.
	literal := strings.NewReplacer("$", "$$")
	return fmt.Sprintf("\tvars.milepost_%[1]s_fleet = %[2]s\n\tvars.milepost_%[1]s_fleet_host = %[3]s\n", kind,
		icingaQuoted(literal.Replace(file)), icingaQuoted(literal.Replace(host)))
}

// NRPECommands are those of one proxy, which has an excerpt of the inventory: that
// does not tell where a machine is that looks at others.
func NRPECommands(h Host) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# The checks of %s, as %s has them: milepost-exporter generate proxy --host makes it.\n", strings.Map(plain, h.Name), ProxyInventory)
	for _, c := range h.Checks {
		if c.Afar {
			continue
		}
		if strings.ContainsFunc(h.Name, unicode.IsControl) {
			return "", fmt.Errorf("host %q: a command of NRPE is one line", h.Name)
		}
		fmt.Fprintf(&b, "command[%s]=%s %s\n", Prefix+c.Kind, command(c.Kind, ProxyInventory), shellQuoted(h.Name))
	}
	return b.String(), nil
}

// HostsFile is hosts(5). A host whose address is a name stands in a comment: the name
// server knows it.
func HostsFile(inv Inventory) string {
	var b strings.Builder
	b.WriteString("# Made from " + strings.Map(plain, inv.File) + " by milepost-exporter generate hosts.\n")
	for _, h := range inv.Hosts {
		a, err := netip.ParseAddr(h.Address)
		switch {
		case err != nil || a.Zone() != "":
			fmt.Fprintf(&b, "# %s is %s\n", strings.Map(plain, h.Name), strings.Map(plain, h.Address))
		case strings.ContainsFunc(h.Name, unicode.IsSpace) || strings.Contains(h.Name, "#"):
			fmt.Fprintf(&b, "# %s %s\n", a, strings.Map(plain, h.Name))
		default:
			fmt.Fprintf(&b, "%s\t%s\n", a, h.Name)
		}
	}
	return b.String()
}
