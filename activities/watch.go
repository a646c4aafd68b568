package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/imap"
)

const (
	// batchSize bounds what is in flight between a mailbox and its processes.
	batchSize = 50
	// The pause before a connection is tried again: doubled from the first to the longest, with full jitter, so that many
	// mailboxes do not storm a server that comes back.
	firstPause, longestPause = 250 * time.Millisecond, 30 * time.Second
	// provenAfter is how long a connection must hold before the pause begins at its first length again.
	provenAfter = 30 * time.Second
	// sinceMargin is how far the clocks of a mail server and of Temporal may be apart.
	sinceMargin = 2 * time.Minute
	// rescanMargin: after a folder was renumbered, mail that is older than the newest handled one by more than this is
	// taken for handled. Within it, the ids of the processes tell.
	rescanMargin = 24 * time.Hour
)

// Watcher holds the connections to mailboxes.
type Watcher struct {
	client *client.Client
	files  *Files
}

// NewWatcher returns the watcher activity.
func NewWatcher(c *client.Client, files *Files) *Watcher {
	return &Watcher{client: c, files: files}
}

// watch is one run of the activity.
type watch struct {
	*Watcher
	contract.WatchInput
	mu      sync.Mutex
	status  contract.WatchStatus
	session *imap.Session // for its last proof of life
}

var errHandOver = errors.New("the worker stops")

// Watch follows one mailbox: it fetches new mail into the blob store, hands it to the mailbox's workflow, waits until it is
// handled, and acknowledges it. A lost connection is made anew here, with the cause in the heartbeat; the activity ends
// when the workflow says so, when it is cancelled, or when its worker stops, and then hands over at once.
func (w *Watcher) Watch(ctx context.Context, in contract.WatchInput) error {
	v := &watch{Watcher: w, WatchInput: in}
	v.status.Worker, _ = os.Hostname()
	v.status.Worker = fmt.Sprintf("%d@%s", os.Getpid(), v.status.Worker)
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopping := activity.GetWorkerStopChannel(ctx)
	go func() {
		select {
		case <-stopping:
			cancel(errHandOver)
		case <-working.Done():
		}
	}()
	defer keepAlive(ctx, v.tell)()
	err := v.run(working)
	if errors.Is(context.Cause(working), errHandOver) {
		return temporal.NewApplicationErrorWithOptions("the worker stops; another takes over", "hand-over", temporal.ApplicationErrorOptions{
			NextRetryDelay: time.Millisecond, Category: temporal.ApplicationErrorCategoryBenign,
		})
	}
	return err
}

// tell is what a heartbeat says.
func (v *watch) tell() any {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.session != nil {
		v.status.LastAlive = v.session.LastAlive()
	}
	return v.status
}

func (v *watch) connected(ctx context.Context, s *imap.Session, idle bool) {
	v.mu.Lock()
	v.session = s
	v.status.Connected, v.status.Idle, v.status.Cause = true, idle, ""
	v.mu.Unlock()
	activity.RecordHeartbeat(ctx, v.tell())
}

func (v *watch) lost(ctx context.Context, err error) {
	v.mu.Lock()
	v.session = nil
	v.status.Connected, v.status.Cause = false, err.Error()
	v.mu.Unlock()
	activity.RecordHeartbeat(ctx, v.tell())
}

