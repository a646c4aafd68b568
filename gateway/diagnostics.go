package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/client"
)

const (
	// maxDiagnosed bounds the mailboxes of one diagnosis, and diagnosedAtOnce those at a time.
	maxDiagnosed    = 20
	diagnosedAtOnce = 5
	// testWait is how long a test message is waited for.
	testWait = 30 * time.Second
)

// diagnose makes every check of a mailbox, or of all of them that are not connected, by itself: one that fails hides no other. It changes
// nothing, since programs repeat and prefetch a GET as they like.
func (l *listeners) diagnose(r *http.Request) (any, error) {
	id, test, err := diagnosis(r)
	if err != nil {
		return nil, err
	}
	if test {
		return nil, badRequest{errors.New("the parameter testMessage: a test message is sent by POST, since a GET must change nothing")}
	}
	if id != "" {
		return l.diagnosed(r.Context(), id, 0), nil
	}
	list, err := l.Client.Watched(r.Context())
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range list {
		if m.Config.Listener != nil && m.Connection != "connected" && len(ids) < maxDiagnosed {
			ids = append(ids, m.Config.Listener.ID)
		}
	}
	all := map[string][]client.Finding{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(diagnosedAtOnce)
	for _, id := range ids {
		group.Go(func() error {
			one := l.diagnosed(r.Context(), id, 0)
			mu.Lock()
			defer mu.Unlock()
			all[id] = one[id]
			return nil
		})
	}
	return all, group.Wait()
}

// diagnoseByTest is diagnose of one mailbox, which may send a mail to itself.
func (l *listeners) diagnoseByTest(r *http.Request) (any, error) {
	id, test, err := diagnosis(r)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, badRequest{errors.New("the parameter id: the Id of one mailbox is expected")}
	}
	wait := time.Duration(0)
	if test {
		wait = testWait
	}
	return l.diagnosed(r.Context(), id, wait), nil
}

// diagnosis reads what is to be diagnosed.
func diagnosis(r *http.Request) (id string, test bool, err error) {
	query := r.URL.Query()
	if text := query.Get("testMessage"); text != "" {
		if test, err = strconv.ParseBool(text); err != nil {
			return "", false, badRequest{fmt.Errorf("the parameter testMessage: true or false is expected, not %.20q", text)}
		}
	}
	return query.Get("id"), test, nil
}

func (l *listeners) diagnosed(ctx context.Context, id string, testMessage time.Duration) map[string][]client.Finding {
	return map[string][]client.Finding{id: l.Client.Diagnose(ctx, mailboxName(id), client.DiagnoseOptions{TestMessage: testMessage, Listener: id})}
}
