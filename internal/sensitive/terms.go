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
	Counted bool // an object of numbers under it counts such things

	forms    []string // further ones by which it is recognised
	place    int      // in the list; see Place
	ofPeople bool     // it means a person in an identify only
}

// Place numbers the terms of a Keys from 0, to keep something about each.
func (t *Term) Place() int { return t.place }

// Known returns the terms that every Keys has.
func Known() []*Term {
	personal := func(name string, forms ...string) *Term {
		return &Term{Name: name, Kind: Personal, Numbers: true, forms: forms}
	}
	secret := func(name string, forms ...string) *Term {
		return &Term{Name: name, Kind: Secret, forms: forms}
	}
	// A number is as bad as a text under these, under the others it is a count.
	number := func(name string, forms ...string) *Term {
		return &Term{Name: name, Kind: Secret, Numbers: true, forms: forms}
	}
	nameOfPerson := personal("name", "username")
	nameOfPerson.ofPeople = true // groups and events have names too
	token := secret("token", "accesstoken", "authtoken", "refreshtoken")
	token.Counted = true // of language models, for one
	return []*Term{
		personal("email", "emailaddress"),
		personal("mail"),
		personal("phone", "telephone", "phonenumber"),
		personal("mobile"),
		personal("full name"),
		personal("first name", "given name"),
		personal("last name", "family name", "surname"),
		nameOfPerson,
		personal("address"),
		personal("street"),
		personal("zip", "zipcode"),
		personal("postal", "postcode"),
		personal("birth date", "birthday", "date of birth", "dateofbirth"),
		personal("dob"),
		personal("ip", "ipaddress", "ipv"), // ipv4 is two words
		personal("lat", "latitude"),
		personal("lng", "lon", "longitude"),
		personal("passport"),
		personal("national id"),

		secret("password", "pass word", "pwd"),
		secret("passwd"),
		secret("secret", "secretkey"),
		token,
		number("api key", "access key"),
		secret("authorization"),
		secret("cookie"),
		number("private key"),
		number("credit card", "creditcardnumber"),
		number("card number"),
		number("cvv", "cvc"),
		number("ssn"),
	}
}

// digests are the last words of keys whose value has been made unreadable
// already, such as email_hash in LoopKit's documentation. That of a secret is
// still one.
var digests = map[string]bool{"hash": true, "hashed": true, "hmac": true, "sha 256": true}

// aspects are the last words of keys that say something about the data and do
// not hold it: token_type, email_campaign.
var aspects = map[string]bool{
	"type": true, "kind": true, "count": true, "size": true, "length": true, "version": true, "variant": true,
	"status": true, "strength": true, "method": true, "consent": true, "template": true, "campaign": true,
	"model": true, "os": true, "at": true, "sent": true, "expires": true, "expiry": true,
}
