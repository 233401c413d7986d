package archtest

import (
	"path"
	"strings"
)

// A room is a folder, or a family of them, and what its code may import beside the
// standard library and lib/crew. Adding a folder means adding a row to rooms.
type room struct {
	path      string   // "lib/probe/*": one name for each *; "contrib/...": all below
	rooms     []string // of this tree, by the same patterns
	libraries []string // module paths or the beginnings of them
	banned    []string // packages of the standard library
	instead   string   // what to do, and the rule
}

// rooms is the plan of the house. The first row that matches a folder is its own.
var rooms = []room{
	{
		path: "lib/metric", banned: doingIO,
		instead: "metric is data: it imports the standard library only and does no I/O (rule 1)",
	},
	{
		path:  "lib/probe/*",
		rooms: []string{"lib/metric", "lib/secret", "lib/geo", "lib/burst", "lib/echo", "lib/promquery", "lib/resolvconf", "lib/keep"},
		libraries: []string{
			"github.com/gosnmp/gosnmp", "github.com/beevik/ntp", "github.com/miekg/dns",
			"github.com/facebook/time/ntp/chrony",
			"golang.org/x/net", "golang.org/x/sys",
		},
		banned:  []string{"log", "log/slog", "flag"},
		instead: "a probe only measures: state limits as data in Limits, put what happened into Result, take what another package knows as a function field (rule 2)",
	},
	{
		path: "lib/verdict", rooms: []string{"lib/metric"}, banned: doingIO,
		instead: "verdict judges samples and knows nothing else (rule 3)",
	},
	{
		path: "lib/check", rooms: []string{"lib/metric", "lib/verdict"},
		instead: "check runs any probe and knows none of them (rule 4)",
	},
	{
		path: "lib/schedule", rooms: []string{"lib/metric", "lib/verdict", "lib/check"},
		instead: "schedule and hoststate see outcomes only (rule 4)",
	},
	{
		path: "lib/hoststate", rooms: []string{"lib/metric", "lib/verdict", "lib/check"}, banned: doingIO,
		instead: "schedule and hoststate see outcomes only, and hoststate does no I/O (rule 4)",
	},
	{
		path: "lib/standing", rooms: []string{"lib/metric", "lib/verdict", "lib/check", "lib/hoststate"}, banned: doingIO,
		instead: "standing judges a fleet by outcomes; it asks nobody and tells nobody itself: take functions (rule 4)",
	},
	{
		path: "lib/selfcheck", rooms: []string{"lib/metric", "lib/verdict", "lib/check", "lib/resolvconf", "lib/keep"},
		libraries: []string{"github.com/miekg/dns", "github.com/beevik/ntp", "golang.org/x/net", "golang.org/x/sys"},
		instead:   "selfcheck judges the monitor itself; take what a probe measures as a function (rule 9)",
	},
	{
		path: "lib/vantage", rooms: []string{"lib/geo", "lib/metric", "lib/verdict", "lib/check", "lib/hoststate", "lib/promquery"},
		instead: "vantage makes votes of what an engine says; hoststate counts them",
	},
	{
		path: "lib/option", rooms: []string{"lib/metric", "lib/secret"}, libraries: []string{"github.com/alecthomas/kong"},
		instead: "option knows fields, not what they are for (rule 5)",
	},
	{
		path:      "lib/fleet",
		rooms:     []string{"lib/metric", "lib/check", "lib/option", "lib/secret", "lib/geo", "lib/maintenance", "lib/accesslog"},
		libraries: []string{"go.yaml.in/yaml/v4"},
		instead:   "fleet reads the inventory and binds checks it is given (rule 9)",
	},
	{
		path: "lib/nagios",
		rooms: []string{
			"lib/metric", "lib/verdict", "lib/check", "lib/schedule", "lib/hoststate",
			"lib/option", "lib/fleet", "lib/secret", "lib/version",
		},
		libraries: []string{"golang.org/x/sys"},
		instead:   presenter,
	},
	{
		path:      "lib/prom",
		rooms:     []string{"lib/metric", "lib/verdict", "lib/check", "lib/schedule", "lib/hoststate", "lib/option", "lib/version"},
		libraries: []string{"github.com/prometheus/"},
		instead:   presenter,
	},
	{
		path:    "lib/statusbar",
		rooms:   []string{"lib/metric", "lib/verdict", "lib/check", "lib/schedule", "lib/hoststate", "lib/option", "lib/version", "lib/keep"},
		instead: presenter,
	},
	{
		path: "lib/history", rooms: []string{"lib/metric", "lib/hoststate", "lib/sqlitefile"},
		instead: "history keeps what hoststate decided",
	},
	{
		path: "lib/generate", rooms: []string{"lib/option", "lib/metric"},
		instead: "generate spells what programs say of themselves; it knows no check and no file (rule 5)",
	},
	{
		path: "lib/tail", libraries: []string{"github.com/fsnotify/fsnotify", "golang.org/x/sys"},
		instead: "tail follows any file and knows nothing of squid",
	},
	{
		path: "lib/ledger", rooms: []string{"lib/metric", "lib/accesslog", "lib/tail", "lib/secret", "lib/sqlitefile"},
		libraries: []string{"github.com/jackc/pgx/v5"},
		instead:   "the ledger counts bytes and knows nothing of checks",
	},
	{
		path: "lib/cachemgr", rooms: []string{"lib/metric"},
		instead: "cachemgr asks squid and tells samples",
	},
	{path: "lib/accesslog", banned: doingIO, instead: "accesslog parses one line and does no I/O"},
	{path: "lib/geo", banned: doingIO, instead: onlyStandard},
	{path: "lib/smoke", instead: onlyStandard},
	{path: "lib/matrix", rooms: []string{"lib/geo"}, instead: "matrix shows paths and asks nobody for them"},
	{path: "lib/trips", banned: doingIO, instead: onlyStandard},
	{path: "lib/burst", banned: doingIO, instead: onlyStandard},
	{path: "lib/promquery", rooms: []string{"lib/secret"}, instead: "promquery asks for a number and knows nothing of checks"},
	{path: "lib/echo", libraries: []string{"golang.org/x/sys"}, instead: "echo sends and hears packets, and knows nothing of what they tell"},
	{path: "lib/resolvconf", instead: onlyStandard},
	{path: "lib/sqlitefile", rooms: []string{"lib/keep"}, libraries: []string{"modernc.org/sqlite"}, instead: "sqlitefile looks after files and does not know what is in them"},
	{path: "lib/keep", instead: onlyStandard},
	{path: "lib/maintenance", rooms: []string{"lib/keep"}, instead: "maintenance knows windows and a file, and no host's state"},
	{path: "lib/control", instead: onlyStandard},
	{path: "lib/crew", instead: onlyStandard},
	{path: "lib/secret", instead: onlyStandard},
	{path: "lib/systemd", instead: onlyStandard},
	{path: "lib/version", instead: onlyStandard},
	{
		path:      "lib/peers",
		libraries: []string{"github.com/gosnmp/gosnmp", "github.com/beevik/ntp", "github.com/miekg/dns", "github.com/jackc/pgx/v5"},
		instead:   "peers starts servers and knows nothing of checks",
	},
	{
		path: "lib/plugintest", rooms: []string{"lib/nagios", "lib/peers"},
		instead: "plugintest sees of a plugin what Nagios sees",
	},
	{path: "lib/archtest", instead: onlyStandard},
	{
		path: "plugins/*", rooms: []string{"lib/metric", "lib/check", "lib/nagios", "lib/probe/*"},
		instead: "a plugin is its probe in nagios.Main, and no more (rule 9)",
	},
	{
		path: "exporter", rooms: []string{"lib/*", "lib/probe/*"}, libraries: []string{"github.com/prometheus/"},
		instead: "the exporter puts rooms together: what needs a library of its own is a room",
	},
	{
		path: "contrib/lab", rooms: []string{"lib/geo"}, libraries: []string{"golang.org/x/sys"},
		instead: "the lab is a world, and what watches it runs as programs",
	},
	{path: "contrib/...", rooms: []string{"lib/*"}, instead: "what serves other systems goes through lib"},
	{path: "packaging/...", rooms: []string{"lib/*"}, instead: "what serves other systems goes through lib"},
}

