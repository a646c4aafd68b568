// Package ews watches folders of one mailbox on an Exchange server of one's own (Exchange 2013 SP1 and later) over
// Exchange Web Services. It owns the connections and nothing durable; the cursor of each folder belongs to the caller. It
// must not know what happens to a mail.
//
// The loop of a caller:
//
//	account, err := ews.Open(ctx, config, folders)           // logged in, folders found
//	for {
//		batch, err := account.Next(ctx, folder, position, 50) // the truth: SyncFolderItems since the cursor
//		... account.Fetch(ctx, folder, id, writer, limit) ... account.Acknowledge(ctx, folder, ids, ack)
//		if !batch.More {
//			err := account.Wait(ctx)                         // only a hint that Next is worth a call
//		}
//	}
//
// Rules that the code keeps, each met because servers do otherwise:
//
//   - A server tells nothing of what happened while no streaming connection was open. So Wait returns when one has
//     been opened, when one has ended, at each event and every few minutes, and Next finds out what there is.
//   - The response to GetStreamingEvents is many documents, one behind the other. Each is read as it comes, and only to
//     its end.
//   - A streaming connection without a word for minutes is dead, also if TCP says otherwise.
//   - An error code of a stream ends the subscription, whatever the ConnectionStatus beside it says; a connection that is
//     cut does not.
//   - A server that is busy says for how long (BackOffMilliseconds, Retry-After); the next request waits for that.
//   - A server that permits no further connection or subscription is polled.
//   - The content of a mail is decoded as it comes and never held in memory.
//   - NTLM authenticates a TCP connection. So there are two, one for requests and one for events, with one request at a
//     time on each.
//   - Document types and entities are refused, and every answer has a greatest size.
//
// Next, Fetch, Acknowledge and Folders are safe from several goroutines but run one after the other; Wait is for one
// goroutine, which may be another one; Close, LastAlive and Pushes are safe at any time.
package ews
