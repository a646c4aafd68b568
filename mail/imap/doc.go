// Package imap reads folders of one IMAP account: connect, search, fetch, wait, acknowledge. It owns the connection and
// nothing durable; the position belongs to the caller. It must not know what happens to a message.
//
// The loop of a caller:
//
//	account, err := imap.Open(ctx, config, folders)  // connected and logged in
//	for {
//		for _, folder := range folders {
//			batch, err := account.Next(ctx, folder, position, 50) // the truth: what is there, by search; again while batch.More
//			... account.Fetch(ctx, folder, item.ID, writer, limit) ... account.Acknowledge(ctx, folder, ids, ack)
//			position.Cursor = batch.Cursor                        // when all of it is handled
//		}
//		err := account.Wait(ctx)                                  // only a hint that Next is worth a call
//	}
//
// A Session is the connection below, for one folder, with the server's own numbers instead of positions and ids.
//
// Rules that the code keeps, each met because servers or the client library do otherwise:
//
//   - What is new is found by UID SEARCH over closed ranges after every Wait, whatever its reason; an EXISTS is
//     never trusted to come, or to be the only news.
//   - After a change the first IDLE is cut short once, so that a mail which arrived between the search and the
//     server's confirmation of IDLE, and which the server did not announce, is found within two seconds.
//   - Every command runs under a watchdog: the library has no context and waits for ever on a silent server, and
//     closing the connection is the only thing that ends that. So a session whose context ended, or that returned
//     an error of KindNetwork, is dead: dial again.
//   - IDLE is ended and proved by a NOOP every few minutes, before servers drop it and so that a connection that is
//     up but silent is found. LastAlive tells when the server last answered.
//   - Only UID, FLAGS, INTERNALDATE, RFC822.SIZE and BODY.PEEK[] are fetched: one malformed ENVELOPE or
//     BODYSTRUCTURE would close the connection at each retry. QRESYNC is never enabled: its VANISHED would too.
//   - Of several folders, those that STATUS says are unchanged are not selected, but STATUS is believed no longer than
//     one IDLE lasts.
//   - What was said before TLS began counts for nothing (starttls.go).
//
// CONDSTORE (RFC 7162) is not used. It finds changes of flags, in which nobody here is interested. For new mail it has nothing
// better than UID SEARCH over the UIDs behind the cursor, which is one command as well: in a folder of 8,000 messages with
// one new one Dovecot 2.3 answers that in 0.2 ms, FETCH 1:* (CHANGEDSINCE) in 0.7 and SEARCH MODSEQ, which may answer with
// every message, in 4 or more. And once it is enabled the server sends MODSEQ with each flag that anybody changes.
//
// An Account or a Session is for one goroutine, except Close and LastAlive, which are safe at any time.
package imap
