package imap

import (
	"context"
	"errors"
)

// Append puts a raw mail into a folder, as a mail that arrives (APPEND, RFC 9051, section 6.3.12).
func (a *Account) Append(ctx context.Context, folder string, raw []byte) error {
	folder = canonical(folder)
	return a.s.do(ctx, "append to "+folder, func(*watchdog) error {
		command := a.s.client.Append(folder, int64(len(raw)), nil)
		_, err := command.Write(raw)
		if err := errors.Join(err, command.Close()); err != nil {
			return err
		}
		_, err = command.Wait()
		return err
	})
}