const (
	presenter    = "a presenter decides nothing: take []check.Outcome, and iter.Seq[metric.Sample] for what is no check (rule 6)"
	onlyStandard = "this room needs the standard library only"
)

// doingIO is what a room that computes has no use for.
var doingIO = []string{"io", "log", "log/slog", "net", "net/http", "os", "os/exec", "syscall"}

// private are the packages and libraries that few may import, whatever their room says.
var private = []struct {
	what    string
	by      []string // nil = no room at all
	instead string
}{
	{"lib/peers", []string{"lib/plugintest"}, "only tests start servers"},
	{"lib/plugintest", nil, "only the plugins' tests need it"},
	{"lib/archtest", nil, "only its own test needs it"},
	{"github.com/alecthomas/kong", []string{"lib/option"}, "go through lib/option (rule 5)"},
	{"github.com/prometheus/client_golang", []string{"lib/prom", "exporter"}, "hand samples to lib/prom (rule 7)"},
}

// roomOf is the row of a folder.
func roomOf(folder string) (room, bool) {
	for _, r := range rooms {
		if matches(r.path, folder) {
			return r, true
		}
	}
	return room{}, false
}

func anyMatches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

func matches(pattern, name string) bool {
	if above, below := strings.CutSuffix(pattern, "/..."); below {
		return name == above || strings.HasPrefix(name, above+"/")
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
