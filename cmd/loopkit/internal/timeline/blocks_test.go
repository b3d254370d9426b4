package timeline

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestLongRunsOfOrdinaryRowsFold(t *testing.T) {
	many := func(n int, user, anonymous string) (out []collector.Message) {
		for i := range n {
			out = append(out, tracked(fmt.Sprint("e", i), user, anonymous))
		}
		return out
	}
	tests := map[string]struct {
		story []collector.Message
		want  []int // rows of each block; negative if folded
	}{
		"a few stay": {many(10, "U", ""), []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		"many fold": {
			append(many(44, "", "A"), identified("U", "A")),
			// the first opens the lane
			[]int{1, 1, 1, 1, -37, 1, 1, 1, 1},
		},
		"a join parts them": {
			append(append(many(5, "", "A"), identified("U", "A")), many(5, "U", "A")...),
			[]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, b := range told(t, "U", test.story...).Blocks(3) {
				n := len(b.Rows)
				if b.Folded {
					n = -n
				}
				got = append(got, n)
			}
			assert.Equal(t, test.want, got)
		})
	}
}
