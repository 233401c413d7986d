package clock

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

func TestValues(t *testing.T) {
	text := func(s string) gosnmp.SnmpPDU {
		return gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: []byte(s)}
	}
	for _, row := range []struct {
		situation string
		value     gosnmp.SnmpPDU
		want      string
	}{
		{"INTEGER", gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: 1795392148}, "2026-11-23T00:02:28Z, 1s"},
		{"INTEGER of five octets, as net-snmp sends from 2038 on", gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: 4102444800}, "2100-01-01T00:00:00Z, 1s"},
		{"Gauge32", gosnmp.SnmpPDU{Type: gosnmp.Gauge32, Value: uint(4294967295)}, "2106-02-07T06:28:15Z, 1s"},
		{"Counter32", gosnmp.SnmpPDU{Type: gosnmp.Counter32, Value: uint(1795392148)}, "2026-11-23T00:02:28Z, 1s"},
		{"Unsigned32", gosnmp.SnmpPDU{Type: gosnmp.Uinteger32, Value: uint32(1795392148)}, "2026-11-23T00:02:28Z, 1s"},
		{"Counter64", gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: uint64(1795392148)}, "2026-11-23T00:02:28Z, 1s"},
		{"a clock that was never set", gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: 0}, "1970-01-01T00:00:00Z, 1s"},
		{"STRING", text("1795392148"), "2026-11-23T00:02:28Z, 1s"},
		{"STRING with a line end", text("1795392148\n"), "2026-11-23T00:02:28Z, 1s"},
		{"STRING in quotes", text(`"1795392148"`), "2026-11-23T00:02:28Z, 1s"},
		{"STRING with a fraction", text("1795392148.25"), "2026-11-23T00:02:28.25Z, 10ms"},
		{"STRING of microseconds", text("1795392148.247328"), "2026-11-23T00:02:28.247328Z, 1µs"},
		{"STRING finer than a nanosecond", text("1795392148.1234567899"), "2026-11-23T00:02:28.123456789Z, 1ns"},
		{"STRING of 8 digits is no DateAndTime", text("12345678"), "1970-05-23T21:21:18Z, 1s"},
		{"STRING of 11 octets is no DateAndTime", text("179539214.5"), "1975-09-10T00:00:14.5Z, 100ms"},
		{"milliseconds", gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: uint64(1795392148000)}, "1795392148000 is not a time in seconds since 1970"},
		{"the largest Counter64", gosnmp.SnmpPDU{Type: gosnmp.Counter64, Value: ^uint64(0)}, "18446744073709551615 is not a time in seconds since 1970"},
		{"a number of many digits", text("99999999999999999999"), "99999999999999999999 is not a time in seconds since 1970"},
		{"below zero", gosnmp.SnmpPDU{Type: gosnmp.Integer, Value: -1}, "-1 is not a time in seconds since 1970"},
		{"an uptime", gosnmp.SnmpPDU{Type: gosnmp.TimeTicks, Value: uint32(1795392148)}, "a value of type TimeTicks is no time: serve UTC seconds since 1970 as Gauge32, Counter64 or STRING"},
		{"an address", gosnmp.SnmpPDU{Type: gosnmp.IPAddress, Value: "192.0.2.1"}, "a value of type IPAddress is no time"},
		{"a float", gosnmp.SnmpPDU{Type: gosnmp.OpaqueFloat, Value: float32(1)}, "a value of type OpaqueFloat is no time"},
		{"nothing", gosnmp.SnmpPDU{Type: gosnmp.Null}, "a value of type Null is no time"},
		{"a point alone", text("."), "a DateAndTime has 8 or 11 octets, not 1"},
		{"an exponent", text("1e9"), "a DateAndTime has 8 or 11 octets, not 3"},
	} {
		at, resolution, err := hostTime(row.value, Zone{})
		if got := spellTime(at, resolution, err); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %s, want %s", row.situation, got, row.want)
		}
	}
}

func spellTime(at time.Time, resolution time.Duration, err error) string {
	if err != nil {
		return err.Error()
	}
	return at.UTC().Format(time.RFC3339Nano) + ", " + resolution.String()
}

