package clock

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"

	"milepost/lib/secret"
)

// hrSystemDate is HOST-RESOURCES-MIB::hrSystemDate.0 (RFC 2790), which every
// net-snmp serves, and makes for each question.
const hrSystemDate OID = "1.3.6.1.2.1.25.1.2.0"

// SNMP says how a host's SNMP agent is asked.
type SNMP struct {
	OID           OID          `name:"oid" short:"o" help:"OID of the host's time: UTC seconds since 1970 as INTEGER, Gauge32, Counter64 or STRING, or a DateAndTime."`
	Protocol      Protocol     `short:"P" placeholder:"1|2c|3" help:"SNMP version."`
	Community     secret.Value `short:"C" env:"MILEPOST_COMMUNITY" placeholder:"COMMUNITY" help:"SNMP community. In argv everybody on this machine can read it."`
	CommunityFile secret.File  `help:"File with the SNMP community in its first line. It goes before --community."`
	Zone          Zone         `name:"tz" placeholder:"ZONE" help:"Time zone of a host whose DateAndTime does not tell it (8 octets): Europe/Berlin or +05:30."`
	V3            V3           `embed:""`
}

// V3 is a user of SNMPv3. The security level follows from the passwords there are.
type V3 struct {
	User             string       `short:"U" help:"SNMPv3 user."`
	AuthProtocol     AuthProtocol `short:"a" placeholder:"PROTOCOL" help:"SNMPv3 authentication: MD5, SHA, SHA-224, SHA-256, SHA-384 or SHA-512."`
	AuthPassword     secret.Value `hidden:"" env:"MILEPOST_AUTH_PASSWORD" help:"SNMPv3 authentication password, for the environment only: in argv everybody on this machine can read it."`
	AuthPasswordFile secret.File  `help:"File with the SNMPv3 authentication password in its first line. It goes before the environment's."`
	PrivProtocol     PrivProtocol `short:"x" placeholder:"PROTOCOL" help:"SNMPv3 privacy: DES, AES, AES-192 or AES-256; AES-192-C and AES-256-C as Cisco extends the keys."`
	PrivPassword     secret.Value `hidden:"" env:"MILEPOST_PRIV_PASSWORD" help:"SNMPv3 privacy password, for the environment only: in argv everybody on this machine can read it."`
	PrivPasswordFile secret.File  `help:"File with the SNMPv3 privacy password in its first line. It goes before the environment's."`
}

// validate says what contradicts what.
func (s SNMP) validate() error {
	v := s.V3
	auth := v.AuthPasswordFile != "" || !v.AuthPassword.IsZero()
	priv := v.PrivPasswordFile != "" || !v.PrivPassword.IsZero()
	switch {
	case s.Protocol != "3" && v.User != "":
		return fmt.Errorf("--user: SNMP version %s has communities, not users: say --protocol 3", s.Protocol)
	case s.Protocol == "3" && v.User == "":
		return errors.New("--user: SNMPv3 needs one")
	case s.Protocol == "3" && priv && !auth:
		return errors.New("--auth-password-file: SNMPv3 has no privacy without authentication")
	}
	return nil
}

// silence is what an agent usually means by it: it does not tell who may not ask.
func (s SNMP) silence() string {
	if s.Protocol == "3" {
		return "does an agent listen there, are these the user's privacy protocol and password, does it let this monitor in?"
	}
	return "does an agent listen there, is this its community, does it let this monitor in?"
}

// files are the files that the secrets are in.
func (s SNMP) files() []secret.File {
	named := []secret.File{s.CommunityFile, s.V3.AuthPasswordFile, s.V3.PrivPasswordFile}
	return slices.DeleteFunc(named, func(f secret.File) bool { return f == "" })
}

// maxCommunity is the longest community that the library encodes rightly.
const maxCommunity = 127

// credentials tells client who asks.
func (s SNMP) credentials(client *gosnmp.GoSNMP) error {
	switch s.Protocol {
	case "3":
		client.Version = gosnmp.Version3
		return s.V3.credentials(client)
	case "1":
		client.Version = gosnmp.Version1
	default:
		client.Version = gosnmp.Version2c
	}
	community, err := either(s.CommunityFile, s.Community)
	if err != nil {
		return err
	}
	client.Community = community.Reveal()
	if len(client.Community) > maxCommunity {
		return fmt.Errorf("SNMP community: longer than %d bytes", maxCommunity)
	}
	return nil
}

// either is the secret in file, or value if there is no file.
func either(file secret.File, value secret.Value) (secret.Value, error) {
	if file == "" {
		return value, nil
	}
	return file.Read()
}

