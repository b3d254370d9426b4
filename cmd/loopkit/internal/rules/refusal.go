package rules

// Refusal explains why a message was not taken, as far as rules know the reason.
// Nothing came of that message, so no history has it.
func Refusal(in Input) (found []Finding) {
	s := &sighting{number: in.Number, message: &in.Message}
	for _, check := range []*check{noAnonymousID, member} {
		if detail := check.observe(nil, s); detail != "" {
			found = append(found, Finding{&check.Rule, in.Number, detail})
		}
	}
	return found
}
