package collector

// maxDepth is how deep JSON may nest: what reads, shows or copies it takes time
// and memory that grow with the depth, and no sender needs as much.
const maxDepth = 100

// checkDepth looks at the brackets only, before anything is decoded.
func checkDepth(text []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return invalid("the JSON nests deeper than %d levels", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
