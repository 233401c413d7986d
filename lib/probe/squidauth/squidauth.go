// Package squidauth asks whether a user can reach a squid proxy, must
// authenticate there, and can fetch through it.
//
// One run asks three times. A request without credentials must be refused with
// 407, one with wrong credentials must be refused too, and one with the right
// credentials must fetch every URL. The wrong password is tried for the same
// user, just before the right one: squid answers right credentials from a cache
// for hours (credentialsttl) while its helper is dead, and a wrong password for a
// known user evicts them from it, so that the helper is really asked.
//
// Where the challenge offers Basic, Basic is used, as most clients do, and Digest
// where it is all that is offered. Where there was no challenge (NoCredentials is
// Skip), the first request carries Basic unasked.
//
// The name in a URL is the proxy's to resolve. This machine resolves it only after
// a failure, to say whose fault that is, and not even then if NoDirect is set.
//
// With ExpectExit the first URL is a canary, see canary.go for its protocol.
package squidauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"milepost/lib/metric"
	"milepost/lib/secret"
)

// Config is how to measure a proxy and what is allowed.
type Config struct {
	Proxy ProxyOptions `embed:""`
	Login LoginOptions `embed:""`
	Fetch FetchOptions `embed:""`

	Warning  metric.Range `short:"w" placeholder:"RANGE" help:"Warn when the time, in seconds, is outside this range."`
	Critical metric.Range `short:"c" placeholder:"RANGE" help:"Be critical when the time, in seconds, is outside this range."`

	Dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)        `kong:"-"` // nil = by TCP
	LookUp func(ctx context.Context, network, host string) ([]netip.Addr, error) `kong:"-"` // nil = this machine's resolver

	Memory *Memory `kong:"-"` // what proxies said to wrong credentials, for WrongEvery; nil = nothing is remembered
}

// ProxyOptions are the way to the proxy.
type ProxyOptions struct {
	Port       int    `short:"p" placeholder:"PORT" help:"Port of the proxy."`
	TLS        bool   `name:"tls" help:"Speak TLS to the proxy (squid's https_port)."`
	CAFile     string `name:"ca-file" placeholder:"FILE" help:"Trust these certificates (PEM), not the system's, for TLS with the proxy."`
	ServerName string `placeholder:"NAME" help:"Name that the proxy's certificate must have, if not the address given."`
}

// LoginOptions are who logs in, and what else is tried at the door.
type LoginOptions struct {
	User          string        `short:"u" placeholder:"USER" help:"User that logs in at the proxy: best one that does nothing else."`
	PasswordFile  secret.File   `placeholder:"FILE" help:"File whose first line is the password; others must not be able to read it."`
	Password      secret.Value  `hidden:"" env:"MILEPOST_PASSWORD" help:"Password, for the environment only: in argv everybody on this machine can read it."`
	NoCredentials Anonymous     `placeholder:"refused|allowed|skip" help:"What the proxy must do without credentials; skip does not ask. With allowed, wrong ones are not tried."`
	Wrong         Wrong         `placeholder:"same-user|random-user|never" help:"Whose wrong password is tried. same-user shows a dead authentication helper, and may lock an account that counts failures."`
	WrongEvery    time.Duration `placeholder:"DURATION" help:"In the exporter: try the wrong password at most this often; in between the latest answer counts."`
}

// FetchOptions are what must come through the proxy.
type FetchOptions struct {
	URLs         []URL        `name:"url" aliases:"urls" sep:"none" placeholder:"URL" help:"What to fetch, http or https (by CONNECT); repeatable."`
	URLByAddress URL          `name:"url-by-address" placeholder:"URL" help:"The first URL's origin by IP address: if this works and the name does not, the proxy's resolver is at fault."`
	Expect       string       `placeholder:"TEXT" help:"Text that the body of every URL must contain."`
	ExpectStatus Statuses     `placeholder:"CODES" help:"Status codes that are right, such as 200-299,401."`
	ExpectExit   []netip.Addr `placeholder:"ADDR" help:"Address that the origin must see; the first URL must be a milepost canary. Repeatable."`
	NoDirect     bool         `help:"Never resolve or fetch a URL without the proxy, not even after a failure to say whose fault it is."`
	OriginCAFile string       `name:"origin-ca-file" placeholder:"FILE" help:"Trust these certificates (PEM), not the system's, for https URLs."`
}

// Default is squid's port, every stage, and any 2xx.
func Default() Config {
	return Config{
		Proxy:  ProxyOptions{Port: 3128},
		Login:  LoginOptions{NoCredentials: Refused, Wrong: SameUser},
		Fetch:  FetchOptions{ExpectStatus: Statuses{{200, 299}}},
		Memory: &Memory{},
	}
}

