package rules

// Refusal explains why a server did not take a message, as far as a rule knows
// the reason. Nothing came of that message, so no history has it.
func Refusal(in Input) []Finding {
	detail := noAnonymousID.observe(nil, &sighting{number: in.Number, message: &in.Message})
	if detail == "" {
		return nil
	}
	return []Finding{{&noAnonymousID.Rule, in.Number, detail}}
}
