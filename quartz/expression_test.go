package quartz

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What org.quartz.CronExpression 2.3.2 answers, five times from 28 November 2026, 20:00 UTC: "expression => times", with "end" when
// there are no more and "error" when it refuses the expression. Many expressions are the examples of Quartz's documentation.
func TestExpressionsFireAsInQuartz(t *testing.T) {
	text, err := os.ReadFile("testdata/quartz-2.3.2.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		expression, want, found := strings.Cut(strings.TrimRight(line, "\n"), " => ")
		require.True(t, found, line)
		require.Equal(t, want, answer(expression), expression)
	}
}

func answer(expression string) string {
	e, err := Parse(expression)
	if err != nil {
		return "error"
	}
	var times []string
	at := time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC)
	for range 5 {
		next, ok := e.Next(at)
		if !ok {
			times = append(times, "end")
			break
		}
		times = append(times, next.Format("2006-01-02T15:04:05"))
		at = next
	}
	return strings.Join(times, " ")
}

func TestTimesAreOfTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	e, err := Parse("0 30 3 * * ?")
	require.NoError(t, err)
	next, ok := e.Next(time.Date(2027, 3, 27, 12, 0, 0, 0, berlin)) // the clocks go forward on the 28th
	require.True(t, ok)
	require.Equal(t, "2027-03-28T03:30:00+02:00", next.Format(time.RFC3339))
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for expression, want := range map[string]string{
		"0 0 12 * *":         "5 fields; 6 or 7 are right",
		"0 0 12 * * MON":     "exactly one of day of the month and day of the week is ?",
		"0 0 24 * * ?":       `hours "24": it is from 0 to 23`,
		"0 0 0 ? * MON#6":    `day of the week "MON#6": # takes 1 to 5`,
		"0 0 0 1,L * ?":      `day of the month "1,L": L and W stand alone`,
		"0 0 0 L-31 * ?":     `day of the month "L-31": L takes -0 to -30`,
		"0 0 0 1 1 ? 1969":   `year "1969": it is from 1970 to 2199`,
		"0 0/0 0 ? * MON":    `minutes "0/0": the step is a number from 1 to 59`,
		"0 0 0 ? * MON 3-2":  `year "3": it is from 1970 to 2199`,
		"0 0 0 ? * DIE 2027": `day of the week "DIE": it is from 1 to 7`,
	} {
		_, err := Parse(expression)
		require.ErrorContains(t, err, want)
	}
}
