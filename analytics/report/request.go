package report

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/events"
)

// Request asks for a report.
type Request struct {
	Report     string            // its name
	Tenant     string            // "": the default one
	Parameters map[string]string // by id; "" is as good as none
}

// ErrInvalid is wrapped by the error of a request that has to be changed.
var ErrInvalid = errors.New("the request is wrong")

// invalid is an ErrInvalid in words that need no more.
type invalid struct{ error }

func (i invalid) Unwrap() []error { return []error{i.error, ErrInvalid} }

const (
	// maxText bounds a parameter.
	maxText = 1024
	// maxIntervals bounds the bars of a chart over time.
	maxIntervals = 1000
)

// question is a request that was understood, and its answer as far as it has come.
type question struct {
	*Reporter
	report Report
	tenant string
	now    time.Time

	process                 string
	from, to                time.Time
	zone                    *time.Location
	interval                string
	status                  events.Status // "": all
	slowest                 int
	task                    string
	limit                   time.Duration
	ended                   bool
	implementation, mailbox string

	result Result
}

// understand checks a request. The error has all that is wrong with it.
func (r *Reporter) understand(in Request) (*question, error) {
	report, ok := Find(in.Report)
	if !ok {
		return nil, invalid{fmt.Errorf("there is no report %q: one of %s is expected", in.Report, strings.Join(Names(), ", "))}
	}
	q := &question{Reporter: r, report: report, tenant: in.Tenant, now: r.now()}
	q.result = Result{Report: report.Name, Title: report.Title, Parameters: map[string]string{}}
	var errs []error
	for id, value := range in.Parameters {
		if _, known := report.Parameter(id); !known && value != "" {
			errs = append(errs, fmt.Errorf("the report %s has no parameter %s: it has %s", report.Name, id, strings.Join(report.ids(), ", ")))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, p := range report.Parameters {
		value := strings.TrimSpace(in.Parameters[p.ID])
		if value == "" && p.Required {
			errs = append(errs, fmt.Errorf("the parameter %s is missing: %s", p.ID, p.Description))
			continue
		}
		if value == "" && !(p.ID == RangeParameter && in.Parameters[FromParameter] != "") {
			value = p.Default
		}
		if value == "" {
			continue
		}
		if err := q.set(p, value); err != nil {
			errs = append(errs, fmt.Errorf("the parameter %s: %w", p.ID, err))
			continue
		}
	}
	if len(errs) == 0 {
		errs = append(errs, q.span())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, invalid{err}
	}
	return q, nil
}

// Check checks a request without asking an index. The error wraps ErrInvalid.
func Check(in Request) error {
	_, err := (&Reporter{}).understand(in)
	return err
}

func (r Report) ids() []string {
	var ids []string
	for _, p := range r.Parameters {
		ids = append(ids, p.ID)
	}
	return ids
}

// set takes a value, and notes how it was understood.
func (q *question) set(p Parameter, value string) error {
	if len(value) > maxText {
		return fmt.Errorf("%d bytes are too many: at most %d are expected", len(value), maxText)
	}
	if len(p.Options) > 0 {
		option, ok := p.option(value)
		if !ok {
			return fmt.Errorf("%q: one of %s is expected", value, strings.Join(p.Options, ", "))
		}
		value = option
	}
	var err error
	switch p.ID {
	case ProcessParameter:
		q.process = value
	case ZoneParameter:
		if q.zone, err = time.LoadLocation(value); err != nil || value == "Local" {
			return fmt.Errorf("%q: the name of a time zone such as Europe/Berlin is expected", value)
		}
	case IntervalParameter:
		q.interval = value
	case StatusParameter:
		if value != allStatuses {
			q.status = events.Status(value)
		}
	case SlowestParameter:
		q.slowest, err = strconv.Atoi(value)
		if err != nil || q.slowest < 1 || q.slowest > p.Max {
			return fmt.Errorf("%q: a number from 1 to %d is expected", value, p.Max)
		}
	case TaskParameter:
		q.task = value
	case DurationParameter:
		if q.limit, err = ParseDuration(value); err != nil {
			return err
		}
	case EndedParameter:
		if q.ended, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("%q: true or false is expected", value)
		}
	case ImplementationParameter:
		q.implementation = value
	case MailboxParameter:
		q.mailbox = value
	}
	q.result.Parameters[p.ID] = value
	return nil
}

var durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)`)

// ParseDuration reads a duration such as 90s, 2h30m, 3d or 1w, or a number of seconds. It is longer than nothing.
func ParseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q: a duration such as 90s, 2h30m or 3d is expected, or a number of seconds", text)
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	rest := strings.ToLower(strings.ReplaceAll(text, " ", ""))
	if _, err := strconv.ParseFloat(rest, 64); err == nil {
		rest += "s"
	}
	var total float64
	for rest != "" {
		part := durationPart.FindStringSubmatch(rest)
		if part == nil {
			return 0, wrong
		}
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, wrong
		}
		total += n * float64(units[part[2]])
		rest = rest[len(part[0]):]
	}
	if total <= 0 || total > float64(100*365*24*time.Hour) {
		return 0, wrong
	}
	return time.Duration(total).Round(time.Millisecond), nil
}
