package metric

// A Histogram is how often which values were observed since the beginning, for
// Prometheus alone.
type Histogram struct {
	Metric string   // family without its prefix
	Help   string   // one sentence for # HELP
	Labels []string // name, value, name, value, ...
	Count  uint64
	Sum    float64

	// Buckets are those of a native histogram of Prometheus: the one of key k ends at
	// (2^(2^-Schema))^k and begins where that of k-1 ends. Ascending, without empty ones.
	Schema   int
	Buckets  []Bucket
	Zero     uint64  // at most ZeroUpTo, in no bucket
	ZeroUpTo float64 // at least 0

	Classic []Bound // ascending; the last, of all, is left out
}

// A Bucket is how many values lie in it.
type Bucket struct {
	Key   int
	Count uint64
}

// A Bound is how many values are at most UpTo.
type Bound struct {
	UpTo  float64
	Count uint64
}
