package loopkittest_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// disks are spools by directory.
type disks struct {
	mu   sync.Mutex
	dirs map[string]*loopkittest.Spool
}

func (d *disks) disk(dir string) *loopkittest.Spool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs == nil {
		d.dirs = map[string]*loopkittest.Spool{}
	}
	if d.dirs[dir] == nil {
		d.dirs[dir] = loopkittest.NewSpool()
	}
	return d.dirs[dir]
}

func (d *disks) open(dir string) (loopkit.Spool, error) { return d.disk(dir).Open(), nil }

func TestTheSpoolInMemoryKeepsTheContract(t *testing.T) {
	loopkittest.TestSpool(t, new(disks).open)
}

func TestTheSuiteItselfKeepsTheContract(t *testing.T) {
	for _, rule := range loopkittest.SpoolRules() {
		var d disks
		require.Empty(t, failed(func(tb testing.TB) { rule.Check(tb, "dir", d.open) }))
		for _, violation := range d.disk("dir").Violations() {
			assert.Contains(t, []string{"Append of ID 5 after ID 6", "Append after Close"}, violation, "which it does on purpose")
		}
	}
}

func TestASpoolThatBreaksARuleFailsWithItsName(t *testing.T) {
	rules := loopkittest.SpoolRules()
	for _, defect := range defects {
		t.Run(defect.name, func(t *testing.T) {
			i := slices.IndexFunc(rules, func(r loopkittest.SpoolRule) bool { return r.Name == defect.rule })
			require.GreaterOrEqual(t, i, 0, "no such rule")
			assert.Contains(t, judge(rules[i], defect.make), defect.rule+": ")
			assert.Empty(t, judge(rules[0], defect.make), "the defect is another one")
		})
	}
}

// judge returns what a rule says of a defect, nothing if it does not notice it.
func judge(rule loopkittest.SpoolRule, defect func(*broken, *disks, string)) string {
	var d disks
	return failed(func(tb testing.TB) {
		rule.Check(tb, "dir", func(dir string) (loopkit.Spool, error) {
			b := &broken{Spool: d.disk(dir).Open()}
			defect(b, &d, dir)
			return b, nil
		})
	})
}

func TestEveryRuleOfTheSuiteIsBrokenByADefect(t *testing.T) {
	broken := map[string]bool{
		"a new spool is empty":                                  true, // all defects keep it
		"ten thousand batches are as good as ten":               true, // a matter of size
		"any sequence of calls does what it would do to a list": true, // all defects break it
	}
	for _, defect := range defects {
		broken[defect.rule] = true
	}
	for _, rule := range loopkittest.SpoolRules() {
		assert.True(t, broken[rule.Name], rule.Name)
	}
}
