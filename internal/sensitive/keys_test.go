package sensitive

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKeysAreSplitIntoWords(t *testing.T) {
	for key, words := range map[string]string{
		"":               "",
		"__":             "",
		"email":          "email",
		"user_email":     "user email",
		"--user..email ": "user email",
		"userEmail":      "user email",
		"UserEMail":      "user e mail",
		"IPAddress":      "ip address",
		"userIP":         "user ip",
		"userIPs":        "user ips",
		"clientIPsOld":   "client ips old",
		"SSN":            "ssn",
		"HTTPServer2Go":  "http server 2 go",
		"email2":         "email 2",
		"2fa":            "2 fa",
		"straße":         "straße",
		"größeÄußern":    "größeÄußern",
		"a\xffb":         "a b",
		"\ufeffemail":    "email",
		"email\u00a0":    "email",
		"e\u2011mail":    "e mail",
	} {
		assert.Equal(t, words, string(appendWords(nil, key)), key)
	}
}

func TestASecretGoesBeforeWhatIsPersonalAndThatBeforeAName(t *testing.T) {
	k := New(nil, nil)
	for key, term := range map[string]string{
		"email_token": "token", "token_email": "token", "name_email": "email", "email_name": "email", "full_name": "full name",
		"birth_date": "birth date", "nationalIds": "national id", "creditcards": "credit card", "address": "address",
	} {
		for _, ofPerson := range []bool{false, true} {
			if found := k.Find(key, ofPerson); assert.NotNil(t, found, key) {
				assert.Equal(t, term, found.Name, key)
			}
		}
	}
	assert.Nil(t, k.Find("team_name", false))
	assert.Equal(t, "name", k.Find("team_name", true).Name)
	assert.Nil(t, k.Find("plan", true))
}

func TestADigestOfWhatIsPersonalIsNotPersonalAndThatOfASecretStaysASecret(t *testing.T) {
	k := New(nil, nil)
	for _, key := range []string{"email_hash", "emailHashed", "phone_hmac", "ip_sha256", "hash"} {
		assert.Nil(t, k.Find(key, true), key)
	}
	for _, key := range []string{"hash_email", "email_hash_email", "email_sha", "sha256_email"} {
		assert.Equal(t, "email", k.Find(key, true).Name, key)
	}
	assert.Equal(t, Secret, k.Find("password_hash", true).Kind)
}

func TestTermsOfTheProgram(t *testing.T) {
	k := New([]string{"Shoe Size", "email"}, []string{"client_ip", "cookieName"})
	assert.Equal(t, "Shoe Size", k.Find("old_shoe_size", false).Name)
	assert.Equal(t, "Shoe Size", k.Find("shoesizes", false).Name)
	assert.Equal(t, "email", k.Find("email", false).Name)
	assert.Nil(t, k.Find("clientIP", true))
	assert.Nil(t, k.Find("cookie-name", true))
	assert.NotNil(t, k.Find("my_client_ip", true), "an allowed key is compared whole")
	places := map[int]bool{}
	for _, term := range Known() {
		found := k.Find(term.Name, true)
		assert.Equal(t, term.Name, found.Name)
		assert.Less(t, found.Place(), k.Count())
		assert.False(t, places[found.Place()], term.Name)
		places[found.Place()] = true
	}
}

func TestATermOfTheProgramGoesBeforeOneThatMeansPeopleOnly(t *testing.T) {
	assert.Equal(t, Personal, New([]string{"name"}, nil).Find("team_name", false).Kind)
}

func TestUsualFormsInOneWord(t *testing.T) {
	k := New(nil, nil)
	for _, key := range []string{
		"zipcode", "ipaddress", "emailaddress", "phonenumber", "telephone", "accesstoken", "authtoken", "creditcardnumber", "secretkey", "username",
		"passWord", "pass_word", "pwd", "ipv4", "client_ipv6", "date_of_birth", "lon", "surname", "cvc", "access_key",
	} {
		assert.NotNil(t, k.Find(key, true), key)
	}
}

func TestWhatIsSaidAboutTheDataIsNotTheData(t *testing.T) {
	k := New(nil, nil)
	for _, key := range []string{
		"cookie_consent", "cookie_policy_version", "cookieBannerVariant", "password_strength", "password_reset_method", "token_type", "tokenExpiresAt",
		"mobile_os", "phone_model", "email_campaign", "email_template", "emails_sent", "zip_size", "email_verified_at", "credit_card_type",
	} {
		assert.Nil(t, k.Find(key, true), key)
	}
	assert.NotNil(t, k.Find("type_of_token", true))
}

func TestTheMemoryOfKeysNeverChangesTheAnswer(t *testing.T) {
	k := New(nil, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 3000 {
				key := fmt.Sprintf("key_%d", i)
				assert.Nil(t, k.Find(key, true))
				assert.Equal(t, "email", k.Find(key+"_email", true).Name)
			}
		})
	}
	wg.Wait()
	for _, n := range []int{63, 64, 65, 300} {
		long := fmt.Sprintf("%0*d_email", n, 1)
		assert.Equal(t, "email", k.Find(long, false).Name)
		assert.Equal(t, "email", k.Find(long, false).Name)
	}
}

func TestFindingAKeyThatWasSeenAllocatesNothing(t *testing.T) {
	k := New(nil, nil)
	keys := []string{"email", "page", "a_rather_long_name_of_a_property", "ip", "x", "", "birth_date", "team_id", "fullName"}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for _, key := range keys {
			k.Find(key, true)
		}
	}))
}

func BenchmarkFind(b *testing.B) {
	k := New(nil, nil)
	keys := []string{"page", "referrer", "width", "team_id", "ratio", "plan"}
	b.ReportAllocs()
	for b.Loop() {
		for _, key := range keys {
			k.Find(key, false)
		}
	}
}
