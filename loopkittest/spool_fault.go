package loopkittest

import "slices"

// SpoolCall names a method of [loopkit.Spool].
type SpoolCall string

// The methods that can fail on command. AnySpoolCall stands for all but Close,
// which fails only by its own name.
const (
	SpoolAppend   SpoolCall = "Append"
	SpoolNext     SpoolCall = "Next"
	SpoolRemove   SpoolCall = "Remove"
	SpoolPurge    SpoolCall = "Purge"
	SpoolSetState SpoolCall = "SetState"
	SpoolState    SpoolCall = "State"
	SpoolStatus   SpoolCall = "Status"
	SpoolClose    SpoolCall = "Close"
	AnySpoolCall  SpoolCall = "any"
)

// SpoolFault is one way for a call of a spool to fail. The parts may be combined;
// they take effect in the order Store, Until, Panic, Err. The zero value changes
// nothing.
type SpoolFault struct {
	// Err is returned, and the call changes nothing.
	Err error
	// Panic is what the call panics with, if it is not nil.
	Panic any
	// Until blocks the call until the channel is closed or the client crashes.
	// If neither Err nor Panic is set, the call succeeds then.
	Until <-chan struct{}
	// Store lets the call take effect first. With Err that is what the contract
	// allows Remove and Purge, and what no Append should do.
	Store bool
}

// Script makes the next calls of a method fail, each with one fault of the script.
// When none is left, calls succeed. A second call appends. Scripts for the
// method's own name come before those for AnySpoolCall, and those before FailAll.
func (s *Spool) Script(call SpoolCall, script ...SpoolFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range script {
		s.faults.scripted = append(s.faults.scripted, placedSpoolFault{call, f})
	}
}

// FailAll makes every call of a method fail until Heal. Of several faults that
// apply the one set last is used.
func (s *Spool) FailAll(call SpoolCall, f SpoolFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.standing = slices.Insert(s.faults.standing, 0, placedSpoolFault{call, f})
}

// Heal removes every fault, scripted ones included. Calls that already meet one
// are not affected.
func (s *Spool) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = spoolFaults{}
}

// placedSpoolFault is a fault and the call that it is for.
type placedSpoolFault struct {
	call SpoolCall
	SpoolFault
}

func (p placedSpoolFault) at(call SpoolCall) bool {
	return p.call == call || p.call == AnySpoolCall && call != SpoolClose
}

// spoolFaults are those that wait for a call. Spool.mu guards them.
type spoolFaults struct {
	scripted []placedSpoolFault // in order
	standing []placedSpoolFault // newest first
}

// take returns the fault of a call and consumes it if it was scripted.
func (fs *spoolFaults) take(call SpoolCall) SpoolFault {
	applies := func(p placedSpoolFault) bool { return p.at(call) }
	i := slices.IndexFunc(fs.scripted, func(p placedSpoolFault) bool { return p.call == call })
	if i < 0 {
		i = slices.IndexFunc(fs.scripted, applies)
	}
	if i >= 0 {
		f := fs.scripted[i].SpoolFault
		fs.scripted = slices.Delete(fs.scripted, i, i+1)
		return f
	}
	if i := slices.IndexFunc(fs.standing, applies); i >= 0 {
		return fs.standing[i].SpoolFault
	}
	return SpoolFault{}
}

// strike does to a call what the fault says.
func (f SpoolFault) strike(crashed <-chan struct{}) error {
	if f.Until != nil {
		select {
		case <-f.Until:
		case <-crashed:
			return ErrSpoolCrashed
		}
	}
	if f.Panic != nil {
		panic(f.Panic)
	}
	return f.Err
}
