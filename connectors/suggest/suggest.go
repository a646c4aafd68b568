// Package suggest finds the name that was probably meant, so that an error can say what would be right.
package suggest

import (
	"slices"
	"strings"
)

// Nearest returns the candidate that is closest to name, or "" when none is close enough to be a likely slip.
// Case does not count; of equally close candidates the first in alphabetical order wins.
func Nearest(name string, candidates []string) string {
	limit := max(1, len(name)/3)
	best := ""
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d <= limit {
			best, limit = candidate, d-1
		}
	}
	return best
}

// Hint is the sentence part that names what would be right: `; did you mean "x"?`, or else the whole list.
func Hint(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return `; did you mean "` + near + `"?`
	}
	if len(candidates) == 0 {
		return ""
	}
	return "; known: " + strings.Join(slices.Sorted(slices.Values(candidates)), ", ")
}

// distance is the Levenshtein distance in bytes, kept in one row. Names are ASCII by rule.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
