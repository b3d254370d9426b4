// Package plural counts things in English.
package plural

import "fmt"

// Of returns "1 event", "2 events".
func Of[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
