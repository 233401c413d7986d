package hostdrift

import (
	"fmt"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"

	"milepost/lib/resolvconf"
)

// overwrite is the command that makes a file of the host of these lines. What refuses to be
// written is made to: an immutable file, whose bit comes back unless it must not be, and a
// link, which would lead the lines to where another program writes them over.
func (m *measurement) overwrite(file string, lines ...string) string {
	name := shell(m.root.name(file))
	command := "printf '%s\\n' " + shell(lines...) + " >" + name
	if len(lines) == 0 {
		command = ": >" + name
	}
	if info, err := os.Lstat(m.root.name(file)); err == nil && info.Mode().Type() == os.ModeSymlink {
		return "rm " + name + " && " + command
	}
	if is, err := m.immutable(file); err != nil || !is {
		return command
	}
	command = "chattr -i " + name + " && " + command
	if !slices.Contains(m.Bits.NotImmutable, file) {
		command += " && chattr +i " + name
	}
	return command
}

// conf is the command that writes resolv.conf as it should be: what is expected, and what
// stands there where nothing is expected. Nameservers are those without the dead.
func (m *measurement) conf(f resolvconf.File, dead []netip.Addr) string {
	e := m.ResolvConf.Expected()
	servers, search, options := f.Nameservers, f.Search, f.Options
	if e.Nameservers != nil {
		servers = e.Nameservers
	}
	if e.Search != nil {
		search = e.Search
	}
	if e.Options != nil {
		options = e.Options
	}
	var lines []string
	for _, s := range servers {
		if !slices.Contains(dead, s) {
			lines = append(lines, "nameserver "+s.String())
		}
	}
	lines = append(lines, line("search", search)...)
	lines = append(lines, line("options", options)...)
	return m.overwrite(resolvconf.Path, lines...)
}

// line is the one with these words, if there are any.
func line(keyword string, words []string) []string {
	if len(words) == 0 || len(words) == 1 && words[0] == resolvconf.None {
		return nil
	}
	return []string{keyword + " " + strings.Join(words, " ")}
}

// alive is what to do about dead nameservers: leave them out, unless they are expected or
// there is no other. Then it is they who need help.
func (m *measurement) alive(f resolvconf.File, dead []netip.Addr) string {
	expected := m.ResolvConf.Expected().Nameservers
	needed := slices.ContainsFunc(dead, func(a netip.Addr) bool { return slices.Contains(expected, a) })
	switch {
	case !needed && len(expected) > 0:
		return "run " + m.conf(f, nil)
	case needed || len(dead) == len(f.Asked()):
		var asks []string
		for _, a := range dead {
			asks = append(asks, "check_resolver -v -H "+a.String())
		}
		return "see why with " + strings.Join(asks, ", ") + ", and start it again"
	default:
		return "run " + m.conf(f, dead)
	}
}

// restore is the command that brings a missing file back and makes it immutable. What
// nobody expects anything of comes from its package, or from whoever wrote it.
func (m *measurement) restore(file string) string {
	name := shell(m.root.name(file))
	set := " && chattr +i " + name
	switch {
	case file == hostnameFile && m.ExpectHostname != "":
		return "run " + m.overwrite(file, m.ExpectHostname) + set
	case file == resolvconf.Path && m.ResolvConf.ExpectNameserver != nil:
		return "run " + m.conf(resolvconf.File{}, nil) + set
	case strings.HasPrefix(path.Base(file), ".pve-ignore."): // which is empty
		return "run touch " + name + set
	}
	// dpkg says "package: file". No pipe: it would end the line that is told.
	install := fmt.Sprintf(`p=$(dpkg -S %s) && apt-get -o Dpkg::Options::=--force-confmiss install --reinstall "${p%%%%:*}"`, shell(file))
	if m.root != "" {
		install = m.root.command("sh -c " + shell(install))
	}
	return "run " + install + set + ", or put it back from a backup if no package has it"
}

// decide are the commands for packages that nobody decided on: those let them stay, or make
// them go but for what the system needs.
func (m *measurement) decide(unlisted []string, vital map[string]bool) string {
	if len(unlisted) > most { // a command that the line's end cuts would do something else
		return fmt.Sprintf("-v names them all: append those that may stay to %s, and run %s with the rest", shell(m.Lists.Packages), m.root.command("apt-get purge"))
	}
	mend := "to let them stay run printf '%s\\n' " + shell(slices.Clone(unlisted)...) + " >>" + shell(m.Lists.Packages)
	can := slices.DeleteFunc(slices.Clone(unlisted), func(name string) bool { return vital[name] })
	if len(can) > 0 {
		mend += ", to be rid of them " + m.root.command("apt-get purge "+shell(can...))
	}
	return mend
}
