package squidauth

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, accepted := Answer{Status: 407}, Answer{Status: 200}
		m := &Memory{}
		recalls := func(proxy string, want bool) {
			t.Helper()
			if _, _, ok := m.recall(proxy, 15*time.Minute); ok != want {
				t.Errorf("%s at %v: remembered %v, want %v", proxy, time.Now(), ok, want)
			}
		}
		recalls("a", false)
		m.keep("a", refused)
		time.Sleep(14 * time.Minute)
		recalls("a", true)
		recalls("b", false)
		if _, _, ok := m.recall("a", 0); ok {
			t.Error("remembered without wrong_every")
		}
		if _, age, _ := m.recall("a", time.Hour); age != 14*time.Minute {
			t.Errorf("it is %v old", age)
		}
		time.Sleep(time.Minute)
		recalls("a", false)

		m.keep("a", refused)
		m.keep("a", accepted) // a fault is asked after again until it is gone
		recalls("a", false)
	})
}

func TestNoMemory(t *testing.T) {
	var m *Memory
	m.keep("a", Answer{Status: 407})
	if _, _, ok := m.recall("a", time.Hour); ok {
		t.Error("nothing remembers")
	}
}

// A reload leaves alone the checks whose options print the same.
func TestConfigsPrintTheSame(t *testing.T) {
	a, b := Default(), Default()
	a.Memory.keep("x", Answer{Status: 407})
	if x, y := fmt.Sprintf("%+v", a), fmt.Sprintf("%+v", b); x != y {
		t.Errorf("\n%s\n%s", x, y)
	}
}

// What one process was refused, the next one knows; what cannot be is not believed.
func TestMemoryOutlivesAProcess(t *testing.T) {
	for _, tt := range []struct {
		situation, text, bad string
		want                 bool
	}{
		{"as it was written", `{"schema":"milepost.refusals/1","refused":{"a":{"at":"1999-12-31T23:50:00Z","method":"GET","status":407,"challenged":true}}}`, "", true},
		{"too old for wrong_every", `{"schema":"milepost.refusals/1","refused":{"a":{"at":"1999-12-31T23:40:00Z","method":"GET","status":407}}}`, "", false},
		{"of the future", `{"schema":"milepost.refusals/1","refused":{"a":{"at":"2000-01-02T00:00:00Z","method":"GET","status":407}}}`, "", false},
		{"no refusal", `{"schema":"milepost.refusals/1","refused":{"a":{"at":"1999-12-31T23:50:00Z","method":"GET","status":200}}}`, "", false},
		{"another version", `{"schema":"milepost.refusals/2"}`, "another version wrote it", false},
		{"cut", `{"schema":`, "not JSON as it was written", false},
	} {
		synctest.Test(t, func(t *testing.T) { // begins with the year 2000
			changes := 0
			m := &Memory{Changed: func() { changes++ }}
			err := m.UnmarshalText([]byte(tt.text))
			if tt.bad == "" && err != nil || tt.bad != "" && (err == nil || !strings.Contains(err.Error(), tt.bad)) {
				t.Errorf("%s: %v", tt.situation, err)
			}
			for range 2 { // once more from what it writes itself
				if a, _, ok := m.recall("a", 15*time.Minute); ok != tt.want || ok && a.String() != "407" {
					t.Errorf("%s: remembered %v %v", tt.situation, ok, a)
				}
				text, err := m.MarshalText()
				if err != nil {
					t.Fatal(err)
				}
				if err := m.UnmarshalText(text); err != nil {
					t.Fatal(err)
				}
			}
			if m.keep("b", Answer{Status: 407}); changes != 1 {
				t.Errorf("%d changes", changes)
			}
		})
	}
}
