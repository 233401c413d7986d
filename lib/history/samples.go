package history

import (
	"milepost/lib/metric"
)

// Samples are how the file fares.
func (h *History) Samples(yield func(metric.Sample) bool) {
	h.mu.Lock()
	size, commit, refused := h.size, 0.0, h.refused
	if !h.commit.IsZero() {
		commit = float64(h.commit.Unix())
	}
	h.mu.Unlock()
	for _, s := range []metric.Sample{
		{Metric: "history_size_bytes", Help: "Size of the file with the history of states; 0 if there is none.", Value: float64(size)},
		{Metric: "history_last_commit_timestamp_seconds", Help: "When the history was last written; 0 if it never was.", Value: commit},
		{Metric: "history_failed_commits_total", Help: "How often the history could not be written.", Kind: metric.Counter, Value: float64(refused)},
	} {
		if !yield(s) {
			return
		}
	}
}