// run makes one connection after another until one ends in good order.
func (v *watch) run(ctx context.Context) error {
	log := activity.GetLogger(ctx)
	pause := firstPause
	for {
		begun := time.Now()
		err := v.connect(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		v.lost(ctx, err)
		if time.Since(begun) > provenAfter {
			pause = firstPause
		}
		wait := time.Duration(rand.Int64N(int64(pause)))
		if failure, ok := errors.AsType[*imap.Error](err); ok && failure.Kind == imap.KindAuth {
			wait = longestPause/2 + rand.N(longestPause/2) // log-ins that fail fast after each other lock accounts
		}
		log.Warn("mailbox is not connected", "mailbox", v.Mailbox, "error", err, "again", wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		pause = min(2*pause, longestPause)
	}
}

// connect follows the mailbox over one connection. nil means that the workflow wants no more.
func (v *watch) connect(ctx context.Context) error {
	config, err := v.imapConfig()
	if err != nil {
		return err
	}
	s, err := imap.Dial(ctx, config)
	if err != nil {
		return err
	}
	defer s.Close()
	folder, err := s.Select(ctx)
	if err != nil {
		return err
	}
	v.connected(ctx, s, folder.Idle)
	var state contract.MailboxState
	answer, err := v.client.Temporal.QueryWorkflow(ctx, contract.MailboxID(v.Mailbox), "", contract.MailboxQuery)
	if err == nil {
		err = answer.Get(&state)
	}
	if err != nil {
		return fmt.Errorf("read the cursor of mailbox %q: %w", v.Mailbox, err)
	}
	cursor := state.Cursor
	if cursor.UIDValidity != folder.UIDValidity {
		reset, err := v.position(ctx, s, folder, cursor)
		if err != nil {
			return err
		}
		result, err := v.hand(ctx, contract.MailBatch{Reset: &reset})
		if err != nil || result.Stop {
			return err
		}
		cursor = result.Cursor
	} else if err := v.acknowledge(ctx, s, state.Unconfirmed); err != nil {
		return err
	}
	return v.follow(ctx, s, cursor)
}

func (v *watch) imapConfig() (imap.Config, error) {
	password, err := Secret(v.Config.Password)
	if err != nil {
		return imap.Config{}, err
	}
	return imap.Config{
		Host: v.Config.Host, Port: v.Config.Port, TLS: imap.TLS(v.Config.TLS), AllowPlain: v.Config.AllowPlain,
		Username: v.Config.Username, Password: password,
		Folder: v.Config.Folder, PollInterval: milliseconds(v.Config.PollMS), MaxMessageBytes: v.Config.MaxBytes,
		IdleRestart: milliseconds(v.Config.IdleMS), CommandTimeout: milliseconds(v.Config.TimeoutMS),
	}, nil
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// position is where to begin in a folder that is new to us, or that the server renumbered.
func (v *watch) position(ctx context.Context, s *imap.Session, folder imap.Status, old contract.Cursor) (contract.Cursor, error) {
	reset := contract.Cursor{UIDValidity: folder.UIDValidity}
	if old.UIDValidity != 0 {
		reset.RescanTo = max(uint32(folder.UIDNext), 1) - 1
		return reset, nil
	}
	if v.Config.Since.IsZero() || folder.UIDNext == 0 {
		return reset, nil
	}
	// The first mail that came after the mailbox was added: mail is numbered in order of arrival, so halving finds it.
	low, high := imap.UID(0), folder.UIDNext-1
	for low < high {
		middle := low + (high-low)/2
		next, err := s.Next(ctx, middle, 1)
		if err != nil {
			return reset, err
		}
		if len(next) == 0 || next[0].UID > high || !next[0].InternalDate.Before(v.Config.Since.Add(-sinceMargin)) {
			high = middle
		} else {
			low = next[0].UID
		}
	}
	reset.UID = uint32(low)
	return reset, nil
}

// follow reads on from the cursor until the connection breaks or the workflow wants no more.
func (v *watch) follow(ctx context.Context, s *imap.Session, cursor contract.Cursor) error {
	for {
		found, err := s.Next(ctx, imap.UID(cursor.UID), batchSize)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			if _, err := s.Wait(ctx); err != nil {
				return err
			}
			continue
		}
		batch := contract.MailBatch{UIDValidity: cursor.UIDValidity}
		for _, e := range found {
			ref, err := v.fetch(ctx, s, cursor, e)
			if err != nil {
				return err
			}
			batch.Mails = append(batch.Mails, ref)
		}
		result, err := v.hand(ctx, batch)
		if err != nil {
			return err
		}
		if err := v.acknowledge(ctx, s, result.Handled); err != nil {
			return err
		}
		v.discard(ctx, cursor, result.Unwanted)
		if cursor = result.Cursor; result.Stop {
			return nil
		}
	}
}

// fetch stores a mail and refers to it. What cannot be fetched for a reason of its own is told in the reference.
func (v *watch) fetch(ctx context.Context, s *imap.Session, cursor contract.Cursor, e imap.Envelope) (contract.MailRef, error) {
	ref := contract.MailRef{UID: uint32(e.UID), Size: e.Size, InternalDate: e.InternalDate}
	if ref.UID <= cursor.RescanTo && e.InternalDate.Before(cursor.HighWater.Add(-rescanMargin)) {
		ref.Skip = true
		return ref, nil
	}
	key := v.folder(cursor, ref.UID) + "raw.eml"
	err := v.files.Write(ctx, key, "message/rfc822", func(w io.Writer) error {
		n, err := s.Fetch(ctx, e.UID, w, v.Config.MaxBytes)
		ref.Size = max(ref.Size, n)
		return err
	})
	switch {
	case errors.Is(err, imap.ErrGone):
		ref.Skip = true
	case errors.Is(err, imap.ErrTooLarge):
		ref.Reason = fmt.Sprintf("larger than the limit of the mailbox: %d bytes, at most %d are taken (mailbox add --max-size)", ref.Size, v.Config.MaxBytes)
	case err != nil:
		return ref, err
	default:
		ref.Blob = key
	}
	return ref, nil
}

// folder is where a mail and its attachments are stored.
func (v *watch) folder(cursor contract.Cursor, uid uint32) string {
	return fmt.Sprintf("mail/%s/%d-%d/", contract.Segment(v.Mailbox), cursor.UIDValidity, uid)
}

// discard removes what was stored of mail that nobody wanted. It comes after the workflow's word, since a delivery that is repeated
// reads its mails again. What it cannot remove is litter and hinders nothing.
func (v *watch) discard(ctx context.Context, cursor contract.Cursor, uids []uint32) {
	for _, uid := range uids {
		if err := v.files.Remove(ctx, v.folder(cursor, uid)); err != nil {
			activity.GetLogger(ctx).Warn("mail that nobody wanted stays in the blob store", "mailbox", v.Mailbox, "error", err)
		}
	}
}

// hand gives a batch to the workflow and waits until it is handled.
func (v *watch) hand(ctx context.Context, batch contract.MailBatch) (contract.MailBatchResult, error) {
	var result contract.MailBatchResult
	h, err := v.client.Temporal.UpdateWorkflow(ctx, temporalclient.UpdateWorkflowOptions{
		WorkflowID: contract.MailboxID(v.Mailbox), UpdateName: contract.MailUpdate, Args: []any{batch},
		WaitForStage: temporalclient.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, &result)
	}
	if err != nil {
		return result, fmt.Errorf("hand %d mails of mailbox %q over: %w", len(batch.Mails), v.Mailbox, err)
	}
	return result, nil
}

func (v *watch) acknowledge(ctx context.Context, s *imap.Session, uids []uint32) error {
	ack := imap.Ack{Seen: v.Config.MarkSeen, Keyword: v.Config.Keyword, MoveTo: v.Config.MoveTo}
	if len(uids) == 0 || ack == (imap.Ack{}) {
		return nil
	}
	list := make([]imap.UID, len(uids))
	for i, uid := range uids {
		list[i] = imap.UID(uid)
	}
	return s.Acknowledge(ctx, list, ack)
}
