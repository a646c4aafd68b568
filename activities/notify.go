package activities

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Notifier sends the mails that Waybill writes by itself.
type Notifier struct {
	client *client.Client
	mail   *service.Service
}

// NewNotifier returns a notifier that sends over a service. Every notice of a tenant for which that has no mail server is suppressed.
func NewNotifier(c *client.Client, s *service.Service) *Notifier {
	return &Notifier{client: c, mail: s}
}

// RegisterNotifier makes a worker of the notice queue send notices.
func RegisterNotifier(r worker.ActivityRegistry, n *Notifier) {
	register(r, contract.NotifyActivity, n.Notify)
}

// progress is what a notice has done so far, kept by heartbeats: another try goes on behind it.
type progress struct {
	mu sync.Mutex

	Result contract.Notified `json:"result"`
	Done   []string          `json:"done"` // addresses, in small letters, and ownMail
}

// unmendedPause is between tries while the mail server refuses the log-in, or shows a wrong certificate.
const unmendedPause = 15 * time.Minute

// ownMail stands among progress.Done for the mail to To, Cc and Bcc when all of it is settled.
const ownMail = ""

func (p *progress) done(address string) bool {
	return slices.Contains(p.Done, strings.ToLower(address))
}

// Notify sends one mail to each user and to each member of the groups, in their language, and one mail to all of To, Cc and Bcc. What the
// server refuses for good is in the result; what it may take later is tried again, without those who have their mail. Each mail has the
// same Message-ID in every try, since a server that is given up may have taken it. Without a mail server, the result says so.
func (n *Notifier) Notify(ctx context.Context, in contract.Notice) (contract.Notified, error) {
	p := &progress{}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, p); err != nil {
			return contract.Notified{}, fmt.Errorf("read what was sent already: %w", err)
		}
	}
	defer keepAlive(ctx, func() any { return p.snapshot() })()
	if why := n.mail.Suppress(in.Tenant); why != "" {
		return contract.Notified{Suppressed: why}, nil
	}
	account, err := n.mail.Account(in.Tenant)
	if err != nil { // ErrNoServer
		return contract.Notified{Suppressed: err.Error()}, nil
	}
	letters, err := n.address(ctx, in, p)
	if err != nil {
		return contract.Notified{}, err
	}
	writer := &noticeWriter{client: n.client, notice: in, account: account, known: map[string]*writings{}}
	var failed []error
	for _, l := range letters {
		if ctx.Err() != nil {
			return contract.Notified{}, ctx.Err()
		}
		m, problems, err := writer.write(ctx, l)
		if err != nil {
			return contract.Notified{}, err
		}
		p.problems(problems)
		down, err := n.send(ctx, in, l, m, p)
		if p.Result.Suppressed != "" {
			return p.Result, nil
		}
		if _, ok := errors.AsType[*temporal.ApplicationError](err); ok {
			return contract.Notified{}, err
		}
		if err != nil {
			failed = append(failed, err)
		}
		if down {
			break
		}
		if len(letters) > 1 || err != nil {
			if err := n.beat(ctx, p); err != nil {
				return contract.Notified{}, err
			}
		}
	}
	if len(failed) > 0 {
		return contract.Notified{}, errors.Join(failed...)
	}
	return p.Result, nil
}

// beat has Temporal remember what was done at once: the heartbeats of the SDK wait some seconds, in which a worker may die.
func (n *Notifier) beat(ctx context.Context, p *progress) error {
	activity.RecordHeartbeat(ctx, p.snapshot())
	err := n.client.Temporal.RecordActivityHeartbeat(ctx, activity.GetInfo(ctx).TaskToken, p.snapshot())
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return errors.New("nobody waits for the mail any more")
	}
	return nil // the SDK's own heartbeats go on
}

func (p *progress) snapshot() *progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &progress{Result: p.Result, Done: slices.Clone(p.Done)}
}

