package connectors

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Config entries that every definition may have: how calls are repeated and bounded.
const (
	settingTimeout     = "CALL_TIMEOUT"      // of one attempt
	settingAttempts    = "CALL_ATTEMPTS"     // the first one, too
	settingInterval    = "CALL_INTERVAL"     // before the second attempt; then twice as long each time
	settingMaxInterval = "CALL_MAX_INTERVAL" // at most
	settingUnclaimed   = "CALL_UNCLAIMED"    // how long a call may wait for a worker
	settingRate        = "CALLS_PER_SECOND"  // of an instance, over all workers
)

var policySettings = []string{settingTimeout, settingAttempts, settingInterval, settingMaxInterval, settingUnclaimed, settingRate}

// policy reads the settings of the policy, zero for what there is none of.
func (d *Definition) policy() (p Policy, err error) {
	for _, c := range d.Config {
		if c.Value == "" || !c.OfPolicy() {
			continue
		}
		switch c.Name {
		case settingAttempts:
			p.Retry.Attempts, err = strconv.Atoi(c.Value)
			if err == nil && p.Retry.Attempts < 1 {
				err = strconv.ErrRange
			}
		case settingRate:
			p.PerSecond, err = strconv.ParseFloat(c.Value, 64)
			if err == nil && (p.PerSecond <= 0 || math.IsInf(p.PerSecond, 0) || math.IsNaN(p.PerSecond)) {
				err = strconv.ErrRange
			}
		default:
			var t time.Duration
			if t, err = parseDuration(c.Value); err == nil && t == 0 {
				err = strconv.ErrRange
			}
			switch c.Name {
			case settingTimeout:
				p.Timeout = t
			case settingInterval:
				p.Retry.Interval = t
			case settingMaxInterval:
				p.Retry.MaxInterval = t
			case settingUnclaimed:
				p.Unclaimed = t
			}
		}
		if err != nil {
			return Policy{}, fmt.Errorf("%s: %q: a number of attempts, calls a second, or a time such as 30s is expected, more than 0", c.Name, c.Value)
		}
	}
	return p, nil
}

// over takes from otherwise what p does not say.
func (p Policy) over(otherwise Policy) Policy {
	return Policy{
		Retry: Retry{
			Attempts:    cmp.Or(p.Retry.Attempts, otherwise.Retry.Attempts),
			Interval:    cmp.Or(p.Retry.Interval, otherwise.Retry.Interval),
			Coefficient: cmp.Or(p.Retry.Coefficient, otherwise.Retry.Coefficient),
			MaxInterval: cmp.Or(p.Retry.MaxInterval, otherwise.Retry.MaxInterval),
		},
		Timeout:   cmp.Or(p.Timeout, otherwise.Timeout),
		Unclaimed: cmp.Or(p.Unclaimed, otherwise.Unclaimed),
		PerSecond: cmp.Or(p.PerSecond, otherwise.PerSecond),
	}
}

// OfPolicy tells that the entry says how calls are repeated and bounded, so that its value is the file's and no worker reads it.
func (c Config) OfPolicy() bool { return slices.Contains(policySettings, c.Name) }
