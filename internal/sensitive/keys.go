package sensitive

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// Keys recognises keys by the known terms and by those of the program. It is
// safe for concurrent use.
type Keys struct {
	terms   map[string]*Term // by their words
	longest int              // how many words a term has at most
	count   int
	allowed map[string]bool // by their words

	seen [1 << slotBits]atomic.Pointer[verdict]
}

// A program has few different keys, and to remember one takes a tenth of the
// time of splitting it.
const (
	slotBits      = 9
	mostKeyLength = 64 // of those that are remembered
)

// verdict is what is known of a key. It never changes.
type verdict struct {
	key  string
	term *Term // nil if none
}

// New returns the known terms and extra ones, which are personal, but for keys
// that are allowed. An allowed key is compared whole, by its words.
func New(extra, allowed []string) *Keys {
	k := &Keys{terms: map[string]*Term{}, allowed: map[string]bool{}}
	terms := Known()
	for _, name := range extra {
		terms = append(terms, &Term{Name: name, Kind: Personal, Numbers: true})
	}
	k.count = len(terms)
	for place, t := range terms {
		t.place = place
		k.add(t)
	}
	for _, key := range allowed {
		k.allowed[string(appendWords(nil, key))] = true
	}
	return k
}

// HasWords reports whether a term or an allowed key can match anything.
func HasWords(key string) bool { return len(appendWords(nil, key)) > 0 }

// add enters the term as it is, in the plural, and in one word: emails, fullname.
// A term of the program goes before one that means people only.
func (k *Keys) add(t *Term) {
	for _, form := range append([]string{t.Name}, t.forms...) {
		words := string(appendWords(nil, form))
		plural := words + "s"
		if strings.HasSuffix(words, "s") {
			plural = words + "es"
		}
		for _, form := range []string{words, plural, strings.ReplaceAll(words, " ", ""), strings.ReplaceAll(plural, " ", "")} {
			if taken := k.terms[form]; taken == nil || taken.ofPeople {
				k.terms[form] = t
			}
		}
		k.longest = max(k.longest, strings.Count(words, " ")+1)
	}
}

// Count is how many terms there are.
func (k *Keys) Count() int { return k.count }

// Find returns the term that a key is recognised by, or nil. A secret goes
// before what is personal. ofPerson tells that the key describes a person.
func (k *Keys) Find(key string, ofPerson bool) *Term {
	term := k.find(key)
	if term != nil && term.ofPeople && !ofPerson {
		return nil
	}
	return term
}

// find looks into the two slots where a key may be remembered.
func (k *Keys) find(key string) *Term {
	slot := slotOf(key)
	first := k.seen[slot].Load()
	if first != nil && first.key == key {
		return first.term
	}
	second := k.seen[slot^1].Load()
	if second != nil && second.key == key {
		return second.term
	}
	term := k.look(key)
	if first != nil && (second == nil || rand.Uint32N(2) == 0) {
		slot, first = slot^1, second
	}
	k.remember(slot, first == nil, key, term)
	return term
}

// remember keeps what was found. What is kept already gives way now and then
// only, so that keys which a program makes up do not push out all others.
func (k *Keys) remember(slot uint64, free bool, key string, term *Term) {
	const oneIn = 16
	if len(key) <= mostKeyLength && (free || rand.Uint32N(oneIn) == 0) {
		k.seen[slot].Store(&verdict{strings.Clone(key), term}) // the key may be a small part of something large
	}
}

// slotOf spreads keys by their length and by the eight bytes at each end. Keys
// that share a slot cost time and nothing else.
func slotOf(key string) uint64 {
	const golden = 0x9e3779b97f4a7c15
	var mixed uint64
	switch n := len(key); {
	case n >= 8:
		mixed = wordOf(key)*31 + wordOf(key[n-8:])
	case n >= 4:
		mixed = uint64(halfWordOf(key))<<32 | uint64(halfWordOf(key[n-4:]))
	case n > 0:
		mixed = uint64(key[0])<<16 | uint64(key[n/2])<<8 | uint64(key[n-1])
	}
	return (mixed + uint64(len(key))) * golden >> (64 - slotBits)
}

func wordOf(s string) uint64 {
	return uint64(halfWordOf(s)) | uint64(halfWordOf(s[4:]))<<32
}

func halfWordOf(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// look returns the term that matters most: a secret, then one that is personal
// everywhere, then a name.
func (k *Keys) look(key string) (best *Term) {
	var space [mostKeyLength * 2]byte
	words := appendWords(space[:0], key)
	if k.allowed[string(words)] {
		return nil
	}
	about, unreadable := endsIn(aspects, words), endsIn(digests, words)
	for from := 0; from < len(words); from = nextWord(words, from) {
		for to, n := from, 0; to < len(words) && n < k.longest; n++ {
			to = endOfWord(words, to)
			found, last := k.terms[string(words[from:to])], to == len(words)
			to++ // the space
			switch {
			case found == nil, !last && (about || unreadable && found.Kind == Personal):
			case found.Kind == Secret:
				return found
			case best == nil, best.ofPeople:
				best = found
			}
		}
	}
	return best
}

// endsIn reports whether the last word, or the last two, are in list, and not all
// that there is.
func endsIn(list map[string]bool, words []byte) bool {
	last := bytes.LastIndexByte(words, ' ') + 1
	lastTwo := bytes.LastIndexByte(words[:max(0, last-1)], ' ') + 1
	return last > 0 && list[string(words[last:])] || lastTwo > 0 && list[string(words[lastTwo:])]
}

// endOfWord returns where the word ends that begins at from.
func endOfWord(words []byte, from int) int {
	if n := bytes.IndexByte(words[from:], ' '); n >= 0 {
		return from + n
	}
	return len(words)
}

func nextWord(words []byte, from int) int { return endOfWord(words, from) + 1 }
