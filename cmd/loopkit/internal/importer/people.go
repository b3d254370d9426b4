package importer

import "github.com/loopkitai/loopkit-go/internal/collector"

// subject is somebody, or a group, that a record names.
type subject struct {
	role byte
	id   string
}

func (e *entry) subjects() [3]subject {
	named := [3]subject{{'u', e.identity.UserID}, {'a', e.identity.AnonymousID}}
	if e.kind == collector.KindGroup {
		named[2] = subject{'g', e.groupID}
	}
	return named
}

// deal gives n workers the entries of a window. One worker has, in their order, all
// entries that name the same user, anonymous person or group, or others that any
// entry of the window links to it.
func deal(entries []entry, n int) [][]*entry {
	sets := disjoint{}
	seen := make(map[subject]int, len(entries))
	for i := range entries {
		sets = append(sets, i)
		for _, named := range entries[i].subjects() {
			if named.id == "" {
				continue
			}
			if before, ok := seen[named]; ok {
				sets.join(before, i)
			} else {
				seen[named] = i
			}
		}
	}
	sizes := make([]int, len(entries)) // by set
	for i := range entries {
		sizes[sets.find(i)]++
	}
	out := make([][]*entry, n)
	load := make([]int, n)
	workers := make(map[int]int) // by set
	for i := range entries {
		set := sets.find(i)
		worker, ok := workers[set]
		if !ok {
			worker = leastOf(load)
			workers[set] = worker
			load[worker] += sizes[set]
		}
		out[worker] = append(out[worker], &entries[i])
	}
	return out
}

func leastOf(load []int) int {
	least := 0
	for i, n := range load {
		if n < load[least] {
			least = i
		}
	}
	return least
}

// disjoint are disjoint sets of numbers: an element is its parent in its set, and
// the root is its own.
type disjoint []int

func (d disjoint) find(i int) int {
	for d[i] != i {
		d[i] = d[d[i]]
		i = d[i]
	}
	return i
}

func (d disjoint) join(i, j int) { d[d.find(j)] = d.find(i) }
