package service

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/waybill-io/waybill/mail/smtp"
)

// Outcomes of mails.
const (
	Sent       = "sent"
	Repeated   = "repeated" // of those that were sent: not at the first attempt
	Suppressed = "suppressed"
	Refused    = "refused" // because of what the mail is, or of its files: another one may go through
	Failed     = "failed"  // no connection, no log-in, or the server wants it later
	// Uncertain is of those that failed: the whole mail had gone out when the connection broke. Its server may have taken it, and the next
	// attempt, which has the same Message-ID, brings it twice.
	Uncertain = "uncertain"
)

// StageWait is of mails whose time was over while they waited for a connection, or because of the rate. The server is not to blame.
const StageWait = "wait"

// Count is how many mails had an outcome.
type Count struct {
	Tenant  string // "": those of tenants without settings of their own
	Outcome string
	Stage   string // of those refused and failed: how far they came, see smtp.Stage and StageWait
	Mails   uint64
}

// Status is what the last mails of a tenant tell of its server.
type Status struct {
	Tenant      string
	Server      string // host:port
	Suppressed  string // why nothing is sent; "": it is
	LastSuccess time.Time
	LastFailure time.Time
	Failure     string // the last one, in words, without secrets and addresses of recipients
}

// Failing tells whether the last attempt failed because of the server, or of the settings.
func (s Status) Failing() bool { return s.Suppressed == "" && s.LastFailure.After(s.LastSuccess) }

// record counts what becomes of mails.
type record struct {
	mu     sync.Mutex
	counts map[Count]uint64
	last   map[string]Status // by tenant
}

func (r *record) suppress(tenant string) { r.count(Count{Tenant: tenant, Outcome: Suppressed}) }

func (r *record) count(key Count) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts, r.last = map[Count]uint64{}, map[string]Status{}
	}
	r.counts[key]++
}

// sent records an attempt. One that was given up by its caller tells nothing.
func (r *record) sent(tenant string, err error, attempt int) {
	if failure, ok := errors.AsType[*smtp.Error](err); ok && failure.Uncertain {
		r.count(Count{Tenant: tenant, Outcome: Uncertain})
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	if err == nil {
		r.count(Count{Tenant: tenant, Outcome: Sent})
		if attempt > 1 {
			r.count(Count{Tenant: tenant, Outcome: Repeated})
		}
		r.tell(tenant, func(s *Status) { s.LastSuccess = time.Now() })
		return
	}
	key := Count{Tenant: tenant, Outcome: Failed}
	words := "the mail could not be sent"
	if errors.Is(err, ErrNoSender) {
		words = err.Error()
	}
	if failure, ok := errors.AsType[*smtp.Error](err); ok {
		key.Stage, words = string(failure.Stage), describe(failure)
		if aboutMail(failure) {
			key.Outcome = Refused
		}
	}
	if errors.Is(err, smtp.ErrBusy) {
		key.Stage = StageWait
	}
	r.count(key)
	if key.Outcome == Failed && key.Stage != StageWait {
		r.tell(tenant, func(s *Status) { s.LastFailure, s.Failure = time.Now(), words })
	}
}

func (r *record) tell(tenant string, change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.last[tenant]
	change(&s)
	r.last[tenant] = s
}

// aboutMail tells whether an error is about what a mail is, or holds, and not about the server. A recipient that is refused for now is such.
func aboutMail(e *smtp.Error) bool {
	if e.Code == noLogin {
		return false
	}
	switch e.Stage {
	case smtp.StageCompose:
		return true
	case smtp.StageRcpt:
		return e.Code != 0 || !e.Temporary
	case smtp.StageMail, smtp.StageData:
		return !e.Temporary
	}
	return false
}

// noLogin is how a server says that it wants a log-in (RFC 4954, section 6), or TLS (RFC 3207, section 4), first.
const noLogin = 530

// describe is an error in words. What a server says to a recipient, or to a mail, may repeat it: those are left out.
func describe(e *smtp.Error) string {
	switch e.Stage {
	case smtp.StageDial, smtp.StageTLS, smtp.StageAuth:
		return e.Error()
	}
	switch e.Code {
	case noLogin:
		return "the server wants a log-in, or TLS, before it takes mail (530)"
	case 0:
		return "the connection broke at stage " + string(e.Stage)
	}
	return "the server answered with a temporary refusal at stage " + string(e.Stage)
}

// Counts are what became of mails since the service began.
func (s *Service) Counts() []Count {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	var all []Count
	for key, n := range s.record.counts {
		key.Mails = n
		all = append(all, key)
	}
	return all
}

// Status is that of every tenant with settings of its own, and of the others, "". It is empty when no mail server is set up, and mail
// is not switched off.
func (s *Service) Status() []Status {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	var all []Status
	if s.options.Disabled && len(s.options.Accounts) == 0 {
		all = append(all, Status{Suppressed: s.suppressed("")})
	}
	for _, tenant := range slices.Sorted(maps.Keys(s.options.Accounts)) {
		status := s.record.last[tenant]
		status.Tenant, status.Server, status.Suppressed = tenant, s.options.Accounts[tenant].Server, s.suppressed(tenant)
		all = append(all, status)
	}
	return all
}
