package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/waybill-io/waybill/mail"
)

// UID is the unique identifier of a message in its folder, for as long as UIDVALIDITY stays the same.
type UID = imap.UID

// Session is a connection that is logged in. See the package comment for its rules.
type Session struct {
	cfg    Config
	folder string // selected, or to be selected
	conn   *conn
	client *imapclient.Client
	caps   imap.CapSet
	status Status
	sizes  map[UID]int64 // of the last batch of Next
	alive  atomic.Int64  // Unix nanoseconds

	changed chan struct{} // one slot: the server said that the folder changed
	recheck bool          // the next IDLE is cut short once
}

// Status is what the server told when the folder was selected.
type Status struct {
	UIDValidity uint32 `json:"uidValidity"`
	UIDNext     UID    `json:"uidNext"` // 0 where the server does not tell
	Messages    uint32 `json:"messages"`

	Idle      bool `json:"idle"`      // RFC 2177
	CondStore bool `json:"condStore"` // RFC 7162
	Move      bool `json:"move"`      // RFC 6851
	UIDPlus   bool `json:"uidPlus"`   // RFC 4315
	Keywords  bool `json:"keywords"`  // new keywords may be created (PERMANENTFLAGS has \*)

	permanentFlags []imap.Flag
}

// Select opens the configured folder for reading and writing.
func (s *Session) Select(ctx context.Context) (Status, error) { return s.enter(ctx, s.cfg.Folder) }

// enter selects a folder. When that fails none is selected (RFC 9051, section 6.3.2).
func (s *Session) enter(ctx context.Context, folder string) (Status, error) {
	s.folder, s.status = folder, Status{}
	var data *imap.SelectData
	err := s.do(ctx, "select "+folder, func(*watchdog) (err error) {
		data, err = s.client.Select(folder, nil).Wait()
		if err == nil && data.UIDValidity == 0 {
			err = errors.New("the server gave no UIDVALIDITY, so messages cannot be told apart")
		}
		return err
	})
	if failure := new(Error); errors.As(err, &failure) {
		if _, refused := isNo(failure.Err); refused && failure.Kind == mail.KindProtocol {
			failure.Kind = mail.KindFolderMissing
		}
		if strings.Contains(failure.Err.Error(), notConnected) {
			failure.Kind, failure.Err = mail.KindAuth, fmt.Errorf("%w (%s)", failure.Err, notConnectedHint)
		}
	}
	if err != nil {
		return Status{}, err
	}
	s.sizes, s.recheck = nil, true
	s.status = Status{
		UIDValidity: data.UIDValidity,
		UIDNext:     data.UIDNext,
		Messages:    data.NumMessages,

		Idle:      s.caps.Has(imap.CapIdle),
		CondStore: s.caps.Has(imap.CapCondStore),
		Move:      s.caps.Has(imap.CapMove),
		UIDPlus:   s.caps.Has(imap.CapUIDPlus),
		Keywords:  slices.Contains(data.PermanentFlags, imap.FlagWildcard),

		permanentFlags: data.PermanentFlags,
	}
	return s.status, nil
}

// LastAlive is when the server last completed a command or announced a change: the proof that the connection is
// alive, where "connected" is only an opinion. Safe from several goroutines.
func (s *Session) LastAlive() time.Time { return time.Unix(0, s.alive.Load()) }

// Close ends the connection at once; commands that run return an error. Safe from several goroutines.
func (s *Session) Close() error { return s.conn.Close() }

// wake fills the slot; a slot that is full already says the same.
func (s *Session) wake() {
	s.alive.Store(time.Now().UnixNano())
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
