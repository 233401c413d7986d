package clock

import (
	"encoding"
	"fmt"
	"strings"
	"testing"

	"milepost/lib/metric"
	"milepost/lib/option"
)

func TestOptions(t *testing.T) {
	type value interface {
		encoding.TextUnmarshaler
		fmt.Stringer
	}
	for _, row := range []struct {
		value value
		text  string
		want  string
	}{
		{new(Source), "http", "http"},
		{new(Source), "HTTP", `source "HTTP" is none of snmp, ntp, http, local`},
		{new(Reference), "auto", "auto"},
		{new(Reference), "none", "none"},
		{new(Reference), "a, b ,c:1123", "a,b,c:1123"},
		{new(Reference), "a,b", `reference "a,b": neither auto nor none, and a majority takes at least 3 NTP servers`},
		{new(Reference), "yes", `reference "yes": neither auto nor none, and a majority takes at least 3 NTP servers`},
		{new(Reference), "a,b,a", `reference "a" is there twice: it has one vote`},
		{new(Reference), "a,,b", "reference: an NTP server's name is empty"},
		{new(OID), ".1.3.6.1", "1.3.6.1"},
		{new(OID), "1", `oid "1": write numbers with points between, as in 1.3.6.1.2.1.25.1.2.0`},
		{new(OID), "sysUpTime.0", `oid "sysUpTime.0": write numbers with points between, as in 1.3.6.1.2.1.25.1.2.0`},
		{new(OID), "1..2", `oid "1..2": write numbers with points between, as in 1.3.6.1.2.1.25.1.2.0`},
		{new(OID), "1.+2", `oid "1.+2": write numbers with points between, as in 1.3.6.1.2.1.25.1.2.0`},
		{new(OID), "1.4294967296", `oid "1.4294967296": write numbers with points between, as in 1.3.6.1.2.1.25.1.2.0`},
		{new(Protocol), "2c", "2c"},
		{new(Protocol), "2", `SNMP version "2" is none of 1, 2c, 3`},
		{new(AuthProtocol), "SHA-256", "SHA256"},
		{new(AuthProtocol), "sha1", "SHA1"},
		{new(AuthProtocol), "none", `authentication "none" is none of MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512`},
		{new(PrivProtocol), "aes-192-c", "AES192C"},
		{new(PrivProtocol), "3DES", `privacy "3DES" is none of DES, AES, AES-192, AES-256, AES-192-C, AES-256-C`},
		{new(Zone), "+05:30", "+05:30"},
		{new(Zone), "UTC", "UTC"},
		{new(Zone), "+5", `time zone "+5": write +05:30 or Europe/Berlin`},
		{new(Zone), "Local", `time zone "Local": the monitor's zone says nothing of the host's: write +05:30 or Europe/Berlin`},
		{new(Zone), "Mars/Olympus", `time zone "Mars/Olympus": unknown time zone Mars/Olympus: write +05:30 or Europe/Berlin`},
	} {
		err := row.value.UnmarshalText([]byte(row.text))
		got := row.value.String()
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%T %q: %s, want %s", row.value, row.text, got, row.want)
		}
	}
}