// Limits are a flag for every test that is switched on, and the time. The first
// that alerts names the fault.
func (c Config) Limits() []metric.Limit {
	limits := []metric.Limit{metric.Never(flagUnreachable)}
	if c.Login.NoCredentials == Refused {
		limits = append(limits, metric.Never(flagOpenProxy), metric.Never(flagNoChallenge))
	}
	if c.triesWrong() {
		limits = append(limits, metric.Never(flagWrongAccepted), metric.Never(flagHelperSilent))
	}
	if c.Login.User != "" {
		limits = append(limits, metric.Never(flagRightRefused))
	}
	limits = append(limits, metric.Never(flagNoFetch))
	if len(c.Fetch.ExpectExit) > 0 {
		limits = append(limits, metric.Never(flagWrongExit))
	}
	return append(limits, metric.On("time", c.Warning, c.Critical))
}

// triesWrong says that wrong credentials are part of the test. A proxy that may
// serve anybody may serve somebody with a wrong password too.
func (c Config) triesWrong() bool {
	return c.Login.Wrong != Never && c.Login.NoCredentials != Allowed
}

// Validate refuses what contradicts itself or is missing.
func (c Config) Validate() error {
	l := c.Login
	switch {
	case c.Proxy.Port < 1 || c.Proxy.Port > 65535:
		return fmt.Errorf("--port: %d is not between 1 and 65535", c.Proxy.Port)
	case !c.Proxy.TLS && (c.Proxy.CAFile != "" || c.Proxy.ServerName != ""):
		return errors.New("options --ca-file and --server-name are for TLS with the proxy: add --tls, or use --origin-ca-file for https URLs")
	case len(c.Fetch.URLs) == 0:
		return errors.New(`option --url: missing: name something for the proxy to fetch, best an origin of your own`)
	case l.User == "" && l.NoCredentials != Allowed:
		return errors.New("option --user: missing: name the user that logs in, or say --no-credentials allowed")
	case strings.ContainsFunc(l.User, func(r rune) bool { return r == ':' || r < ' ' || r == 0x7f }):
		return errors.New("option --user: neither a colon nor a control character can be part of a user's name (RFC 7617)")
	case l.User != "" && l.PasswordFile == "" && l.Password.IsZero():
		return fmt.Errorf("option --password-file: missing: put the password of %q into a file that others cannot read, or into the environment as MILEPOST_PASSWORD", l.User)
	case l.WrongEvery < 0:
		return fmt.Errorf("option --wrong-every: %v is negative", l.WrongEvery)
	case !c.Fetch.URLByAddress.IsZero() && !c.Fetch.URLByAddress.literal():
		return fmt.Errorf("option --url-by-address: %q is a name: write the origin's IP address", c.Fetch.URLByAddress.host())
	}
	return nil
}

// Needs are the files that are named.
func (c Config) Needs(context.Context, metric.Target) []metric.Need {
	var needs []metric.Need
	if file := c.Login.PasswordFile; file != "" {
		n := metric.Need{What: fmt.Sprintf("password in file %q", file), OK: true, Have: "readable, and not by others"}
		if _, err := file.Read(); err != nil {
			n.OK, n.Have = false, err.Error()
			n.Mend = fmt.Sprintf("install -m 0640 -o root -g $(id -gn) /dev/stdin %q", file)
		}
		needs = append(needs, n)
	}
	for _, file := range []string{c.Proxy.CAFile, c.Fetch.OriginCAFile} {
		if file == "" {
			continue
		}
		n := metric.Need{What: fmt.Sprintf("certificates in file %q", file), OK: true, Have: "readable"}
		if _, err := trusted(file); err != nil {
			n.OK, n.Have = false, err.Error()
			n.Mend = fmt.Sprintf("install -m 0644 CERTIFICATES %q", file)
		}
		needs = append(needs, n)
	}
	return needs
}

// password is the right one: the file's where there is one, for a file is named
// for this check and an environment is shared.
func (c Config) password() (secret.Value, error) {
	if c.Login.PasswordFile != "" {
		return c.Login.PasswordFile.Read()
	}
	return c.Login.Password, nil
}

// maxCertificates is far above the system's bundle (220 kB).
const maxCertificates = 4 << 20

// certificates is the content of a file that an option named.
func certificates(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return nil, e.Err // without the path, which the caller tells
	}
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxCertificates:
		return nil, fmt.Errorf("not a regular file of at most %d bytes", maxCertificates)
	}
	return os.ReadFile(path)
}
