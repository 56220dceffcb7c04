package config

// nearest is the candidate that a misspelt name most likely means, "" when none is near.
func nearest(name string, candidates []string, more ...string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, list := range [][]string{candidates, more} {
		for _, c := range list {
			if d := distance(name, c); d < least {
				best, least = c, d
			}
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements of bytes that make b of a.
func distance(a, b string) int {
	if len(a) > 100 { // no key is that long, and the work grows with the square
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above+1, row[j]+1, diagonal+cost)
			diagonal = above
		}
	}
	return row[len(b)]
}
