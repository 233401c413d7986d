package ledger

import "time"

// A roll is what a batch adds to each user, by user, day and month.
type roll struct {
	users  map[string]sums
	days   map[string]map[string]sums // by day, then user
	months map[string]map[string]sums
}

// rollOf adds up buckets. They are nearly always of one day: then its sums are
// the users' own, and nothing is made twice.
func rollOf(buckets map[int64]*tally, zone *time.Location) roll {
	r := roll{users: map[string]sums{}, days: map[string]map[string]sums{}, months: map[string]map[string]sums{}}
	for bucket := range buckets {
		day := dayOf(bucket, zone)
		r.days[day], r.months[day[:7]] = nil, nil
	}
	for _, all := range []map[string]map[string]sums{r.days, r.months} {
		for name := range all {
			if all[name] = r.users; len(all) > 1 {
				all[name] = map[string]sums{}
			}
		}
	}
	for bucket, all := range buckets {
		day := dayOf(bucket, zone)
		of := []map[string]sums{r.users}
		if len(r.days) > 1 {
			of = append(of, r.days[day])
		}
		if len(r.months) > 1 {
			of = append(of, r.months[day[:7]])
		}
		for user, s := range all.all() {
			for _, m := range of {
				m[user] = m[user].plus(*s)
			}
		}
	}
	return r
}
