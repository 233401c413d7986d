package statusbar

import (
	"sync"
	"time"

	"milepost/lib/hoststate"
)

const pastSchema = "milepost.history/1"

// pastDays is how many days history.json tells, the begun one the last.
const pastDays = 90

// A Day is how many seconds of a day in UTC a host was in each state. Those of a
// day that is not over are fewer.
type Day struct{ Up, Degraded, Down, Maintenance, Unknown uint32 }

// A Change is what the public may know of a change of a host's state.
type Change struct {
	Host     string    // its ID
	Since    time.Time // when it became so
	Told     time.Time // when that was published
	From, To hoststate.Status
	Reason   string // as status.json's; "" if there is none
}

// pastDocument is history.json: what the bars of 90 days are drawn from. A day is
// [up, degraded, down, maintenance] in seconds, without the zeros at its end: a
// whole good day is [86400]. What they leave of the day is unknown, and a day that
// is wholly so is null.
type pastDocument struct {
	Schema      string     `json:"schema"`
	GeneratedAt stamp      `json:"generated_at"`
	From        string     `json:"from"`    // the first day, in UTC
	Days        int        `json:"days"`    // how many there are
	Today       int64      `json:"today_s"` // how long the last one is so far
	Components  []pastHost `json:"components"`
}

type pastHost struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Days []any  `json:"days"`
}

func (c content) pastDocument() pastDocument {
	now := c.generatedAt.UTC()
	today := now.Truncate(24 * time.Hour)
	d := pastDocument{
		Schema: pastSchema, GeneratedAt: stamp(now), From: today.AddDate(0, 0, 1-pastDays).Format(time.DateOnly),
		Days: pastDays, Today: int64(now.Sub(today).Seconds()), Components: make([]pastHost, len(c.hosts)),
	}
	for i, days := range c.days() {
		d.Components[i] = pastHost{c.hosts[i].ID, c.hosts[i].Name, make([]any, len(days))}
		for j, one := range days {
			d.Components[i].Days[j] = one.spelled()
		}
	}
	return d
}

// spelled is d as history.json has it.
func (d Day) spelled() any {
	all := []uint32{d.Up, d.Degraded, d.Down, d.Maintenance}
	for len(all) > 0 && all[len(all)-1] == 0 {
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// remember gives c the past of its hosts, which is looked up when it is first
// asked for.
func (b *Bar) remember(c *content) {
	days, hosts, now := b.config.Days, c.hosts, c.generatedAt
	c.days = sync.OnceValue(func() [][]Day {
		all := make([][]Day, len(hosts))
		for i, h := range hosts {
			if days != nil {
				all[i] = days(h.ID, now)
			}
			for len(all[i]) < pastDays { // what nobody told is a day of which nothing is known
				all[i] = append([]Day{{}}, all[i]...)
			}
		}
		return all
	})
	if b.config.Changes != nil {
		c.changes = b.config.Changes()
	}
}
