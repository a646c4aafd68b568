// Package imap watches one folder of one IMAP account: connect, search, fetch, wait, acknowledge. It owns the
// connection and nothing durable; the cursor (UIDVALIDITY and the last UID handled) belongs to the caller. It must
// not know what happens to a message.
//
// The loop of a caller:
//
//	session, err := imap.Dial(ctx, config)          // connected and logged in
//	status, err := session.Select(ctx)              // compare status.UIDValidity with the cursor
//	for {
//		envelopes, err := session.Next(ctx, last, 50)  // the truth: what is there, by search
//		... session.Fetch(ctx, uid, writer, limit) ... session.Acknowledge(ctx, uids, ack)
//		if len(envelopes) == 0 {
//			why, err := session.Wait(ctx)               // only a hint that Next is worth a call
//		}
//	}
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
//
// A Session is for one goroutine, except Close and LastAlive, which are safe at any time.
package imap
