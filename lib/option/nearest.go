package option

import "strings"

// Nearest is the name that was probably meant by a mistyped or shortened one; ""
// if none is near: more than a third of it would have to change.
func Nearest(typed string, names []string) string {
	typed = strings.ReplaceAll(strings.ToLower(typed), "_", "-")
	best, least := "", len(typed)/3+2
	for _, n := range names {
		whole := strings.ReplaceAll(n, "_", "-")
		d := distance(typed, whole)
		if len(typed) > 2 && strings.HasPrefix(whole, typed) {
			d = min(d, 1)
		}
		if d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b: how many
// letters are inserted, deleted, replaced, or swapped with their neighbour.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
