package main

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"milepost/lib/crew"
)

// A router carries packets from city to city, as late as the world is large.
type router struct {
	cities []*city
	index  map[netip.Addr]int

	mu      sync.Mutex
	trips   [][]time.Duration // there and back; 0 = there is no way
	weather []weather
	via     map[[2]int]int // a detour of a pair: through whom
	pending pending
	alarm   alarm // rings when another packet is the next
}

// A weather is what befalls what leaves a city.
type weather struct {
	loss   float64 // from 0 to 1
	cut    bool    // nothing leaves and nothing arrives
	jitter time.Duration
}

// A packet is one that is on its way.
type packet struct {
	due   time.Time
	to    int
	bytes []byte
}

// pending is the packets that are on their way, the next to arrive first.
type pending []packet

// Len is how many there are.
func (p pending) Len() int { return len(p) }

// Less is by time.
func (p pending) Less(i, j int) bool { return p[i].due.Before(p[j].due) }

// Swap is heap's.
func (p pending) Swap(i, j int) { p[i], p[j] = p[j], p[i] }

// Push is heap's.
func (p *pending) Push(x any) { *p = append(*p, x.(packet)) }

// Pop is heap's.
func (p *pending) Pop() any {
	last := (*p)[len(*p)-1]
	(*p)[len(*p)-1] = packet{}
	*p = (*p)[:len(*p)-1]
	return last
}

func newRouter(cities []*city, trips map[[2]string]time.Duration) *router {
	r := &router{
		cities: cities, index: map[netip.Addr]int{}, via: map[[2]int]int{}, alarm: newAlarm(),
		weather: make([]weather, len(cities)), trips: make([][]time.Duration, len(cities)),
	}
	for i, a := range cities {
		r.index[a.Address] = i
		r.trips[i] = make([]time.Duration, len(cities))
		for j, b := range cities {
			r.trips[i][j] = trips[[2]string{min(a.ID, b.ID), max(a.ID, b.ID)}]
		}
	}
	return r
}

// mostPending bounds what is on its way at once; more is lost, as in any router.
const mostPending = 100_000

// run carries until ctx ends.
func (r *router) run(ctx context.Context) {
	var all crew.Crew
	defer all.Wait()
	for i := range r.cities {
		all.Go(func() { r.collect(ctx, i) })
	}
	all.Go(func() {
		<-ctx.Done()
		r.alarm.ring()
	})
	r.deliver(ctx)
}

// collect takes what leaves a city.
func (r *router) collect(ctx context.Context, from int) {
	hurry()
	buffer := make([]byte, 65536)
	device := r.cities[from].tun
	for ctx.Err() == nil {
		n, err := device.read(buffer)
		if err != nil {
			return // the city is gone
		}
		if n > 0 {
			r.send(from, buffer[:n], time.Now())
		}
	}
}

// send puts a packet on its way, if it has one.
func (r *router) send(from int, bytes []byte, now time.Time) {
	const ipv4, header, destination = 4, 20, 16
	if len(bytes) < header || bytes[0]>>4 != ipv4 {
		return
	}
	address, _ := netip.AddrFromSlice(bytes[destination : destination+4])
	to, known := r.index[address]
	if !known {
		return // nothing else is in this world
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.weather[from]
	trip := r.trip(from, to)
	if trip == 0 || w.cut || r.weather[to].cut || rand.Float64() < w.loss || len(r.pending) >= mostPending {
		return
	}
	late := trip / 2
	if w.jitter > 0 {
		late += time.Duration(rand.ExpFloat64() * float64(w.jitter))
	}
	heap.Push(&r.pending, packet{due: now.Add(late), to: to, bytes: append([]byte(nil), bytes...)})
	if r.pending[0].due.Equal(now.Add(late)) {
		r.alarm.ring() // it is the next
	}
}

// trip is the round trip of a pair as it is now; r.mu is held.
func (r *router) trip(a, b int) time.Duration {
	if c, detour := r.via[[2]int{min(a, b), max(a, b)}]; detour {
		return r.trips[a][c] + r.trips[c][b]
	}
	return r.trips[a][b]
}

// deliver hands packets over when they are due.
func (r *router) deliver(ctx context.Context) {
	hurry()
	for ctx.Err() == nil {
		next, wait := r.due(time.Now())
		for _, p := range next {
			r.cities[p.to].tun.write(p.bytes) // a city that is full loses it
		}
		if len(next) == 0 {
			r.alarm.wait(wait)
		}
	}
}

// due is the packets that have arrived, and else how long it is to the next.
func (r *router) due(now time.Time) ([]packet, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []packet
	for len(r.pending) > 0 && !r.pending[0].due.After(now) {
		all = append(all, heap.Pop(&r.pending).(packet))
	}
	if len(r.pending) == 0 {
		return all, time.Hour
	}
	return all, r.pending[0].due.Sub(now)
}

// change changes what befalls what leaves a city.
func (r *router) change(c *city, change func(*weather)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.weather[r.index[c.Address]])
}

// detour makes packets between two cities go through a third; nil = straight again.
func (r *router) detour(a, b, through *city) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, j := r.index[a.Address], r.index[b.Address]
	pair := [2]int{min(i, j), max(i, j)}
	if through == nil {
		delete(r.via, pair)
		return
	}
	r.via[pair] = r.index[through.Address]
}