// TestTheOptionsByName: a field is one option for flags, files and the environment.
func TestTheOptionsByName(t *testing.T) {
	t.Setenv("MILEPOST_COMMUNITY", "of the environment")
	t.Setenv("MILEPOST_AUTH_PASSWORD", "authpass-1234")
	c := Default()
	o := option.New(&c)
	if err := o.Environment(); err != nil {
		t.Fatal(err)
	}
	rest, err := o.Parse(strings.Fields("-w -5:5 -c 30 -p 1161 --source ntp -o .1.3.6.1.4.1.8072.9999.9999.1.0 -P 3 -U monitor -a SHA-512 -x AES-256 --tz +02:00 --precise --reference a,b,c --virtualization kvm"))
	if err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	got := fmt.Sprint(c.Warning, c.Critical, c.Port, c.Source, c.SNMP.OID, c.SNMP.Protocol, c.SNMP.V3.User, c.SNMP.V3.AuthProtocol, c.SNMP.V3.PrivProtocol,
		c.SNMP.Zone, c.Precise, c.Reference, c.Virtualization, c.SNMP.Community.Reveal(), c.SNMP.V3.AuthPassword.Reveal())
	if want := fmt.Sprint("-5:5 ", "30 ", 1161, " ntp 1.3.6.1.4.1.8072.9999.9999.1.0 3 monitor SHA512 AES256 +02:00 true a,b,c kvm of the environment authpass-1234"); !same(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// same compares without spaces, which fmt.Sprint puts between some operands only.
func same(a, b string) bool {
	return strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", "")
}

func TestLimits(t *testing.T) {
	for _, row := range []struct {
		situation, warning, critical string
		want                         string
	}{
		{"plain numbers: both spellings of the offset", "5", "60", "warning offset=-5:5 offset_abs=5, critical offset=-60:60 offset_abs=60"},
		{"explicit ranges: the signed offset", "0:10", "@-1:1", "warning offset=0:10, critical offset=@-1:1"},
		{"one of each", "~:5", "60", "warning offset=~:5, critical offset=-60:60 offset_abs=60"},
	} {
		c := Config{Warning: metric.MustRange(row.warning), Critical: metric.MustRange(row.critical)}
		l := c.Limits()[0]
		got := "warning" + spellAll(l.Warning) + ", critical" + spellAll(l.Critical)
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
}

func spellAll(all metric.All) (text string) {
	for _, name := range []string{offset, offsetAbs} {
		if r, ok := all[name]; ok {
			text += " " + name + "=" + r.String()
		}
	}
	return text
}

func TestExtendsName(t *testing.T) {
	for _, row := range []struct {
		oid  OID
		want string
	}{
		{"1.3.6.1.4.1.8072.1.3.2.3.1.1.5.101.112.111.99.104", "epoch"},
		{"1.3.6.1.4.1.8072.1.3.2.4.1.2.5.101.112.111.99.104.1", "epoch"},
		{"1.3.6.1.4.1.8072.9999.9999.1.3.1.1.5.101.112.111.99.104", "epoch"},
		{"1.3.6.1.4.1.8072.1.3.2.3.1.1.5.101.112", ""},
		{"1.3.6.1.4.1.8072.1.3.2.3.1.1.1.7", ""},
		{"1.3.6.1.4.1.8072.9999.9999.1.0", ""},
		{hrSystemDate, ""},
		{"3.1.1", ""},
	} {
		if got, ok := row.oid.extend(); got != row.want || ok != (row.want != "") {
			t.Errorf("%s: %q, want %q", row.oid, got, row.want)
		}
	}
}

// FuzzOptions: what an option accepts it spells, and accepts again as the same.
func FuzzOptions(f *testing.F) {
	for _, seed := range []string{"auto", "none", "a,b,c", ".1.3.6.1", "2c", "SHA-256", "aes-192-c", "+05:30", "-12:00", "Europe/Berlin", "http"} {
		f.Add(seed)
	}
	type value interface {
		encoding.TextUnmarshaler
		fmt.Stringer
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, fresh := range []func() value{
			func() value { return new(Source) }, func() value { return new(Reference) }, func() value { return new(OID) }, func() value { return new(Protocol) },
			func() value { return new(AuthProtocol) }, func() value { return new(PrivProtocol) }, func() value { return new(Zone) },
		} {
			once, twice := fresh(), fresh()
			if once.UnmarshalText([]byte(text)) != nil {
				continue
			}
			if err := twice.UnmarshalText([]byte(once.String())); err != nil || once.String() != twice.String() {
				t.Errorf("%T: %q is spelled %q, which is %q (%v)", once, text, once, twice, err)
			}
		}
	})
}
