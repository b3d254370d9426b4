package timeline

// Block is a part of a timeline: one row that must be seen, or a run of
// ordinary ones that may be folded away.
type Block struct {
	Rows   []Row
	Folded bool
}

// fewest is how many rows are worth folding.
const fewest = 4

// Blocks folds long runs of events, updates and groups, all but keep of them at
// either end. What explains the merging is never folded, and lanes neither open
// nor close within a folded block.
func (t *Timeline) Blocks(keep int) []Block {
	var out []Block
	for i := 0; i < len(t.Rows); {
		n := ordinaryRun(t.Rows[i:])
		if n < 2*keep+fewest {
			n = max(n, 1)
			out = appendWhole(out, t.Rows[i:i+n])
			i += n
			continue
		}
		out = appendWhole(out, t.Rows[i:i+keep])
		out = append(out, Block{Rows: t.Rows[i+keep : i+n-keep], Folded: true})
		out = appendWhole(out, t.Rows[i+n-keep:i+n])
		i += n
	}
	return out
}

func appendWhole(out []Block, rows []Row) []Block {
	for i := range rows {
		out = append(out, Block{Rows: rows[i : i+1]})
	}
	return out
}

// ordinaryRun returns how many rows at the beginning may be folded.
func ordinaryRun(rows []Row) int {
	for i, row := range rows {
		ordinary := row.Mark == Event || row.Mark == Update || row.Mark == Group
		if !ordinary || row.Opens {
			return i
		}
	}
	return len(rows)
}
