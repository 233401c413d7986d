package statusbar

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchema validates what is served with another's validator.
func TestSchema(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := published(config())
		served := text(t, get(b.Public(), "/status.schema.json"))
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(served))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource("schema.json", document); err != nil {
			t.Fatal(err)
		}
		schema, err := compiler.Compile("schema.json")
		if err != nil {
			t.Fatal(err)
		}
		golden, err := os.ReadFile("testdata/status.json")
		if err != nil {
			t.Fatal(err)
		}
		lapsed, err := os.ReadFile("testdata/status_lapsed.json")
		if err != nil {
			t.Fatal(err)
		}
		nothing := text(t, get(New(config(), []Host{{ID: "a"}}, time.Now()).Public(), "/status.json"))
		for _, row := range []struct {
			situation, text string
			valid           bool
		}{
			{"one host of each state", string(golden), true},
			{"after the lease", string(lapsed), true},
			{"nothing was measured yet", nothing, true},
			{"a field was added", strings.Replace(string(golden), `"seq"`, `"new":1,"seq"`, 1), true},
			{"a state that there is not", strings.Replace(string(golden), `"status":"up"`, `"status":"fine"`, 1), false},
			{"a time that is none", strings.Replace(string(golden), `"data_at":"`, `"data_at":"on `, 1), false},
			{"an uptime of two", strings.Replace(string(golden), `"24h":1`, `"24h":2`, 1), false},
			{"a field was renamed", strings.Replace(string(golden), `"valid_until"`, `"valid"`, 1), false},
			{"votes without a count", strings.Replace(string(golden), `"votes":{"up":1,`, `"votes":{`, 1), false},
			{"maintenance without an end", strings.Replace(string(golden), `"maintenance":{"until":`, `"maintenance":{"till":`, 1), false},
			{"a reason that is a sentence", strings.Replace(string(golden), `"reason":"refused"`, `"reason":"connection refused by 192.0.2.7"`, 1), false},
		} {
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(row.text)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); (err == nil) != row.valid {
				t.Errorf("%s: %v", row.situation, err)
			}
		}
	})
}
