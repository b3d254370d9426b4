package loopkit

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestEveryStatusHasOneMeaning(t *testing.T) {
	special := map[int]outcome{
		400: outcomeRefused, 422: outcomeRefused,
		409: outcomeConflict,
		413: outcomeTooLarge,
		415: outcomeEncoding,
		408: outcomeRetry, 421: outcomeRetry, 425: outcomeRetry, 429: outcomeRetry,
		500: outcomeCrash,
		501: outcomeHalted, 505: outcomeHalted,
	}
	for status := 100; status <= 999; status++ {
		want, ok := special[status]
		switch {
		case ok:
		case status >= 200 && status < 300:
			want = outcomeDelivered
		case status >= 500 && status < 600:
			want = outcomeRetry
		default:
			want = outcomeHalted
		}
		assert.Equal(t, want, outcomeOf(status), "status %d", status)
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name   string
		values []string
		server string // its Date header
		want   time.Duration
	}{
		{"absent", nil, "", 0},
		{"seconds", []string{"120"}, "", 2 * time.Minute},
		{"zero", []string{"0"}, "", 0},
		{"leading zeros", []string{"007"}, "", 7 * time.Second},
		{"longer than anybody waits", []string{"86400"}, "", 15 * time.Minute},
		{"a number that overflows", []string{"99999999999999999999999"}, "", 15 * time.Minute},
		{"a date", []string{date(90 * time.Second)}, "", 90 * time.Second},
		{"a date by the server's clock", []string{date(90 * time.Second)}, date(time.Minute), 30 * time.Second},
		{"a date by a clock that is a year ahead", []string{date(8760*time.Hour + time.Minute)}, date(8760 * time.Hour), time.Minute},
		{"a date in the past", []string{date(-time.Hour)}, "", 0},
		{"a date far ahead", []string{date(time.Hour)}, "", 15 * time.Minute},
		{"RFC 850", []string{now.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT")}, "", time.Minute},
		{"ANSI C", []string{now.Add(time.Minute).Format(time.ANSIC)}, "", time.Minute},
		{"negative", []string{"-5"}, "", 0},
		{"spaces", []string{" 5 "}, "", 0},
		{"exponent", []string{"1e308"}, "", 0},
		{"not a number", []string{"NaN"}, "", 0},
		{"fraction", []string{"1.5"}, "", 0},
		{"several", []string{"1", "2"}, "", 0},
		{"empty", []string{""}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{"Retry-After": c.values}
			if c.server != "" {
				h.Set("Date", c.server)
			}
			assert.Equal(t, c.want, retryAfter(h, now))
		})
	}
}

func FuzzRetryAfterIsBounded(f *testing.F) {
	f.Add("120", "")
	f.Add("Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 11:59:00 GMT")
	f.Add("1e308", "x")
	f.Add("18446744073709551616", "")
	f.Fuzz(func(t *testing.T, value, date string) {
		got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Unix(1_800_000_000, 0))
		assert.GreaterOrEqual(t, got, time.Duration(0))
		assert.LessOrEqual(t, got, maxRetryAfter)
		if n, err := strconv.ParseUint(value, 10, 8); err == nil && isDigits(value) {
			assert.Equal(t, time.Duration(n)*time.Second, got)
		}
	})
}

func TestASuccessThatDoesNotLookLikeLoopKitsIsForeign(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		cut, foreign      bool
	}{
		{contentType: "application/json", body: `{"success":true}`},
		{contentType: "application/json; charset=utf-8", body: ` {"success":true,"data":[1]} `},
		{contentType: "application/vnd.api+json", body: `{}`},
		{contentType: "Application/JSON", body: `{}`},
		{body: `{"success":true}`},
		{},
		{contentType: "application/json"},
		{contentType: "application/json", body: `{"success":tr`, cut: true},
		{contentType: "application/json", body: `{"success":tr`, foreign: true},
		{contentType: "application/json", body: `{"success":false,"message":"quota"}`, foreign: true},
		{contentType: "application/json", body: `{"success":"yes"}`, foreign: true},
		{contentType: "application/json", body: `[]`, foreign: true},
		{contentType: "text/html", body: `<html>`, foreign: true},
		{contentType: "text/html", foreign: true},
		{body: `<html>`, foreign: true},
	} {
		assert.Equal(t, c.foreign, isForeign(c.contentType, []byte(c.body), !c.cut), "%+v", c)
	}
}

func FuzzWhatAnAnswerSaysIsFitForATerminal(f *testing.F) {
	const key = "lk_secret"
	f.Add([]byte(`{"message":"no such key: lk_secret"}`))
	f.Add([]byte(`{"message":"\u001b[2J\u202e` + strings.Repeat("é", 200) + `"}`))
	f.Add([]byte(`{"success":1,"message":null}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		text := explanation(answer, "Bearer "+key)
		assert.LessOrEqual(t, len(text), maxExplanation)
		assert.NotContains(t, text, key)
		for _, r := range text {
			assert.True(t, unicode.IsPrint(r) && r != utf8.RuneError, "%q", text)
		}
		if isForeign("application/json", answer, true) {
			assert.NotEmpty(t, answer)
		}
	})
}
