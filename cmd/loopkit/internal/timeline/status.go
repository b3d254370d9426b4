package timeline

import "github.com/loopkitai/loopkit-go/internal/collector"

// Status is how far a person has come.
type Status string

// The statuses.
const (
	Anonymous     Status = "anonymous"      // no identify named the anonymous ID
	NotIdentified Status = "not identified" // the user ID came in events or groups only
	Identified    Status = "identified"     // an identify named the user
	Deleted       Status = "deleted"        // and nothing arrived since
)

// Status returns that of a person. An identify before a deletion does not count.
func (o Overview) Status(p collector.Person) Status {
	switch {
	case p.Deleted:
		return Deleted
	case p.UserID == "":
		return Anonymous
	case !o.Identified[p.UserID]:
		return NotIdentified
	default:
		return Identified
	}
}
