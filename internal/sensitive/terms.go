// Package sensitive knows which keys name personal data or secrets.
//
// A key is split into words: at separators, at a capital letter after a small
// one, before the last capital of several, and between letters and digits. A
// term matches where its words stand next to each other: "email" matches
// user_email and EMail2, not emailing.
package sensitive

// Kind is what the value under a key may be.
type Kind uint8

// The kinds of keys.
const (
	Harmless Kind = iota
	Personal
	Secret
)

// Term is what a key was recognised by.
type Term struct {
	Name    string // as it is in the list of terms, or in the caller's own
	Kind    Kind
	Numbers bool // a number under it is sensitive too, not only a text

	place    int  // in the list; see Keys.Count
	ofPeople bool // it means a person in an identify only
}

// Place numbers the terms of a Keys from 0, to keep something about each.
func (t *Term) Place() int { return t.place }

// personal terms. Names of things are not personal; a name in an identify is.
var personal = []string{
	"email", "mail",
	"phone", "mobile",
	"full name", "first name", "last name", "name",
	"address", "street", "zip", "postal",
	"birth date", "birthday", "dob",
	"ip", "lat", "lng", "latitude", "longitude",
	"passport", "national id",
}

// secret terms. Under those with numbers a number is as bad as a text; under
// the others it is a count, such as that of tokens.
var secret = []struct {
	name    string
	numbers bool
}{
	{"password", false}, {"passwd", false}, {"secret", false}, {"token", false}, {"api key", false},
	{"authorization", false}, {"cookie", false}, {"private key", false},
	{"credit card", true}, {"card number", true}, {"cvv", true}, {"ssn", true},
}

// ofPeople is the term that identifies only a person: groups and events have
// names too.
const ofPeople = "name"

// digests are the last words of keys whose value has been made unreadable
// already, such as email_hash in LoopKit's documentation.
var digests = map[string]bool{"hash": true, "hashed": true, "hmac": true, "sha 256": true}

// Known returns the terms that every Keys has.
func Known() []*Term {
	var terms []*Term
	for _, name := range personal {
		terms = append(terms, &Term{Name: name, Kind: Personal, Numbers: true, ofPeople: name == ofPeople})
	}
	for _, s := range secret {
		terms = append(terms, &Term{Name: s.name, Kind: Secret, Numbers: s.numbers})
	}
	return terms
}
