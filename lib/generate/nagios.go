package generate

import (
	"fmt"
	"strings"

	"milepost/lib/option"
)

// InventoryFile is the file that commands take hosts, options and limits from.
const InventoryFile = "/etc/milepost/milepost.yml"

// ProxyInventory is its excerpt for one proxy, which has no secrets of others.
const ProxyInventory = "/etc/milepost/proxy.yml"

// NagiosCommands are two commands for a plugin: milepost_clock_offset takes more
// options as its first argument, milepost_clock_offset_fleet takes everything from
// the inventory, where the host is known by its name. -v fills the long output.
func NagiosCommands(p option.Program) string {
	line := PluginDir + "/" + p.Name + " -v"
	host := " -H '$HOSTADDRESS$'"
	if p.Local {
		host = ""
	}
	return nagiosCommand(commandName(p), line+host+" $ARG1$") +
		nagiosCommand(commandName(p)+"_fleet", line+" --fleet "+InventoryFile+" --fleet-host '$HOSTNAME$' $ARG1$")
}

func nagiosCommand(name, line string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "define command {\n\tcommand_name\t%s\n\tcommand_line\t%s\n}\n", name, line)
	return b.String()
}

// NRPECommand is a command of NRPE with fixed arguments: Debian's NRPE passes none.
// What asks another host, or a server on this one, takes what it needs from the
// proxy's excerpt of the inventory. There is none for what looks from afar: the
// excerpt does not tell from where.
func NRPECommand(p option.Program) string {
	if p.Afar {
		return ""
	}
	line := PluginDir + "/" + p.Name + " -v"
	if !p.Local {
		line += " --fleet " + ProxyInventory
	}
	return fmt.Sprintf("command[%s]=%s\n", commandName(p), line)
}