// credentials tells client who asks. RFC 3414, section 11.2, wants passwords of at
// least 8 characters, and agents refuse shorter ones without a word.
func (v V3) credentials(client *gosnmp.GoSNMP) error {
	const shortest = 8
	user := &gosnmp.UsmSecurityParameters{UserName: v.User}
	client.SecurityModel, client.SecurityParameters, client.MsgFlags = gosnmp.UserSecurityModel, user, gosnmp.NoAuthNoPriv
	auth, err := either(v.AuthPasswordFile, v.AuthPassword)
	if err != nil {
		return err
	}
	priv, err := either(v.PrivPasswordFile, v.PrivPassword)
	if err != nil {
		return err
	}
	if !auth.IsZero() {
		user.AuthenticationProtocol, user.AuthenticationPassphrase = v.AuthProtocol.usm(), auth.Reveal()
		client.MsgFlags = gosnmp.AuthNoPriv
		if len(auth.Reveal()) < shortest {
			return fmt.Errorf("SNMPv3 authentication password: shorter than %d bytes", shortest)
		}
	}
	if !priv.IsZero() {
		user.PrivacyProtocol, user.PrivacyPassphrase = v.PrivProtocol.usm(), priv.Reveal()
		client.MsgFlags = gosnmp.AuthPriv
		if len(priv.Reveal()) < shortest {
			return fmt.Errorf("SNMPv3 privacy password: shorter than %d bytes", shortest)
		}
	}
	return nil
}

// An OID is an object identifier as numbers with points between.
type OID string

// String is the OID without a leading point.
func (o OID) String() string { return string(o) }

// UnmarshalText reads an OID, with or without a leading point.
func (o *OID) UnmarshalText(text []byte) error {
	s := strings.TrimPrefix(string(text), ".")
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 32); err != nil || len(parts) < 2 {
			return fmt.Errorf("oid %q: write numbers with points between, as in %s", text, hrSystemDate)
		}
	}
	*o = OID(s)
	return nil
}

// extend is the name of the net-snmp extend whose output o is: the OID ends with
// nsExtendOutput1Line (3.1.1) or nsExtendOutLine (4.1.2 ... and a line number) and
// the name, as its length and its letters.
func (o OID) extend() (name string, ok bool) {
	ids := strings.Split(string(o), ".")
	for i := range ids {
		entry := strings.Join(ids[i:min(i+3, len(ids))], ".")
		if entry != "3.1.1" && entry != "4.1.2" || i+4 >= len(ids) {
			continue
		}
		length, letters := ids[i+3], ids[i+4:]
		if entry == "4.1.2" {
			letters = letters[:len(letters)-1] // the line
		}
		if length != strconv.Itoa(len(letters)) {
			continue
		}
		text := make([]byte, 0, len(letters))
		for _, l := range letters {
			c, err := strconv.ParseUint(l, 10, 8)
			if err != nil || c <= ' ' || c > '~' {
				return "", false
			}
			text = append(text, byte(c))
		}
		return string(text), len(text) > 0
	}
	return "", false
}

// A Protocol is a version of SNMP: "1", "2c" or "3".
type Protocol string

// UnmarshalText reads a version.
func (p *Protocol) UnmarshalText(text []byte) error {
	switch v := Protocol(text); v {
	case "1", "2c", "3":
		*p = v
		return nil
	}
	return fmt.Errorf("SNMP version %q is none of 1, 2c, 3", text)
}

// String is the version.
func (p Protocol) String() string { return string(p) }

// An AuthProtocol is an authentication protocol of SNMPv3 (RFC 3414, RFC 7860).
type AuthProtocol string

// UnmarshalText reads an authentication protocol, with or without its hyphen.
func (p *AuthProtocol) UnmarshalText(text []byte) error {
	v := AuthProtocol(plain(text))
	if v.usm() == gosnmp.NoAuth {
		return fmt.Errorf("authentication %q is none of MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512", text)
	}
	*p = v
	return nil
}

// String is the protocol without a hyphen.
func (p AuthProtocol) String() string { return string(p) }

func (p AuthProtocol) usm() gosnmp.SnmpV3AuthProtocol {
	switch p {
	case "MD5":
		return gosnmp.MD5
	case "SHA", "SHA1":
		return gosnmp.SHA
	case "SHA224":
		return gosnmp.SHA224
	case "SHA256":
		return gosnmp.SHA256
	case "SHA384":
		return gosnmp.SHA384
	case "SHA512":
		return gosnmp.SHA512
	default:
		return gosnmp.NoAuth
	}
}

// A PrivProtocol is a privacy protocol of SNMPv3 (RFC 3414, RFC 3826).
type PrivProtocol string

// UnmarshalText reads a privacy protocol, with or without its hyphens.
func (p *PrivProtocol) UnmarshalText(text []byte) error {
	v := PrivProtocol(plain(text))
	if v.usm() == gosnmp.NoPriv {
		return fmt.Errorf("privacy %q is none of DES, AES, AES-192, AES-256, AES-192-C, AES-256-C", text)
	}
	*p = v
	return nil
}

// String is the protocol without hyphens.
func (p PrivProtocol) String() string { return string(p) }

func (p PrivProtocol) usm() gosnmp.SnmpV3PrivProtocol {
	switch p {
	case "DES":
		return gosnmp.DES
	case "AES", "AES128":
		return gosnmp.AES
	case "AES192":
		return gosnmp.AES192
	case "AES256":
		return gosnmp.AES256
	case "AES192C":
		return gosnmp.AES192C
	case "AES256C":
		return gosnmp.AES256C
	default:
		return gosnmp.NoPriv
	}
}

// plain is a protocol's name in upper case without hyphens.
func plain(text []byte) string {
	return strings.ReplaceAll(strings.ToUpper(string(text)), "-", "")
}
