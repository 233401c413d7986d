package crew

import (
	"strings"
	"testing"
)

func TestAPanicReachesTheOwner(t *testing.T) {
	var c Crew
	c.Go(func() {})
	c.Go(func() { explode() })
	defer func() {
		p := Recovered(recover())
		if p == nil || p.Error() != "panic: boom" || !strings.Contains(p.Stack, "explode") {
			t.Errorf("%+v", p)
		}
	}()
	c.Wait()
	t.Error("Wait returned")
}

func explode() { panic("boom") }

func TestWaitWaits(t *testing.T) {
	var c Crew
	ran := 0
	for range 3 {
		c.Go(func() { ran++ })
		c.Wait()
	}
	if ran != 3 {
		t.Errorf("%d ran", ran)
	}
}
