package statusbar

const fleetSchema = "milepost.fleet/1"

// Bytes is what a host's users were sent, ever and in the last 24 hours.
type Bytes struct{ Total, Day uint64 }

// fleetDocument is fleet.json: what the front page's footer tells of the fleet. It
// says nothing of anybody's state, so it has no lease.
type fleetDocument struct {
	Schema      string      `json:"schema"`
	GeneratedAt stamp       `json:"generated_at"`
	Hosts       []fleetHost `json:"hosts"`
}

type fleetHost struct {
	ID       string  `json:"id"`
	City     *string `json:"city"`
	Country  *string `json:"country"`
	Bytes    *uint64 `json:"bytes_total"`
	BytesDay *uint64 `json:"bytes_24h"`
}

// fleet is what is known of the hosts of c; what is not is null.
func (b *Bar) fleet(c content) fleetDocument {
	var known map[string]Bytes
	if b.config.Bytes != nil {
		known = b.config.Bytes()
	}
	d := fleetDocument{fleetSchema, stamp(c.generatedAt), make([]fleetHost, len(c.hosts))}
	for i, h := range c.hosts {
		d.Hosts[i] = fleetHost{ID: h.ID, City: present(h.City), Country: present(h.Country)}
		if n, ok := known[h.ID]; ok {
			d.Hosts[i].Bytes, d.Hosts[i].BytesDay = &n.Total, &n.Day
		}
	}
	return d
}

func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
