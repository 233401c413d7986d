package generate

import (
	"strings"
	"testing"
	"time"

	"milepost/lib/option"
)

func plugin() option.Program {
	return option.Program{
		Name: "check_tide", About: "How high the water is.",
		Options: []option.Described{
			{Name: "hostname", Short: "H", Help: "Host to check.", Placeholder: "HOST", Repeats: true, Common: true},
			{Name: "warning", Short: "w", Help: "Warn if it's outside. Ends count.", Placeholder: "RANGE", Default: "-5:5"},
			{Name: "source", Help: "Who tells; \\ is none.", Placeholder: "gauge|moon|NAME"},
			{Name: "password-file", Help: "File with the password.", Placeholder: "FILE", Env: []string{"TIDE"}},
			{Name: "precise", Help: "Look twice.", Switch: true},
		},
	}
}

func TestEachSpelling(t *testing.T) {
	p := plugin()
	m := Manual{Version: "1.2", Date: time.Unix(0, 0), Plugins: []option.Program{p}}
	page := m.Plugin(p, "# check_tide\n\n## Name\n\ncheck_tide - how high\n\n## Options\n\n.dot `-w -5:5`, *often* and [more](https://x.test/)\n\n| Option | What |\n| --- | --- |\n| `-H, --hostname=HOST` | old |\n\n## States\n\n| State | When |\n| --- | --- |\n| OK | a \\| b |\n\n```text\n.raw 'x'\n```\n\n- one\n  two\n")
	inventory := m.Inventory("milepost.yml", "<!-- checks -->")
	exporter := option.Program{Name: "tides", Commands: []option.Program{{Name: "serve", About: "Serve."}, {Name: "look", Operands: "HOST", About: "Look.", Options: p.Options[1:]}}}
	for _, tt := range []struct{ situation, text, want string }{
		{"the head has the release and its date", page, ".TH CHECK_TIDE 1 1970-01-01 \"milepost 1.2\" \"milepost\"\n"},
		{"the table of options is the model's", page, ".TP\n\\fB\\-w\\fR, \\fB\\-\\-warning\\fR=\\fIRANGE\\fR\nWarn if it\\(aqs outside. Ends count. Default: \\fI\\-5:5\\fR.\n"},
		{"a variable of the environment", page, "Environment: \\fBTIDE\\fR.\n"},
		{"a backslash is one", page, "Who tells; \\e is none.\n"},
		{"a line that begins with a dot is text", page, "\\&.dot \\fB\\-w \\-5:5\\fR, \\fIoften\\fR and more <https://x.test/>\n"},
		{"so it is in a block", page, ".RS 4\n.nf\n\\&.raw \\(aqx\\(aq\n.fi\n.RE\n"},
		{"a row of another table, a bar in it", page, ".TP\nOK\na | b\n"},
		{"a list", page, ".IP \\(bu 3\none\ntwo\n"},
		{"other pages, not itself", page, ".SH SEE ALSO\n.BR milepost\\-exporter (1),\n.BR milepost.yml (5)\n"},
		{"the inventory's key", inventory, ".TP\n\\fBpassword_file\\fR: \\fIFILE\\fR\n"},
		{"a command of the exporter", m.Exporter(exporter, "<!-- commands -->"), ".SS look HOST\nLook.\n"},
		{"Nagios: an address", NagiosCommands(p), "\tcommand_name\tmilepost_tide\n\tcommand_line\t/usr/lib/nagios/plugins/check_tide -v -H '$HOSTADDRESS$' $ARG1$\n"},
		{"Nagios: the inventory", NagiosCommands(p), "\tcommand_name\tmilepost_tide_fleet\n\tcommand_line\t/usr/lib/nagios/plugins/check_tide -v --fleet /etc/milepost/milepost.yml --fleet-host '$HOSTNAME$' $ARG1$\n"},
		{"NRPE: fixed arguments", NRPECommand(p), "command[milepost_tide]=/usr/lib/nagios/plugins/check_tide -v --fleet /etc/milepost/proxy.yml\n"},
		{"Icinga: a value", CheckCommand(p), "\t\t\"--warning\" = {\n\t\t\tvalue = \"$milepost_tide_warning$\"\n"},
		{"Icinga: a switch", CheckCommand(p), "\t\t\"--precise\" = {\n\t\t\tset_if = \"$milepost_tide_precise$\"\n"},
		{"Icinga: a backslash", CheckCommand(p), `description = "Who tells; \\ is none."`},
		{"bash: words of an enumeration, names that stand for others left out", Bash(p), "'':--source) mapfile -t COMPREPLY < <(compgen -W 'gauge moon' -- \"$cur\"); return ;;\n"},
		{"bash: a file", Bash(p), "'':--password-file) _filedir; return ;;\n"},
		{"zsh: an apostrophe, the first sentence only", Zsh(p), `'(-w --warning)--warning=[Warn if it'\''s outside]:range: '`},
		{"fish: an apostrophe", Fish(p), `complete -c check_tide -s w -l warning -x -d 'Warn if it\'s outside'` + "\n"},
	} {
		if !strings.Contains(tt.text, tt.want) {
			t.Errorf("%s: no %q in\n%s", tt.situation, tt.want, tt.text)
		}
	}
	if strings.Contains(inventory, "hostname") {
		t.Error("options that every check has on its command line are no keys of the inventory")
	}
	if p.Local = true; strings.Contains(NRPECommand(p), "--fleet") || strings.Contains(NagiosCommands(p), "HOSTADDRESS") {
		t.Error("a check of this machine itself is given a host")
	}
	if p.Afar = true; NRPECommand(p) != "" {
		t.Error("NRPE has a command that does not know where it looks from")
	}
}
