package squidauth

import (
	"fmt"
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
