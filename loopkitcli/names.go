package loopkitcli

import (
	"slices"
	"strings"
)

// other stands for what may be no name.
const other = "other"

const (
	mostWords     = 4
	mostWordBytes = 32
	mostFlags     = 64
	mostFlagBytes = 64
)

// commandWords are the words that name the command, and what may follow them.
func commandWords(app, command string) []string {
	words := slices.DeleteFunc(strings.Fields(command), func(word string) bool {
		return strings.HasPrefix(word, "<") && strings.HasSuffix(word, ">") // a placeholder, as of kong's Context.Command
	})
	if len(words) > 0 && words[0] == app { // as cobra's CommandPath begins
		words = words[1:]
	}
	return words
}

// commandName is what may be sent of a command.
func (o *Options) commandName(words []string) string {
	switch {
	case len(words) == 0:
		return o.App
	case o.Commands != nil || !o.AnyCommand:
		return longestListed(words, o.Commands)
	}
	for i, word := range words {
		if i == mostWords || !isWord(word) {
			return strings.Join(append(words[:i:i], other), " ")
		}
	}
	return strings.Join(words, " ")
}

func longestListed(words, listed []string) string {
	for n := len(words); n > 0; n-- {
		name := strings.Join(words[:n], " ")
		if slices.Contains(listed, name) {
			return name
		}
	}
	return other
}

func isWord(word string) bool {
	return len(word) <= mostWordBytes && letter(word[0]) && !strings.ContainsFunc(word, func(r rune) bool {
		return r > 'z' || !letter(byte(r)) && !digit(byte(r)) && r != '-' && r != '_'
	})
}

// flagNames is what may be sent of the names of flags: sorted, each once.
func flagNames(given, listed []string) []string {
	raw := slices.ContainsFunc(given, func(flag string) bool { return strings.HasPrefix(flag, "-") })
	names := []string{} // not null
	for i, flag := range given {
		if raw && flag == "--" { // arguments follow
			if i+1 < len(given) {
				names = append(names, other)
			}
			break
		}
		names = append(names, flagName(flag, raw, listed))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > mostFlags {
		names = append(names[:mostFlags-1:mostFlags-1], other)
	}
	return names
}

// flagName is one of them; raw says that it is an argument of the command line.
func flagName(flag string, raw bool, listed []string) string {
	name, _, _ := strings.Cut(flag, "=")
	undashed := strings.TrimLeft(name, "-")
	switch dashes := len(name) - len(undashed); {
	case dashes > 2, raw && dashes == 0, !isFlag(undashed):
		return other
	case listed != nil && !slices.Contains(listed, undashed):
		return other
	case listed == nil && dashes == 1 && len(undashed) > 1:
		return other
	}
	return undashed
}

func isFlag(name string) bool {
	return name != "" && len(name) <= mostFlagBytes && (letter(name[0]) || digit(name[0])) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r > 'z' || !letter(byte(r)) && !digit(byte(r)) && r != '-' && r != '_' && r != '.'
		})
}

func letter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
func digit(b byte) bool  { return '0' <= b && b <= '9' }
