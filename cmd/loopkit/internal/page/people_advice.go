package page

import (
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/timeline"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// conflict is an anonymous ID that several users claim, as one of them sees it.
type conflict struct {
	AnonymousID string
	Owner       string
	Claims      []timeline.Clash // the first of each claimant
	Owns        bool             // the page's user has it
}

func conflictsOf(clashes []timeline.Clash, userID string) []conflict {
	var out []conflict
	type claim struct{ anonymousID, owner string }
	at := make(map[claim]int)
	seen := make(map[timeline.Clash]bool)
	for _, clash := range clashes {
		key := claim{clash.AnonymousID, clash.Owner}
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, conflict{AnonymousID: clash.AnonymousID, Owner: clash.Owner, Owns: clash.Owner == userID})
		}
		who := clash
		who.Seq = 0
		if !seen[who] {
			seen[who] = true
			out[i].Claims = append(out[i].Claims, clash)
		}
	}
	return out
}

// advice is what to do so that a person is merged.
type advice struct {
	Reason  string // "anonymous", "without identify", "without anonymous ID", or empty if there is nothing to do
	Command string // that joins the two here, to try it out
}

func adviceFor(p collector.Person, told *timeline.Timeline, identified bool) advice {
	if p.Deleted {
		return advice{}
	}
	if p.UserID == "" {
		userID := "user_123"
		if len(told.Loose) > 0 {
			userID = told.Loose[len(told.Loose)-1].UserID
		}
		return advice{"anonymous", identifyCommand(userID, labelOf(p))}
	}
	anonymousID := ""
	if len(told.Loose) > 0 {
		anonymousID = told.Loose[len(told.Loose)-1].AnonymousID
	}
	switch {
	case len(p.AnonymousIDs) > 0 && len(told.Loose) == 0:
		return advice{}
	case anonymousID != "":
		return advice{"loose", identifyCommand(p.UserID, anonymousID)}
	case !identified:
		return advice{"without identify", identifyCommand(p.UserID, "")}
	case len(p.Conflicts) > 0:
		return advice{} // the conflict is the reason
	}
	return advice{"without anonymous ID", ""}
}

// identifyCommand returns a command in which an ID that looks like a flag is none.
func identifyCommand(userID, anonymousID string) string {
	var flag string
	if anonymousID != "" {
		flag = " --anonymous-id " + shellQuoted(anonymousID)
	}
	if strings.HasPrefix(userID, "-") {
		return "loopkit identify" + flag + " -- " + shellQuoted(userID)
	}
	return "loopkit identify " + shellQuoted(userID) + flag
}
