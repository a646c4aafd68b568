package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
)

const (
	// batchSize bounds what is in flight between a folder and its processes.
	batchSize = 50
	// The pause before a connection is tried again: doubled from the first to the longest, with full jitter, so that many
	// mailboxes do not storm a server that comes back.
	firstPause, longestPause = 250 * time.Millisecond, 30 * time.Second
	// provenAfter is how long a connection must hold before the pause begins at its first length again.
	provenAfter = 30 * time.Second
)

// source is a connection to an account, logged in. Its errors end it.
type source interface {
	// Next returns what lies behind a position of a folder. Without items and with another cursor it found where to begin.
	Next(ctx context.Context, folder string, p mail.Position, max int) (mail.Batch, error)
	// Wait blocks until something may be new in a folder.
	Wait(ctx context.Context) error
	Fetch(ctx context.Context, folder, id string, w io.Writer, limit int64) (int64, error)
	// Find returns mails whose Message-ID may be this one.
	Find(ctx context.Context, folder, messageID string) ([]mail.Item, error)
	Acknowledge(ctx context.Context, folder string, ids []string, ack mail.Ack) error
	LastAlive() time.Time // the last proof that the server answers
	Folders(ctx context.Context) ([]string, error)
	Pushes() bool // the server tells of new mail; else it is polled
	Close() error
}

// watch follows one mailbox.
type watch struct {
	*Watcher
	contract.WatchInput
	mu          sync.Mutex
	status      contract.WatchStatus
	source      source            // for its last proof of life; nil: no connection
	since       time.Time         // when the connection was made
	errors      map[int]int       // in a row, by the rule of the policy that they fell under
	state       int               // the change of the mailbox that the last connection was made with
	toldOfToken bool              // that it is refused
	alarm       bool              // was raised, and nobody has heard yet that the account works again
	failed      map[string]int    // tries to fetch, by mail: of the one that fails, since those behind it are not reached
	broken      map[string]string // folders that cannot be followed, with the reason
}

// tell is what a heartbeat says of the mailbox.
func (v *watch) tell() contract.WatchStatus {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.source != nil {
		v.status.LastAlive = v.source.LastAlive()
	}
	return v.status
}

func (v *watch) connectedTo(s source) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.source, v.since, v.broken = s, time.Now(), map[string]string{}
	v.status.Connected, v.status.Idle, v.status.Cause = true, s.Pushes(), ""
}

// maxCause bounds what a heartbeat holds of an error, since a watcher's heartbeat holds those of all its mailboxes.
const maxCause = 300

func cut(text string, limit int) string { return strings.ToValidUTF8(text[:min(len(text), limit)], "") }

// lost notes why there is no connection, and tells whether the last one had held for long: one that took long to fail proves nothing.
func (v *watch) lost(err error) (proven bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	proven = v.source != nil && time.Since(v.since) > provenAfter
	v.source = nil
	v.status.Connected, v.status.Cause = false, cut(err.Error(), maxCause)
	return proven
}

// trouble notes what is wrong with one folder, while the others are followed; nil: nothing any more.
func (v *watch) trouble(folder string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.broken, folder)
	if err != nil {
		v.broken[folder] = err.Error()
	}
	v.status.Cause = cut(strings.Join(slices.Sorted(maps.Values(v.broken)), "; "), maxCause)
}

// errStop tells that the mailbox's workflow wants no more mail.
var errStop = errors.New("the mailbox is paused, stopped or removed")

// errMoved tells that its positions were given up: the next connection begins from the new ones.
var errMoved = errors.New("the mailbox is read again from elsewhere")