func TestDateAndTime(t *testing.T) {
	local := func(year uint16, rest ...byte) []byte {
		return append(binary.BigEndian.AppendUint16(nil, year), rest...)
	}
	for _, row := range []struct {
		situation string
		octets    []byte
		zone      string
		want      string
	}{
		{"UTC", local(2026, 11, 23, 0, 2, 28, 0, '+', 0, 0), "", "2026-11-23T00:02:28Z, 1s"},
		{"deciseconds", local(2026, 11, 23, 0, 2, 28, 5, '+', 0, 0), "", "2026-11-23T00:02:28.5Z, 100ms"},
		{"the farthest east", local(2026, 11, 23, 14, 2, 28, 0, '+', 14, 0), "", "2026-11-23T00:02:28Z, 1s"},
		{"east by 5:45", local(2026, 11, 23, 5, 47, 28, 0, '+', 5, 45), "", "2026-11-23T00:02:28Z, 1s"},
		{"west by 3:30", local(2026, 11, 22, 20, 32, 28, 0, '-', 3, 30), "", "2026-11-23T00:02:28Z, 1s"},
		{"the farthest west", local(2026, 11, 22, 12, 2, 28, 0, '-', 12, 0), "", "2026-11-23T00:02:28Z, 1s"},
		{"its own zone goes before --tz", local(2026, 11, 23, 1, 2, 28, 0, '+', 1, 0), "+05:30", "2026-11-23T00:02:28Z, 1s"},
		{"a leap second", local(2016, 12, 31, 23, 59, 60, 0, '+', 0, 0), "", "2017-01-01T00:00:00Z, 1s"},
		{"no zone", local(2026, 11, 23, 0, 2, 28, 0), "", "local time without its zone (8 octets): say --tz"},
		{"no zone, but --tz", local(2026, 11, 23, 5, 32, 28, 0), "+05:30", "2026-11-23T00:02:28Z, 1s"},
		{"no zone, but a place in winter", local(2026, 11, 23, 1, 2, 28, 0), "Europe/Berlin", "2026-11-23T00:02:28Z, 1s"},
		{"no zone, but a place in summer", local(2026, 7, 23, 2, 2, 28, 0), "Europe/Berlin", "2026-07-23T00:02:28Z, 1s"},
		{"no zone, before the clocks are put back", local(2026, 10, 25, 1, 30, 0, 0), "Europe/Berlin", "2026-10-24T23:30:00Z, 1s"},
		{"no zone, when the clocks are put back", local(2026, 10, 25, 2, 30, 0, 0), "Europe/Berlin", "02:30:00 comes twice in Europe/Berlin today: the clocks are put back, and 8 octets do not say which it is"},
		{"no zone, when they are put back by half an hour", local(2026, 4, 5, 1, 45, 0, 0), "Australia/Lord_Howe", "01:45:00 comes twice in Australia/Lord_Howe today"},
		{"no zone, when the clocks are put forward", local(2026, 3, 29, 2, 30, 0, 0), "Europe/Berlin", "02:30:00 does not exist in Europe/Berlin: the clocks were put forward"},
		{"15 hours east", local(2026, 11, 23, 1, 2, 28, 0, '+', 15, 0), "", "'+' 15:00 is no distance from UTC"},
		{"12:30 west", local(2026, 11, 23, 1, 2, 28, 0, '-', 12, 30), "", "'-' 12:30 is no distance from UTC"},
		{"60 minutes", local(2026, 11, 23, 1, 2, 28, 0, '+', 1, 60), "", "'+' 1:60 is no distance from UTC"},
		{"no sign", local(2026, 11, 23, 1, 2, 28, 0, ' ', 1, 0), "", "' ' 1:00 is no distance from UTC"},
		{"the 31st of February", local(2026, 2, 31, 1, 2, 28, 0, '+', 1, 0), "", "2026-2-31 is no date"},
		{"a year that nobody will see", local(9999, 2, 3, 1, 2, 28, 0, '+', 1, 0), "", "9999-2-3 is no date"},
		{"month 0", local(2026, 0, 1, 1, 2, 28, 0, '+', 1, 0), "", "2026-0-1 is no date"},
		{"never set", local(0, 0, 0, 0, 0, 0, 0), "", "0-0-0 is no date"},
		{"24 o'clock", local(2026, 2, 1, 24, 2, 28, 0, '-', 1, 0), "", "24:02:28.0 is no time of day"},
		{"61 seconds", local(2026, 2, 1, 1, 2, 61, 0, '-', 1, 0), "", "1:02:61.0 is no time of day"},
		{"10 deciseconds", local(2026, 2, 1, 1, 2, 1, 10, '-', 1, 0), "", "1:02:01.10 is no time of day"},
		{"9 octets", local(2026, 2, 1, 1, 2, 1, 0, '-'), "", "a DateAndTime has 8 or 11 octets, not 9"},
		{"nothing", nil, "", "a DateAndTime has 8 or 11 octets, not 0"},
	} {
		t.Run(row.situation, func(t *testing.T) {
			var zone Zone
			if row.zone != "" {
				if err := zone.UnmarshalText([]byte(row.zone)); err != nil {
					t.Fatal(err)
				}
			}
			at, resolution, err := dateAndTime(row.octets, zone)
			if got := spellTime(at, resolution, err); !strings.HasPrefix(got, row.want) {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func FuzzHostTime(f *testing.F) {
	f.Add([]byte{0x07, 0xEA, 11, 23, 0, 2, 28, 0, '+', 14, 0})
	f.Add([]byte{0x07, 0xEA, 11, 23, 0, 2, 60, 9})
	f.Add([]byte("1795392148.25"))
	f.Add([]byte(`"1795392148"` + "\n"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		for _, zone := range []Zone{{}, {time.FixedZone("+05:30", 19800)}} {
			at, resolution, err := hostTime(gosnmp.SnmpPDU{Type: gosnmp.OctetString, Value: octets}, zone)
			if err != nil {
				continue
			}
			if resolution < 1 || resolution > time.Second {
				t.Errorf("%q: resolution %v", octets, resolution)
			}
			if present := time.Unix(1795392148, 0); !present.Add(at.Sub(present)).Equal(at) {
				t.Errorf("%q: %v is too far away to be subtracted", octets, at)
			}
		}
	})
}
