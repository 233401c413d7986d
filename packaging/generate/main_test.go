package main

import (
	"os"
	"strings"
	"testing"

	"milepost/lib/fleet"
	"milepost/lib/option"
)

// TestTheManualNamesEveryKey: the keys of the inventory that are no check's are told by
// hand; each has a row, or stands in the row of its section.
func TestTheManualNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile("../man/milepost.yml.md")
	if err != nil {
		t.Fatal(err)
	}
	for section, config := range map[string]any{
		"vantage": &fleet.Vantage{}, "references": &fleet.References{}, "hosts": &fleet.Identity{}, "billing": &fleet.Billing{},
		"status": &fleet.Status{}, "status.page": &fleet.Page{}, "status.prometheus": &fleet.Upstream{},
	} {
		for _, key := range option.New(config).Names() {
			if !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("packaging/man/milepost.yml.md does not name %s of %s", key, section)
			}
		}
	}
}
