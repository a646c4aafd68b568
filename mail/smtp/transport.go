package smtp

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/emersion/go-msgauth/dkim"
)

// Transport sends over one server. It keeps connections for the next mails: those that are idle end by themselves after a while, or at
// Close. It is safe for concurrent use.
type Transport struct {
	cfg     Config
	address string            // of the server, host and port
	sign    *dkim.SignOptions // nil: mails are not signed
	closed  bool              // guarded by the pool
}

// New checks the configuration; it does not connect.
func New(cfg Config) (*Transport, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	t := &Transport{cfg: cfg, address: cfg.address()}
	if cfg.DKIM != nil {
		options, err := cfg.DKIM.signer()
		if err != nil {
			return nil, err
		}
		t.sign = options
	}
	cfg.Pool.pace(t.address, cfg.MailsPerSecond)
	return t, nil
}

// Close ends the connections that are idle, and others when their mail is sent. It waits some seconds for a server that does not answer.
func (t *Transport) Close() error {
	t.cfg.Pool.close(t)
	return nil
}

// Receipt tells what became of a mail.
type Receipt struct {
	MessageID string           `json:"messageId"` // with angle brackets
	Accepted  []string         `json:"accepted"`  // empty when Send failed
	Refused   []RecipientError `json:"refused,omitempty"`
}

// Send returns when the server has taken responsibility for the mail. Recipients that it refused are in the receipt
// while the others get the mail; when it refused all, the error is at StageRcpt and the receipt names each. Errors are
// *Error. When ctx ends the connection is cut; a mail whose content was complete by then may have been accepted.
//
// It waits while Config.Connections are busy. A connection that the server has ended since the last mail is replaced; once the server has
// answered to a command of this mail, nothing is tried again.
func (t *Transport) Send(ctx context.Context, m Mail) (Receipt, error) {
	content, failure := t.prepare(m)
	if content == nil {
		return Receipt{}, failure
	}
	receipt := Receipt{MessageID: content.messageID}
	if failure != nil {
		return receipt, failure
	}
	if failure = t.send(ctx, m, content, &receipt); failure == nil {
		return receipt, nil
	}
	if ctx.Err() != nil && failure.Code == 0 {
		failure.Temporary, failure.Err = true, fmt.Errorf("%w (%w)", context.Cause(ctx), failure.Err)
	}
	receipt.Accepted = nil
	return receipt, failure
}

// prepare makes what goes over the wire, signed. With a failure of an attachment or of the signature, which may pass, it returns what it has,
// since that has a Message-ID.
func (t *Transport) prepare(m Mail) (*composed, *Error) {
	if err := m.Validate(); err != nil {
		return nil, &Error{Stage: StageCompose, Err: err}
	}
	content, err := compose(m)
	if err != nil {
		return nil, &Error{Stage: StageCompose, Err: err}
	}
	if err := content.measure(t.sign); err != nil {
		return content, &Error{Stage: StageCompose, Temporary: true, Err: err}
	}
	return content, nil
}

// send waits for another connection when the server does not let a new one in beside those that there are: who tries again tries much later.
func (t *Transport) send(ctx context.Context, m Mail, content *composed, receipt *Receipt) *Error {
	failure, others := t.try(ctx, m, content, receipt)
	if failure != nil && others {
		failure, _ = t.try(ctx, m, content, receipt)
	}
	return failure
}

// ErrBusy is of a mail whose time was over before its turn came: of the server it says nothing.
var ErrBusy = errors.New("busy")

// try sends over one connection. others tells that the server wanted no new one, and that there are other ones.
func (t *Transport) try(ctx context.Context, m Mail, content *composed, receipt *Receipt) (failure *Error, others bool) {
	pool := t.cfg.Pool
	s, err := pool.take(ctx, t)
	if err != nil {
		return fail(StageDial, fmt.Errorf("%w: %w", ErrBusy, err)), false
	}
	if s != nil {
		failure, usable := s.deliver(ctx, m, content, receipt)
		switch {
		case usable:
			pool.put(t, s)
			return failure, false
		case ctx.Err() != nil || failure == nil || !failure.stale():
			pool.drop(s, failure)
			return failure, false
		}
		_ = s.link.Close() // its place is taken by a new one
		receipt.Accepted, receipt.Refused = nil, nil
	}
	s, failure = t.open(ctx)
	if failure != nil {
		others = t.heed(failure)
		pool.put(t, nil)
		return failure, others
	}
	failure, usable := s.deliver(ctx, m, content, receipt)
	if usable {
		pool.put(t, s)
		return failure, false
	}
	t.heed(failure)
	pool.drop(s, failure)
	return failure, false
}

// suits tells whether t would open a connection like this one: Transports that sign otherwise share theirs.
func (t *Transport) suits(s *session) bool {
	if s.owner == t {
		return true
	}
	mine, other := t.cfg, s.owner.cfg
	mine.DKIM, other.DKIM = nil, nil
	return mine == other
}

// stale reports that a connection was no longer good when its next mail began: the server has ended it, wants to, or has forgotten the
// log-in.
func (e *Error) stale() bool {
	return e.Stage == StageMail && (e.Code == 0 && e.Temporary || e.Code == 421 || e.Code == 530)
}

// heed opens fewer connections to a server that says that they are too many. others tells that there are other ones.
func (t *Transport) heed(failure *Error) (others bool) {
	if failure != nil && failure.Code >= 400 && failure.Code < 500 && crowded.MatchString(failure.Err.Error()) {
		return t.cfg.Pool.ease(t.address)
	}
	return false
}

// crowded is how Postfix and Gmail ("421 4.7.0 ... too many connections"), Exim ("421 Too many concurrent SMTP connections") and Exchange
// ("421 4.3.2 The maximum number of concurrent connections has exceeded a limit", "432 4.3.2 ... thread limit exceeded") say it.
var crowded = regexp.MustCompile(`(?i)too many .*connections|concurrent connections|connection (count|limit|rate)|thread limit`)
