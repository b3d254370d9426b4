package rules

// isCard reports whether text is a payment card's number: digits, perhaps in
// groups, that a card company issues and whose check digit is right.
func isCard(text string) bool {
	const shortest, longest = 13, 16
	if len(text) < shortest || len(text) > longest+3 {
		return false
	}
	digits := make([]byte, 0, longest+3)
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			digits = append(digits, c-'0')
		case c != ' ' && c != '-':
			return false
		}
	}
	return isIssued(digits) && passesLuhn(digits)
}

// isIssued knows the beginnings and lengths of the large card companies, so that
// other long numbers are left alone.
func isIssued(digits []byte) bool {
	if len(digits) < 13 {
		return false
	}
	two := int(digits[0])*10 + int(digits[1])
	four := two*100 + int(digits[2])*10 + int(digits[3])
	switch len(digits) {
	case 13:
		return digits[0] == 4
	case 14:
		return two == 36 || two == 38 || two == 30
	case 15:
		return two == 34 || two == 37
	case 16:
		return digits[0] == 4 || 51 <= two && two <= 55 || 2221 <= four && four <= 2720 || four == 6011 || two == 65 || two == 35 || two == 62
	}
	return false
}

func passesLuhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
