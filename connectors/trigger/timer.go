package trigger

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"github.com/waybill-io/waybill/connectors/jsonfile"
)

// Timer says when a trigger of a timer fires: by one of Cron and Every.
type Timer struct {
	Cron     string // minute, hour, day of the month, month, day of the week
	Every    time.Duration
	TimeZone string // of Cron, as the time zone database names it; "": UTC
}

// Timer is when the trigger fires, if its event is of a timer.
func (t *Trigger) Timer() (Timer, bool) { return t.timer, t.kind == ofTimer }

// forever is the longest interval.
const forever = 366 * 24 * time.Hour

func (t *parser) parseTimer(o jsonfile.Object) {
	t.timer = Timer{Cron: o.String("cron"), TimeZone: o.String("timeZone")}
	every := o.String("every")
	switch {
	case (t.timer.Cron == "") == (every == ""):
		o.Errorf("", `one of cron, such as "0 8 * * 1-5", and every, such as "PT15M", is expected`)
	case t.timer.Cron != "" && (len(strings.Fields(t.timer.Cron)) != 5 || strings.ContainsAny(strings.ToUpper(cutNames(t.timer.Cron)), "LW#@") || !gronx.IsValid(t.timer.Cron)):
		o.Errorf("cron", `%q: five fields are expected: minute, hour, day of the month, month, day of the week, such as "0 8 * * 1-5"`, t.timer.Cron)
	case every != "":
		var err error
		if t.timer.Every, err = readInterval(every); err != nil {
			o.Errorf("every", "%w", err)
		}
		if t.timer.TimeZone != "" {
			o.Errorf("timeZone", "has no meaning with every; leave it out")
		}
	}
}

var names = regexp.MustCompile(`(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b`)

// cutNames takes the names of months and days out, whose letters mean nothing by themselves.
func cutNames(cron string) string { return names.ReplaceAllString(cron, "1") }

var interval = regexp.MustCompile(`^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$`)

// readInterval reads an ISO 8601 duration of weeks, days, hours, minutes and seconds, each of a fixed length.
func readInterval(text string) (time.Duration, error) {
	parts := interval.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%q is not an ISO 8601 duration in weeks, days, hours, minutes and seconds, such as PT15M", text)
	}
	seconds := 0.0
	for i, unit := range []float64{7 * 86400, 86400, 3600, 60, 1} {
		n, _ := strconv.ParseFloat("0"+parts[i+1], 64) // digits alone
		seconds += n * unit
	}
	if seconds < 1 || seconds > forever.Seconds() {
		return 0, fmt.Errorf("%q is not between a second and a year", text)
	}
	return time.Duration(math.Round(seconds)) * time.Second, nil
}