func (p *progress) problems(texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range texts {
		if !slices.Contains(p.Result.Problems, text) {
			p.Result.Problems = append(p.Result.Problems, text)
		}
	}
}

func (p *progress) suppressed(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Result.Suppressed = why
}

// note keeps what became of a mail.
func (p *progress) note(sent *contract.SentMail, refused []string, done ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent != nil {
		p.Result.Sent = append(p.Result.Sent, *sent)
	}
	p.Result.Refused = append(p.Result.Refused, refused...)
	for _, address := range done {
		p.Done = append(p.Done, strings.ToLower(address))
	}
}

// send sends one mail. An error is worth another try; down says that other mails would fare likewise now.
func (n *Notifier) send(ctx context.Context, in contract.Notice, l recipient, m smtp.Mail, p *progress) (down bool, err error) {
	result, err := n.mail.Send(service.Attempt(ctx, int(activity.GetInfo(ctx).Attempt)), in.Tenant, m)
	if result.Suppressed != "" {
		p.suppressed(result.Suppressed)
		return false, nil
	}
	failure, _ := errors.AsType[*smtp.Error](err)
	all := l.addresses()
	switch {
	case err == nil:
		later := n.accepted(result.Receipt, p)
		if len(later) > 0 {
			return false, fmt.Errorf("mail to %s: %s", later[0].Address, later[0].Message)
		}
		if l.own {
			p.note(nil, nil, ownMail)
		}
		return false, nil
	case failure == nil:
		return true, err
	case failure.Temporary:
		early := failure.Stage == smtp.StageDial || failure.Stage == smtp.StageTLS || failure.Stage == smtp.StageAuth
		return early, fmt.Errorf("mail to %s: %w", strings.Join(all, ", "), err)
	case failure.Stage == smtp.StageTLS, failure.Stage == smtp.StageAuth:
		// Somebody has to mend the password or the certificate, within the day that a notice is tried. Tries in haste would lock the account.
		return true, temporal.NewApplicationErrorWithOptions(fmt.Sprintf("mail to %s: %v", strings.Join(all, ", "), err), "mail server",
			temporal.ApplicationErrorOptions{NextRetryDelay: unmendedPause, Cause: err})
	}
	if l.own {
		all = append(all, ownMail)
	}
	p.note(nil, []string{strings.Join(l.addresses(), ", ") + ": " + err.Error()}, all...)
	return false, nil
}

// accepted notes who has the mail and who is refused for good, and returns whom the server may take it for later.
func (n *Notifier) accepted(r smtp.Receipt, p *progress) (later []smtp.RecipientError) {
	sent := contract.SentMail{MessageID: r.MessageID, Accepted: r.Accepted}
	done := slices.Clone(r.Accepted)
	var refused []string
	for _, each := range r.Refused {
		if each.Temporary() {
			later = append(later, each)
			continue
		}
		sent.Refused = append(sent.Refused, contract.RefusedRecipient{Address: each.Address, Code: each.Code, Message: each.Message})
		refused = append(refused, fmt.Sprintf("%s: %d %s", each.Address, each.Code, each.Message))
		done = append(done, each.Address)
	}
	p.note(&sent, refused, done...)
	return later
}

// noticeID is the Message-ID of the mail of a notice to an address. It is none of mail.MessageID's, whose answers go to a process.
func noticeID(key, address, from string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + strings.ToLower(address)))
	_, domain, _ := strings.Cut(from, "@")
	return "<notice." + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])) + "@" + domain + ">"
}

// taskURL is where somebody works on a task, below the address of the server; "" when that is not known.
func taskURL(base, task string) string {
	if base == "" || task == "" {
		return ""
	}
	segments := strings.Split(task, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return base + "/tasks/" + strings.Join(segments, "/")
}

func toAddresses(list []string) []mail.Address {
	var all []mail.Address
	for _, address := range list {
		all = append(all, mail.Address{Address: address})
	}
	return all
}
