package gateway

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail/webhook"
)

const (
	// maxBody bounds a request: some ten thousand mailboxes.
	maxBody = 16 << 20
	// callTimeout bounds what a request asks of Temporal.
	callTimeout = 4 * time.Minute // applications wait for five
	// watchAtOnce is how many mailboxes are made at a time.
	watchAtOnce = 16
)

//go:embed openapi.json
var openAPI []byte

// listeners is the API by which applications had mailboxes watched at the listener service.
type listeners struct {
	Options
}

func listenerRoutes(o Options) map[string]http.Handler {
	l := &listeners{o}
	all := map[string]http.Handler{
		"GET /api/listeners/openapi.json": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(openAPI) // the client has gone
		}),
		"GET /api/health/mail": http.HandlerFunc(l.emailHealth),
	}
	for pattern, handle := range map[string]func(*http.Request) (any, error){
		"GET /api/listeners/status":       l.status,
		"POST /api/listeners":             l.create,
		"PUT /api/listeners":              l.create,
		"POST /api/listeners/recreate":    l.recreate,
		"POST /api/listeners/close":       l.close,
		"POST /api/listeners/resume":      l.resume,
		"POST /api/listeners/state":       l.state,
		"POST /api/listeners/validate":    l.validate,
		"POST /api/listeners/folders":     l.folders,
		"POST /api/listeners/synchronize": l.synchronize,
		"POST /api/listeners/send":        l.send,
		"POST /api/listeners/fetch":       l.fetch,
		"GET /api/listeners/diagnostics":  l.diagnose,
		"POST /api/listeners/diagnostics": l.diagnoseByTest,
		"GET /api/listeners/{id}":         l.get,
		"POST /api/email/test":            l.testEmail,
		"GET /api/listeners/{id}/exists":  l.exists,
	} {
		all[pattern] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, handle) })
	}
	return all
}

// accepted is what goes on after the answer.
type accepted struct{ content any }

// badRequest is what the caller has to mend.
type badRequest struct{ error }

func (b badRequest) Unwrap() error { return b.error }

