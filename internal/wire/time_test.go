package wire

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
)

func TestTimestampsAreUTCWithExactlyThreeDecimals(t *testing.T) {
	east := time.FixedZone("east", 5*3600+30*60)
	for want, in := range map[string]time.Time{
		`"2025-01-15T10:30:00.000Z"`: time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC),
		`"2025-01-15T10:30:00.120Z"`: time.Date(2025, 1, 15, 10, 30, 0, 120_000_000, time.UTC),
		`"2024-02-29T23:59:59.999Z"`: time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.UTC), // cut, not rounded
		`"2024-12-31T20:00:00.000Z"`: time.Date(2025, 1, 1, 1, 30, 0, 0, east),
		`"1969-12-31T23:59:59.999Z"`: time.Date(1969, 12, 31, 23, 59, 59, 999_000_001, time.UTC),
		`"0001-01-01T00:00:00.000Z"`: {},
		`"0000-01-01T00:00:00.000Z"`: time.Date(-5, 6, 7, 8, 9, 10, 0, time.UTC),
		`"9999-12-31T23:59:59.999Z"`: time.Date(12000, 6, 7, 8, 9, 10, 0, time.UTC),
	} {
		assert.Equal(t, want, string(AppendTime(nil, in)))
	}
}

func FuzzAppendTime(f *testing.F) {
	f.Add(int64(0), int64(0))
	f.Add(int64(1736937000), int64(123456789))
	f.Add(int64(-62135596800), int64(999999999))
	f.Fuzz(func(t *testing.T, seconds, nanoseconds int64) {
		in := time.Unix(seconds, nanoseconds)
		if !writable(in) {
			return
		}
		assert.Equal(t, in.UTC().Format(`"2006-01-02T15:04:05.000Z"`), string(AppendTime(nil, in)))
	})
}

func TestUUIDsAreWrittenAsTheyAreReadByHumans(t *testing.T) {
	for range 100 {
		u := uuid.New()
		assert.Equal(t, "id "+u.String(), string(AppendUUID([]byte("id "), u)))
	}
}
