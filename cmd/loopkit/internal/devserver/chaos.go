package devserver

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLatency is longer than any client waits.
const maxLatency = 5 * time.Minute

// Chaos is what the server does to requests on purpose. The zero value does
// nothing. In JSON its members are the texts that ParseChaos knows.
type Chaos struct {
	FailPercent float64       // of requests, 0 to 100
	FailStatus  int           // what they are answered
	Latency     time.Duration // before each answer
	RateLimit   float64       // requests in a second, beyond which the answer is 429; 0 is no limit
}

// chaosTexts is the JSON form of a Chaos.
type chaosTexts struct {
	Fail      string `json:"fail"`      // "20%:503"
	Latency   string `json:"latency"`   // "500ms"
	RateLimit string `json:"ratelimit"` // "10/s"
}

// ParseChaos parses rules such as "fail=20%:503,latency=500ms,ratelimit=10/s".
// Each may be left out; an empty text is no chaos.
func ParseChaos(text string) (Chaos, error) {
	var texts chaosTexts
	seen := make(map[string]bool)
	for rule := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(rule), "=")
		if name == "" && value == "" && strings.TrimSpace(text) == "" {
			return Chaos{}, nil
		}
		field, known := map[string]*string{"fail": &texts.Fail, "latency": &texts.Latency, "ratelimit": &texts.RateLimit}[name]
		switch {
		case !known:
			return Chaos{}, fmt.Errorf("chaos %.40q is unknown; the rules are fail=20%%:503, latency=500ms and ratelimit=10/s", name)
		case seen[name]:
			return Chaos{}, fmt.Errorf("chaos %s is given twice", name)
		case value == "":
			return Chaos{}, fmt.Errorf("chaos %s has no value", name)
		}
		seen[name], *field = true, value
	}
	return texts.parse()
}

// parse takes an empty text for a rule that is off.
func (t chaosTexts) parse() (c Chaos, err error) {
	if t.Fail != "" {
		if c.FailPercent, c.FailStatus, err = parseFail(t.Fail); err != nil {
			return Chaos{}, err
		}
	}
	if t.Latency != "" {
		c.Latency, err = time.ParseDuration(t.Latency)
		if err != nil || c.Latency < 0 || c.Latency > maxLatency {
			return Chaos{}, fmt.Errorf("chaos latency is %.40q; it must be a duration up to 5m, such as 500ms", t.Latency)
		}
	}
	if t.RateLimit != "" {
		if c.RateLimit, err = parseRate(t.RateLimit); err != nil {
			return Chaos{}, err
		}
	}
	return c, nil
}

func parseFail(text string) (percent float64, status int, err error) {
	share, code, given := strings.Cut(text, ":")
	status = 503
	if given {
		status, err = strconv.Atoi(code)
	}
	if err != nil || !failing(status) {
		return 0, 0, fmt.Errorf("chaos fail has the status %.40q; it must be 400 to 599", code)
	}
	number, isPercent := strings.CutSuffix(share, "%")
	percent, err = strconv.ParseFloat(number, 64)
	if !isPercent || err != nil || !(percent >= 0 && percent <= 100) {
		return 0, 0, fmt.Errorf("chaos fail is %.40q; it must be a share of the requests and a status, such as 20%%:503", text)
	}
	return percent, status, nil
}

func parseRate(text string) (perSecond float64, err error) {
	number, unit, _ := strings.Cut(text, "/")
	seconds, known := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	count, err := strconv.ParseFloat(number, 64)
	if !known || err != nil || !(count > 0) || math.IsInf(count, 0) || count/seconds <= 0 {
		return 0, fmt.Errorf("chaos ratelimit is %.40q; it must be a number of requests in a time, such as 10/s or 100/m", text)
	}
	return count / seconds, nil
}

func failing(status int) bool { return status >= 400 && status <= 599 }

// String returns what ParseChaos reads as c.
func (c Chaos) String() string {
	var rules []string
	texts := c.texts()
	for _, rule := range []struct{ name, value string }{
		{"fail", texts.Fail}, {"latency", texts.Latency}, {"ratelimit", texts.RateLimit},
	} {
		if rule.value != "" {
			rules = append(rules, rule.name+"="+rule.value)
		}
	}
	return strings.Join(rules, ",")
}

func (c Chaos) texts() (t chaosTexts) {
	if c.FailPercent > 0 {
		t.Fail = fmt.Sprintf("%s%%:%d", decimal(c.FailPercent), c.FailStatus)
	}
	if c.Latency > 0 {
		t.Latency = c.Latency.String()
	}
	if c.RateLimit > 0 {
		t.RateLimit = decimal(c.RateLimit) + "/s"
	}
	return t
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