// serve answers a request with JSON, or with a problem.
func (l *listeners) serve(w http.ResponseWriter, r *http.Request, handle func(*http.Request) (any, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	content, err := handle(r)
	var bad badRequest
	switch {
	case err == nil:
		if later, ok := content.(accepted); ok {
			reply(w, http.StatusAccepted, later.content)
			return
		}
		reply(w, http.StatusOK, content)
	case errors.As(err, &bad):
		problem(w, http.StatusBadRequest, bad.Error())
	case errors.Is(err, client.ErrNotFound), errors.Is(err, client.ErrNotRunning):
		problem(w, http.StatusNotFound, err.Error())
	case client.Refused(err):
		problem(w, http.StatusConflict, err.Error())
	default:
		problem(w, http.StatusServiceUnavailable, err.Error())
	}
}

// read decodes a body. What it does not know is passed over, since applications send more than is documented.
func read[T any](r *http.Request) (T, error) {
	var content T
	if err := json.NewDecoder(r.Body).Decode(&content); err != nil {
		return content, badRequest{fmt.Errorf("the body is not the JSON that is expected: %w", err)}
	}
	return content, nil
}

// connection is a listener in the answer to status.
type connection struct {
	SenderEmailAddress string `json:"SenderEmailAddress"`
	BpmUser            string `json:"BpmUser"`
	BpmEndpoint        string `json:"BpmEndpoint"`
	State              string `json:"State"`
	ID                 string `json:"Id"`
	RedisKey           string `json:"RedisKey"` // the id of the workflow
	UseFullEmail       bool   `json:"UseFullEmail"`

	// Ours: what the state of the connection is, and when it was proved.
	Connection string     `json:"connection"`
	LastAlive  *time.Time `json:"lastAlive,omitempty"`
	Cause      string     `json:"cause,omitempty"`
}

// States of a listener, as applications know them.
const (
	stateExists  = "exists"
	stateMissing = "notExists"
)

func connectionOf(m client.Mailbox) connection {
	c := connection{State: stateExists, ID: m.Name, RedisKey: contract.MailboxID(m.Name), Connection: m.Connection, Cause: m.Cause, SenderEmailAddress: m.Config.Username}
	if !m.Watch.LastAlive.IsZero() {
		at := m.Watch.LastAlive.UTC()
		c.LastAlive = &at
	}
	if l := m.Config.Listener; l != nil {
		c.ID, c.SenderEmailAddress, c.BpmUser, c.BpmEndpoint, c.UseFullEmail = l.ID, l.Sender, l.User, l.Endpoint, l.UseFullEmail
	}
	if m.Paused {
		c.State = stateMissing
	}
	return c
}

func (l *listeners) status(r *http.Request) (any, error) {
	list, err := l.Client.Watched(r.Context())
	if err != nil {
		return nil, err
	}
	connections := map[string]connection{}
	for _, m := range list {
		c := connectionOf(m)
		connections[c.ID] = c
	}
	return map[string]any{"ServiceStatus": "Started", "version": l.Version, "connections": connections}, nil
}

// outcome is what became of a listener that was to be made.
type outcome struct {
	ID      string `json:"Id"`
	Mailbox string `json:"mailbox"` // the name under which it is watched
}

// create watches mailboxes, or changes how they are watched. All are checked before the first is.
func (l *listeners) create(r *http.Request) (any, error) {
	all, err := read[[]credentials](r)
	if err != nil {
		return nil, err
	}
	return l.watch(r.Context(), all)
}

func (l *listeners) watch(ctx context.Context, all []credentials) ([]outcome, error) {
	configs := make([]contract.MailboxConfig, len(all))
	var errs []error
	for i, c := range all {
		var err error
		if configs[i], err = l.config(c); err != nil {
			errs = append(errs, fmt.Errorf("mailbox %d (%s): %w", i+1, c.ID, err))
		}
		if slices.ContainsFunc(all[:i], func(other credentials) bool { return other.ID == c.ID }) {
			errs = append(errs, fmt.Errorf("mailbox %d (%s): this Id comes twice", i+1, c.ID))
		}
		if hook := l.webhook(c); hook != nil {
			if err := hook.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("mailbox %d (%s): BpmEndpoint: %w", i+1, c.ID, err))
			}
		}
	}
	if len(errs) > 0 {
		return nil, badRequest{errors.Join(errs...)}
	}
	outcomes := make([]outcome, len(all))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(watchAtOnce)
	for i, config := range configs {
		group.Go(func() error {
			outcomes[i] = outcome{ID: all[i].ID, Mailbox: config.Name}
			return l.watchOne(working, config, l.webhook(all[i]))
		})
	}
	return outcomes, group.Wait()
}

func (l *listeners) watchOne(ctx context.Context, config contract.MailboxConfig, hook *webhook.Subscription) error {
	if hook == nil {
		if err := l.Client.RemoveWebhook(ctx, config.Name, applicationWebhook); err != nil {
			return err
		}
		return l.Client.ConfigureMailbox(ctx, config)
	}
	document, err := json.Marshal(hook)
	if err != nil {
		return err
	}
	if err := l.Client.PutWebhook(ctx, config.Name, hook.Name, document); err != nil {
		return err
	}
	return l.Client.ConfigureMailbox(ctx, config)
}

// recreate is create that reads again what came since a time, when the credentials name one.
func (l *listeners) recreate(r *http.Request) (any, error) {
	all, err := read[[]credentials](r)
	if err != nil {
		return nil, err
	}
	outcomes, err := l.watch(r.Context(), all)
	if err != nil {
		return nil, err
	}
	for i, c := range all {
		if !c.Since.IsZero() {
			if err := l.Client.Resync(r.Context(), outcomes[i].Mailbox, c.Since); err != nil {
				return nil, err
			}
		}
	}
	return outcomes, nil
}

func (l *listeners) close(r *http.Request) (any, error) {
	return l.change(r, contract.RemoveMailboxUpdate)
}