// run makes one connection after another until the mailbox's workflow wants no more. changed is called when the state of the
// connection changes.
func (v *watch) run(ctx context.Context, changed func()) error {
	log := activity.GetLogger(ctx)
	pause := firstPause
	for {
		err := v.connect(ctx, changed)
		if errors.Is(err, errStop) || ctx.Err() != nil {
			return ctx.Err()
		}
		proven := v.lost(err)
		v.reconnects.WithLabelValues(cmp.Or(string(mail.KindOf(err)), "other")).Inc()
		changed()
		if proven {
			pause, v.errors = firstPause, nil
		}
		v.refused(ctx, err)
		if report := v.tooMany(err); report != nil && v.stop(ctx, *report) {
			return ctx.Err()
		}
		wait := time.Duration(rand.Int64N(int64(pause)))
		switch severityOf(err) {
		case slowly:
			wait = longestPause/2 + rand.N(longestPause/2)
		case atOnce:
			wait = 0
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

// connect follows the mailbox over one connection.
func (v *watch) connect(ctx context.Context, changed func()) error {
	// The positions and the account that they are of come from one place.
	var state contract.MailboxState
	answer, err := v.client.Temporal.QueryWorkflow(ctx, contract.MailboxID(v.Mailbox), "", contract.MailboxQuery)
	if err == nil {
		err = answer.Get(&state)
	}
	if err != nil {
		return fmt.Errorf("read the position of mailbox %q: %w", v.Mailbox, err)
	}
	if state.Stopped != nil {
		return errStop
	}
	v.Config, v.state = state.Config, state.Changes
	s, err := v.open(ctx, v.Config)
	if err != nil {
		return err
	}
	defer s.Close()
	var folders []*folder
	for _, name := range v.Config.Folders() {
		f := &folder{watch: v, source: s, epoch: state.Epoch, Place: contract.Place{Folder: name}}
		for _, p := range state.Places {
			if p.Folder == name {
				f.Place = p
			}
		}
		f.at = f.Cursor
		if err := f.acknowledge(ctx, f.Unconfirmed); err != nil && severityOf(err) != ofFolder {
			return err
		}
		folders = append(folders, f)
	}
	v.connectedTo(s)
	changed()
	v.toldOfToken, v.alarm = false, state.Alarm != nil
	v.Metrics.connected.Inc()
	defer v.Metrics.connected.Dec()
	for {
		more := false
		for _, f := range folders { // in turn, so that a full folder does not starve the others
			found, err := f.step(ctx)
			if err != nil && (len(folders) == 1 || severityOf(err) != ofFolder) {
				return err
			}
			v.trouble(f.Folder, err)
			more = more || found
		}
		if more {
			continue
		}
		if err := s.Wait(ctx); err != nil {
			return err
		}
	}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// folder is one that is followed, from the place that the workflow knows.
type folder struct {
	*watch
	source source
	contract.Place
	epoch int    // of the place
	at    string // the cursor that was read to: beyond the place's where there was no mail
}

// step has one batch handled and reports whether there was one.
func (f *folder) step(ctx context.Context) (bool, error) {
	found, err := f.source.Next(ctx, f.Folder, mail.Position{Cursor: f.at, Since: f.Config.Since, HighWater: f.HighWater}, batchSize)
	if err == nil {
		err = f.works(ctx)
	}
	if err != nil {
		return false, err
	}
	begun := f.Cursor != ""
	f.at = found.Cursor
	if len(found.Items) == 0 && begun && !found.Lost {
		return found.More, nil
	}
	batch := contract.MailBatch{Folder: f.Folder, Epoch: f.epoch, From: f.Cursor, Cursor: found.Cursor}
	for _, item := range found.Items {
		ref, err := f.fetch(ctx, item)
		if err != nil {
			return false, err
		}
		batch.Mails = append(batch.Mails, ref)
	}
	result, err := f.insist(ctx, batch)
	switch {
	case err != nil:
		return false, err
	case result.Moved:
		return false, errMoved
	}
	f.Place, f.at = result.Place, result.Place.Cursor
	if err := f.acknowledge(ctx, result.Handled); err != nil {
		return false, err
	}
	f.discard(ctx, result.Unwanted)
	if result.Stop {
		return false, errStop
	}
	return true, nil
}

// fetch stores a mail and refers to it. What cannot be fetched for a reason of its own is told in the reference.
func (f *folder) fetch(ctx context.Context, item mail.Item) (contract.MailRef, error) {
	ref := contract.MailRef{ID: item.ID, Size: item.Size, InternalDate: item.Arrived}
	if item.Old {
		ref.Skip = true
		return ref, nil
	}
	defer since(f.fetched, time.Now())
	key := f.key(ref.ID) + "raw.eml"
	var refused error // by the source: what the store does is not the mail's fault
	err := f.files.Write(ctx, key, "message/rfc822", func(w io.Writer) error {
		store := &noting{Writer: w}
		n, err := f.source.Fetch(ctx, f.Folder, item.ID, store, f.Config.MaxBytes)
		ref.Size = max(ref.Size, n)
		if store.err == nil {
			refused = err
		}
		return err
	})
	switch {
	case errors.Is(err, mail.ErrGone):
		ref.Skip = true
	case errors.Is(err, mail.ErrTooLarge):
		ref.Reason = fmt.Sprintf("larger than the limit of the mailbox: %d bytes, at most %d are taken (mailbox add --max-size)", ref.Size, f.Config.MaxBytes)
	case refused != nil && ctx.Err() == nil && f.failedAgain(ref.ID):
		ref.Reason = fmt.Sprintf("cannot be fetched: %s (%d tries)", cut(err.Error(), maxCause), fetchTries)
	case err != nil:
		return ref, err
	default:
		ref.Blob = key
		f.failed = nil
	}
	return ref, nil
}

// noting keeps the error of a writer.
type noting struct {
	io.Writer
	err error
}

func (n *noting) Write(p []byte) (int, error) {
	written, err := n.Writer.Write(p)
	n.err = err
	return written, err
}

// fetchTries is how often a mail may fail to be fetched until it is dead, so that it does not keep those behind it from being handled.
// Connections that cannot be made do not count, nor does a blob store that is full or away.
const fetchTries = 8

// failedAgain counts a failure, and reports whether it was the last that a mail may have.
func (v *watch) failedAgain(id string) bool {
	if v.failed == nil {
		v.failed = map[string]int{}
	}
	v.failed[id]++
	return v.failed[id] >= fetchTries
}

// key is where a mail and its attachments are stored.
func (f *folder) key(id string) string {
	where := contract.Segment(f.Mailbox) + "/"
	if f.Folder != f.Config.Folder {
		where += contract.Segment(f.Folder) + "/"
	}
	if f.epoch > 0 { // what an earlier epoch stored is not this one's to overwrite or remove
		where += fmt.Sprintf("again-%d/", f.epoch)
	}
	return "mail/" + where + contract.Segment(id) + "/"
}

// discard removes what was stored of mail that nobody wanted. It comes after the workflow's word, since a delivery that is repeated
// reads its mails again. What it cannot remove is litter and hinders nothing.
func (f *folder) discard(ctx context.Context, ids []string) {
	for _, id := range ids {
		if err := f.files.Remove(ctx, f.key(id)); err != nil {
			activity.GetLogger(ctx).Warn("mail that nobody wanted stays in the blob store", "mailbox", f.Mailbox, "error", err)
		}
	}
}

// insist hands a batch over, and again while an earlier one of the folder is in hand: that of a worker that died may wait for a trigger
// for long. It is no fault of the connection, which the server is asked something over in between, so that both ends keep it.
func (f *folder) insist(ctx context.Context, batch contract.MailBatch) (contract.MailBatchResult, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		result, err := f.hand(ctx, batch)
		if refusal, ok := errors.AsType[*temporal.ApplicationError](err); !ok || refusal.Type() != contract.Busy {
			return result, err
		}
		select {
		case <-ctx.Done():
			return result, ctx.Err()
		case <-time.After(rand.N(pause)):
		}
		if _, err := f.source.Next(ctx, f.Folder, mail.Position{Cursor: f.at, Since: f.Config.Since, HighWater: f.HighWater}, 1); err != nil {
			return result, err
		}
	}
}

// hand gives a batch to the workflow and waits until it is handled.
func (f *folder) hand(ctx context.Context, batch contract.MailBatch) (contract.MailBatchResult, error) {
	var result contract.MailBatchResult
	h, err := f.client.Temporal.UpdateWorkflow(ctx, temporalclient.UpdateWorkflowOptions{
		WorkflowID: contract.MailboxID(f.Mailbox), UpdateName: contract.MailUpdate, Args: []any{batch},
		WaitForStage: temporalclient.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, &result)
	}
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return result, errStop // the mailbox's workflow has ended
	}
	if err != nil {
		return result, fmt.Errorf("hand %d mails of mailbox %q over: %w", len(batch.Mails), f.Mailbox, err)
	}
	return result, nil
}

func (f *folder) acknowledge(ctx context.Context, ids []string) error {
	ack := mail.Ack{Seen: f.Config.MarkSeen, Keyword: f.Config.Keyword, MoveTo: f.Config.MoveTo, Delete: f.Config.Delete}
	if f.unmarked {
		ack.Seen, ack.Keyword = false, ""
	}
	if len(ids) == 0 || ack == (mail.Ack{}) {
		return nil
	}
	return f.source.Acknowledge(ctx, f.Folder, ids, ack)
}
