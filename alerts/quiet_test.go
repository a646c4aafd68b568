package alerts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		require.NoError(t, err)
		return at
	}
	const nights = `{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00"}`
	const weekend = `{"timeZone":"Europe/Berlin","from":"00:00","to":"00:00","days":["sat","sun"]}`
	for name, tc := range map[string]struct {
		quiet, severity, now, until string
	}{
		"by day":                            {nights, "error", "2026-11-25 12:00", ""},
		"before midnight":                   {nights, "error", "2026-11-25 22:00", "2026-11-26 06:00"},
		"after midnight":                    {nights, "error", "2026-11-26 05:59", "2026-11-26 06:00"},
		"at the end":                        {nights, "error", "2026-11-26 06:00", ""},
		"critical waits, too":               {nights, "critical", "2026-11-25 23:00", "2026-11-26 06:00"},
		"critical passes":                   {`{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00","exceptCritical":true}`, "critical", "2026-11-25 23:00", ""},
		"error does not":                    {`{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00","exceptCritical":true}`, "error", "2026-11-25 23:00", "2026-11-26 06:00"},
		"of a day":                          {`{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00","days":["wed"]}`, "error", "2026-11-26 05:00", "2026-11-26 06:00"},
		"of another day":                    {`{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00","days":["thu"]}`, "error", "2026-11-26 05:00", ""},
		"whole days":                        {weekend, "error", "2026-11-28 12:00", "2026-11-30 00:00"},
		"one after the other":               {nights + "," + weekend, "error", "2026-11-27 23:00", "2026-11-30 06:00"},
		"clocks go back: nine hours":        {nights, "error", "2026-10-24 22:30", "2026-10-25 06:00"},
		"clocks go forward: seven hours":    {nights, "error", "2026-03-28 22:30", "2026-03-29 06:00"},
		"an end that is left out is later":  {`{"timeZone":"Europe/Berlin","from":"01:00","to":"02:30"}`, "error", "2026-03-29 01:30", "2026-03-29 03:30"},
		"a beginning that is left out":      {`{"timeZone":"Europe/Berlin","from":"02:30","to":"05:00"}`, "error", "2026-03-29 03:15", ""},
		"a beginning that is left out, too": {`{"timeZone":"Europe/Berlin","from":"02:30","to":"05:00"}`, "error", "2026-03-29 03:45", "2026-03-29 05:00"},
	} {
		t.Run(name, func(t *testing.T) {
			r := parse(t, `{"name":"r","quietHours":[`+tc.quiet+`],"actions":[{"mail":{"to":["a@b.c"]}}]}`)
			until := r.QuietUntil(at(tc.now), tc.severity)
			if tc.until == "" {
				require.Zero(t, until)
				return
			}
			require.Equal(t, at(tc.until).UTC(), until.UTC())
		})
	}
	r := parse(t, `{"name":"r","quietHours":[`+nights+`],"actions":[{"mail":{"to":["a@b.c"]}}]}`)
	require.Equal(t, 8*time.Hour+30*time.Minute, r.QuietUntil(at("2026-10-24 22:30"), "error").Sub(at("2026-10-24 22:30")))
	require.Equal(t, 6*time.Hour+30*time.Minute, r.QuietUntil(at("2026-03-28 22:30"), "error").Sub(at("2026-03-28 22:30")))
}
