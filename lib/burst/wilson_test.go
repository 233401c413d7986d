package burst

import (
	"fmt"
	"testing"
)

func TestWilson(t *testing.T) {
	tests := []struct {
		k, n int
		want string
	}{
		// R. G. Newcombe, "Two-sided confidence intervals for the single
		// proportion" (1998), table I, method 3.
		{81, 263, "0.2553 0.3662"},
		{15, 148, "0.0624 0.1605"},
		{0, 20, "0.0000 0.1611"},
		{1, 29, "0.0061 0.1718"},
		{3, 20, "0.0524 0.3604"},
		{5, 20, "0.1119 0.4687"},
		{20, 20, "0.8389 1.0000"},
		{0, 0, "0.0000 1.0000"},
	}
	for _, tt := range tests {
		lo, hi := Wilson(tt.k, tt.n)
		if got := fmt.Sprintf("%.4f %.4f", lo, hi); got != tt.want {
			t.Errorf("%d of %d: %s, want %s", tt.k, tt.n, got, tt.want)
		}
	}
	for n := 1; n < 200; n++ {
		for k := range n + 1 {
			lo, hi := Wilson(k, n)
			if p := float64(k) / float64(n); lo < 0 || hi > 1 || lo > p || hi < p {
				t.Errorf("%d of %d: %v to %v", k, n, lo, hi)
			}
		}
	}
}
