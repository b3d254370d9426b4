package importer

import "fmt"

// judgement tells records that are wrong from an endpoint that is: a client halts
// an endpoint that refuses record after record, whichever it is.
type judgement struct {
	inARow map[string]int   // records that an endpoint refused since it took one, in windows before too
	took   map[string]bool  // endpoints that took a record of this window
	halted map[string]error // endpoints that were halted in this window
}

// manyRefused are more than a stretch of wrong records is likely to have: who set
// aside all of a file, one request after the other, would have to import it again.
const manyRefused = 500

func (j *judgement) hear(results []outcome) {
	for _, r := range results {
		for endpoint, err := range r.halted {
			j.halted[endpoint] = err
		}
		for endpoint, n := range r.refused {
			j.inARow[endpoint] += n
		}
	}
	for _, r := range results {
		for endpoint := range r.taken {
			j.inARow[endpoint], j.took[endpoint] = 0, true
		}
	}
}

// speak returns an error if an endpoint refuses everything. end says that nothing
// of the window is left.
func (j *judgement) speak(end bool) error {
	for endpoint, err := range j.halted {
		if j.inARow[endpoint] >= manyRefused || end && !j.took[endpoint] {
			return &RefusalError{endpoint, j.inARow[endpoint], err}
		}
	}
	return nil
}

// RefusalError is why an import stops whose server refuses every record of a kind.
type RefusalError struct {
	Endpoint string
	InARow   int // records that were refused since one was taken
	Err      error
}

func (e *RefusalError) Error() string {
	return fmt.Sprintf("%d records of %s in a row were refused, so they are not set aside: %v", e.InARow, e.Endpoint, e.Err)
}

// Unwrap returns Err.
func (e *RefusalError) Unwrap() error { return e.Err }
