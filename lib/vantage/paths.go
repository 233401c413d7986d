package vantage

import (
	"context"
	"math"
	"time"

	"milepost/lib/geo"
	"milepost/lib/metric"
)

// A Path is the least round trip from a vantage to a host.
type Path struct {
	Vantage string
	From    metric.Coordinates // where the vantage is
	Host    string
	RTT     time.Duration
	Week    bool // it is the least of seven days, and not of now
}

// pathsOf is what Paths asks for: of vantages that are there.
const pathsOf = " * on (job, instance) group_left (vantage) milepost_vantage_info"

// Paths asks the engine for the paths from all vantages, in no order.
func (c *Client) Paths(ctx context.Context, now time.Time) ([]Path, error) {
	places, err := c.places(ctx, now)
	if err != nil {
		return nil, err
	}
	week, err := c.pathsOf(ctx, "milepost_path_rtt_min_7d_seconds", now, places)
	if err != nil {
		return nil, err
	}
	for i := range week {
		week[i].Week = true
	}
	paths, err := c.pathsOf(ctx, "milepost_path_rtt_min_seconds", now, places)
	return append(paths, week...), err
}

// places are where the vantages say that they are; who says only half of it, or what is
// not on the earth, is nowhere.
func (c *Client) places(ctx context.Context, now time.Time) (map[string]metric.Coordinates, error) {
	points := map[string]geo.Point{}
	for _, q := range []struct {
		name string
		take func(at *geo.Point, v float64)
	}{
		{"milepost_vantage_latitude_degrees", func(at *geo.Point, v float64) { at.Latitude = v }},
		{"milepost_vantage_longitude_degrees", func(at *geo.Point, v float64) { at.Longitude = v }},
	} {
		all, err := c.query(ctx, q.name, now)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			name := s.labels["vantage"]
			at, told := points[name]
			if !told {
				at = geo.Point{Latitude: math.NaN(), Longitude: math.NaN()}
			}
			q.take(&at, s.value)
			points[name] = at
		}
	}
	places := map[string]metric.Coordinates{}
	for name, at := range points {
		places[name] = metric.Coordinates{Name: name}
		if at.Valid() {
			places[name] = metric.Coordinates{Name: name, Latitude: at.Latitude, Longitude: at.Longitude, Known: true}
		}
	}
	return places, nil
}

// pathsOf are the round trips that this metric tells.
func (c *Client) pathsOf(ctx context.Context, name string, now time.Time, places map[string]metric.Coordinates) ([]Path, error) {
	all, err := c.query(ctx, name+pathsOf, now)
	if err != nil {
		return nil, err
	}
	paths := make([]Path, 0, len(all))
	for _, s := range all {
		if s.value > 0 && s.value < time.Hour.Seconds() { // not of NaN
			name := s.labels["vantage"]
			paths = append(paths, Path{Vantage: name, From: places[name], Host: s.labels["host"], RTT: time.Duration(s.value * float64(time.Second))})
		}
	}
	return paths, nil
}
