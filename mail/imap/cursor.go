package imap

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// cursor is how far a folder was read: "7:12", or "8:12:40" while it is read again.
type cursor struct {
	validity uint32 // UIDVALIDITY
	uid      UID    // the last one that was read
	rescan   UID    // after the server renumbered the folder: up to here it may hold what was read before
}

func (c cursor) String() string {
	if c.rescan > c.uid {
		return fmt.Sprintf("%d:%d:%d", c.validity, c.uid, c.rescan)
	}
	return fmt.Sprintf("%d:%d", c.validity, c.uid)
}

func parseCursor(text string) (cursor, error) {
	numbers, err := split(text, ":")
	if err != nil || len(numbers) > 3 {
		return cursor{}, fmt.Errorf("cursor %q is not UIDVALIDITY:UID or UIDVALIDITY:UID:UID", text)
	}
	c := cursor{validity: numbers[0], uid: UID(numbers[1])}
	if len(numbers) == 3 {
		c.rescan = UID(numbers[2])
	}
	return c, nil
}

// id names a message for as long as it stays in its folder and the folder is not renumbered. It holds UIDVALIDITY, because
// afterwards the same UID is another message.
func id(validity uint32, uid UID) string { return fmt.Sprintf("%d-%d", validity, uid) }

func parseID(text string) (validity uint32, uid UID, err error) {
	numbers, err := split(text, "-")
	if err != nil || len(numbers) != 2 || numbers[1] == 0 {
		return 0, 0, fmt.Errorf("imap: message id %q is not UIDVALIDITY-UID", text)
	}
	return numbers[0], UID(numbers[1]), nil
}

// split reads two or more numbers, of which the first, a UIDVALIDITY, is not 0.
func split(text, separator string) ([]uint32, error) {
	var numbers []uint32
	for part := range strings.SplitSeq(text, separator) {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, uint32(n))
	}
	if len(numbers) < 2 || numbers[0] == 0 {
		return nil, strconv.ErrSyntax
	}
	return numbers, nil
}

// where returns the place that a position means, in terms of a folder that is selected. lost tells that the server has
// renumbered it.
func where(p mail.Position, status Status) (c cursor, lost bool, err error) {
	if c, err = parseCursor(p.Cursor); err != nil || c.validity == status.UIDValidity {
		return c, false, err
	}
	return cursor{validity: status.UIDValidity}, true, nil
}
