package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"milepost/lib/crew"
	"milepost/lib/geo"
)

// A city is a network namespace with one way out: a TUN device, the router's.
type city struct {
	Name    string // "New York"
	ID      string // "new-york"
	Address netip.Addr
	space   *namespace
	tun     *tun
	clock   *clock
	hijack  bool // its resolver lies: under world.mu
}

// Name in the DNS of the world.
func (c *city) host() string { return c.ID + zone }

// zone is where the names of the world are.
const zone = ".lab"

// addressOf is that of the nth city: in the range for benchmarks (RFC 2544, appendix
// C.2.2), which nobody's network has.
func addressOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(n + 1)}) }

// A world is cities and the router between them. It is gone with the process, however
// that ends: the namespaces have no names, and end with the last that is in them.
type world struct {
	cities   []*city
	router   *router
	crew     crew.Crew
	dir      string
	interval time.Duration // of the exporter's rounds
}

// newWorld makes the published cities of these IDs, or all if there are none. It
// needs the rights that root has.
func newWorld(dir string, ids ...string) (*world, error) {
	w := plan(dir, ids...)
	for _, c := range w.cities {
		if err := c.found(); err != nil {
			w.end()
			return nil, fmt.Errorf("founding %s: %w", c.Name, err)
		}
	}
	return w, nil
}

// plan is newWorld without networks.
func plan(dir string, ids ...string) *world {
	w := &world{dir: dir, interval: 10 * time.Second}
	trips := map[[2]string]time.Duration{}
	for t := range geo.Published() {
		from, to := id(t.From), id(t.To)
		if len(ids) > 0 && (!slices.Contains(ids, from) || !slices.Contains(ids, to)) {
			continue
		}
		w.add(t.From)
		w.add(t.To)
		key := [2]string{min(from, to), max(from, to)}
		if known, ok := trips[key]; !ok || t.RTT < known {
			trips[key] = t.RTT
		}
	}
	w.router = newRouter(w.cities, trips)
	return w
}

func id(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

func (w *world) add(name string) {
	if slices.ContainsFunc(w.cities, func(c *city) bool { return c.Name == name }) {
		return
	}
	n := len(w.cities)
	w.cities = append(w.cities, &city{Name: name, ID: id(name), Address: addressOf(n), clock: &clock{}})
}

// city is the one of that ID or name.
func (w *world) city(name string) (*city, error) {
	var all []string
	for _, c := range w.cities {
		if c.ID == id(name) {
			return c, nil
		}
		all = append(all, c.ID)
	}
	return nil, fmt.Errorf("no city %q: there are %s", name, strings.Join(all, ", "))
}

// route carries packets until ctx ends.
func (w *world) route(ctx context.Context) {
	w.crew.Go(func() { w.router.run(ctx) })
}

// end waits for what ends with ctx, and lets go of the cities.
func (w *world) end() {
	w.crew.Wait()
	for _, c := range w.cities {
		if c.tun != nil {
			c.tun.close()
		}
		if c.space != nil {
			c.space.close()
		}
	}
	w.router.alarm.close()
}

// found makes the namespace of c and its TUN device.
func (c *city) found() error {
	space, err := newNamespace()
	if err != nil {
		return err
	}
	c.space = space
	if err := space.do(func() error {
		c.tun, err = openTUN(device)
		return err
	}); err != nil {
		return err
	}
	return c.space.ip(
		"link set lo up",
		fmt.Sprintf("address add %s/32 dev %s", c.Address, device),
		"link set "+device+" up mtu 1500",
		"route add default dev "+device,
	)
}

// device is what a city calls its way out.
const device = "uplink"

// errNotRoot says what to do.
var errNotRoot = errors.New("the lab makes network namespaces, which needs root: run sudo make lab")