// resume has mailboxes watched again that errors stopped.
func (l *listeners) resume(r *http.Request) (any, error) { return l.change(r, contract.ResumeUpdate) }

// change sends an update to mailboxes and returns the ids of those that are watched.
func (l *listeners) change(r *http.Request, update string) (any, error) {
	ids, err := read[[]string](r)
	if err != nil {
		return nil, err
	}
	changed := []string{}
	for _, id := range ids {
		err := l.Client.ChangeMailbox(r.Context(), mailboxName(id), update)
		if errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrNotRunning) {
			continue // closed before
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, id)
	}
	return changed, nil
}

// mailbox is one that is watched. The error names it as applications do, and what they can do.
func (l *listeners) mailbox(ctx context.Context, id string) (client.Mailbox, error) {
	m, err := l.Client.Mailbox(ctx, mailboxName(id))
	if errors.Is(err, client.ErrNotFound) {
		return m, fmt.Errorf("mailbox %q: %w: it is not watched; `POST /api/listeners` with its credentials has it watched", id, client.ErrNotFound)
	}
	return m, err
}

func (l *listeners) get(r *http.Request) (any, error) {
	m, err := l.mailbox(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return connectionOf(m), nil
}

func (l *listeners) exists(r *http.Request) (any, error) {
	_, err := l.Client.Mailbox(r.Context(), mailboxName(r.PathValue("id")))
	if errors.Is(err, client.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (l *listeners) state(r *http.Request) (any, error) {
	ids, err := read[[]string](r)
	if err != nil {
		return nil, err
	}
	list, err := l.Client.Watched(r.Context())
	if err != nil {
		return nil, err
	}
	states := map[string]any{}
	byName := map[string]client.Mailbox{}
	for _, m := range list {
		byName[m.Name] = m
	}
	for _, id := range ids {
		if m, watched := byName[mailboxName(id)]; watched {
			states[id] = connectionOf(m)
		} else {
			states[id] = connection{ID: id, State: stateMissing}
		}
	}
	return states, nil
}

// validate tries to log in and says what is wrong in words.
func (l *listeners) validate(r *http.Request) (any, error) {
	result, err := l.check(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"IsValid": result.OK, "Message": result.Message, "Data": list(result.Folders)}, nil
}

func (l *listeners) folders(r *http.Request) (any, error) {
	result, err := l.check(r)
	if err != nil {
		return nil, err
	}
	if len(result.Folders) == 0 {
		return nil, badRequest{errors.New(result.Message)}
	}
	return result.Folders, nil
}

func (l *listeners) check(r *http.Request) (contract.CheckResult, error) {
	c, err := read[credentials](r)
	if err != nil {
		return contract.CheckResult{}, err
	}
	if c.ID == "" {
		c.ID = "new"
	}
	config, err := l.config(c)
	if err != nil {
		return contract.CheckResult{Message: err.Error()}, nil
	}
	return l.Client.CheckMailbox(r.Context(), config)
}

// synchronize reads a mailbox again from a date.
func (l *listeners) synchronize(r *http.Request) (any, error) {
	in, err := read[struct {
		Credentials credentials `json:"Credentials"`
		Filters     struct {
			Since time.Time `json:"Since"`
		} `json:"Filters"`
	}](r)
	if err != nil {
		return nil, err
	}
	if in.Filters.Since.IsZero() {
		return nil, badRequest{errors.New("Filters.Since is required: a time such as 2026-11-20T08:00:00Z")}
	}
	if in.Filters.Since.After(time.Now()) {
		return nil, badRequest{errors.New("Filters.Since lies in the future: a time from which on mail has come is expected")}
	}
	m, err := l.mailbox(r.Context(), in.Credentials.ID)
	if err != nil {
		return nil, err
	}
	if err := l.Client.Resync(r.Context(), m.Name, in.Filters.Since); err != nil {
		return nil, err
	}
	return outcome{ID: in.Credentials.ID, Mailbox: m.Name}, nil
}

// list keeps an empty list from becoming null.
func list(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
