package fleet

import (
	"strings"
	"testing"
	"time"
)

func TestMaintenance(t *testing.T) {
	const hosts = "hosts: [{name: fra-1, group: eu}, {name: nyc-1, group: us-east}]\nmaintenance:\n"
	for _, row := range []struct{ situation, window, want string }{
		{"weekly", `  - {groups: [us-east], weekly: "Sun 02:00-04:00", timezone: America/New_York, reason: "provider window"}`, ""},
		{"once, in its zone", `  - {hosts: fra-1, from: "2026-11-24 02:00", to: "2026-11-24 04:00", timezone: Europe/Berlin}`, ""},
		{"once, RFC 3339", `  - {hosts: [fra-1, nyc-1], from: 2026-11-24T02:00:00Z, to: 2026-11-24T04:00:00Z}`, ""},
		{"everything", `  - {hosts: ["*"], weekly: "Sun 02:00-04:00"}`, ""},
		{"an unknown host", `  - {hosts: [fra-1, fra-2], weekly: "Sun 02:00-04:00"}`, `f:3:21: maintenance: no host has the name "fra-2": did you mean "fra-1"?`},
		{"a short name is not all of them", `  - {hosts: [c], weekly: "Sun 02:00-04:00"}`, `f:3:14: maintenance: no host has the name "c": the hosts here are fra-1, nyc-1`},
		{"an unknown group", `  - {groups: [us-west], weekly: "Sun 02:00-04:00"}`, `f:3:15: maintenance: no host has the group "us-west"`},
		{"a day that is none", `  - {hosts: [fra-1], weekly: "Son 02:00-04:00"}`, `f:3:30: maintenance: weekly: "Son" is no day of the week`},
		{"a zone that is none", `  - {hosts: [fra-1], weekly: "Sun 02:00-04:00", timezone: Mars}`, `f:3:59: maintenance: timezone "Mars" is unknown`},
		{"the zone of whoever starts it", `  - {hosts: [fra-1], weekly: "Sun 02:00-04:00", timezone: Local}`, `timezone "Local" is unknown`},
		{"a time that is none", `  - {hosts: [fra-1], from: tomorrow, to: 2026-11-24T04:00:00Z}`, `f:3:28: maintenance: from: "tomorrow" is no time`},
		{"it ends before it begins", `  - {hosts: [fra-1], from: 2026-11-24T04:00:00Z, to: 2026-11-24T02:00:00Z}`, `f:3:5: maintenance: to 2026-11-24T02:00:00Z is not after from`},
		{"nobody's", `  - {weekly: "Sun 02:00-04:00"}`, `f:3:5: maintenance: neither hosts nor groups`},
		{"never", `  - {hosts: [fra-1]}`, `f:3:5: maintenance: neither weekly nor from and to`},
		{"a key that is none", `  - {host: [fra-1], weekly: "Sun 02:00-04:00"}`, `f:3:6: maintenance: unknown key "host": did you mean "hosts"?`},
	} {
		t.Run(row.situation, func(t *testing.T) {
			f, err := Parse("f", []byte(hosts+row.window+"\n"), kinds())
			if row.want == "" {
				if err != nil || len(f.Maintenance) != 1 {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
	f, err := Parse("f", []byte(hosts+`  - {hosts: fra-1, from: "2026-07-24 02:00", to: "2026-07-24 04:00", timezone: Europe/Berlin}`), kinds())
	if err != nil || !f.Maintenance[0].From.Equal(time.Date(2026, 7, 24, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v %v", f.Maintenance[0].From, err)
	}
}
