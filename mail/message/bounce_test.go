package message

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dsn is a standard report with this delivery status.
func dsn(status string) string {
	return "From: MAILER-DAEMON@mx.example.net\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\n\r\ntext\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" + strings.ReplaceAll(status, "\n", "\r\n") +
		"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: s\r\nMessage-Id:\r\n <1@example.org>\r\n\r\n--b--\r\n"
}

func TestDeliveryStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		status string
		want   []Recipient
	}{
		"all fields": {"Reporting-MTA: dns; mx\n\nOriginal-Recipient: rfc822;ann@example.net\nFinal-Recipient: rfc822; a.archer@example.net\nAction: failed\nStatus: 5.1.1 (no such user)\nDiagnostic-Code: smtp; 550 5.1.1\n User unknown\n",
			[]Recipient{{"ann@example.net", "failed", "5.1.1", "550 5.1.1 User unknown"}}},
		"two": {"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822;a@x\nAction: delayed\nStatus: 4.4.1\n\n\nFinal-Recipient: RFC822;b@x\nAction: Relayed (to mailer)\nStatus: 2.0.0\n",
			[]Recipient{{"a@x", "delayed", "4.4.1", ""}, {"b@x", "relayed", "2.0.0", ""}}},
		"no empty lines":       {"Reporting-MTA: dns; mx\nFinal-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.0.0\nFinal-Recipient: rfc822;b@x\nAction: expanded\n", []Recipient{{"a@x", "failed", "5.0.0", ""}, {"b@x", "expanded", "2.0.0", ""}}},
		"original first, none": {"Original-Recipient: rfc822;a@x\nFinal-Recipient: rfc822;c@x\nDiagnostic-Code: smtp;no\nOriginal-Recipient: rfc822;b@x\nFinal-Recipient: rfc822;d@x\n", []Recipient{{"a@x", "failed", "5.0.0", "no"}, {"b@x", "failed", "5.0.0", ""}}},
		"status of diagnostic": {"Final-Recipient: rfc822;a@x\nAction: failed\nDiagnostic-Code: smtp; 552-5.2.2 full\n", []Recipient{{"a@x", "failed", "5.2.2", "552-5.2.2 full"}}},
		"action of status":     {"Final-Recipient: rfc822;a@x\nStatus: 4.2.2\n", []Recipient{{"a@x", "delayed", "4.2.2", ""}}},
		"action of code":       {"Final-Recipient: rfc822;a@x\nDiagnostic-Code: smtp; 451 try later\n", []Recipient{{"a@x", "delayed", "4.0.0", "451 try later"}}},
		"address, no status":   {"Final-Recipient: rfc822;a@x\nStatus: 10.5.1.1\n", []Recipient{{"a@x", "failed", "5.0.0", ""}}},
		"xtext and brackets":   {"Original-Recipient: rfc822;<a+2Bb+3Dc@x>\n", []Recipient{{"a+b=c@x", "failed", "5.0.0", ""}}},
		"plus address":         {"Original-Recipient: rfc822;a+AB@x\n", []Recipient{{"a+AB@x", "failed", "5.0.0", ""}}},
		"no type":              {"Final-Recipient: a@x\n", []Recipient{{"a@x", "failed", "5.0.0", ""}}},
		"other types":          {"Final-Recipient: utf-8; ä@x\nDiagnostic-Code: X-Postfix; unknown user\n", []Recipient{{"ä@x", "failed", "5.0.0", "X-Postfix; unknown user"}}},
		"delivered":            {"Final-Recipient: rfc822;a@x\nAction: delivered\nStatus: 2.1.5\n", []Recipient{{"a@x", "delivered", "2.1.5", ""}}},
		"nonsense":             {"no field\n: x\n\x00\n  folded nothing\nAction: failed\n", []Recipient{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := BounceOf(parse(t, dsn(tc.status), Limits{}))
			require.Equal(t, &Bounce{"<1@example.org>", tc.want}, b)
		})
	}
}

func TestDeliveryStatusInBase64(t *testing.T) {
	raw := strings.Replace(dsn("STATUS"), "message/delivery-status\r\n", "message/global-delivery-status\r\nContent-Transfer-Encoding: base64\r\n", 1)
	raw = strings.Replace(raw, "STATUS", base64.StdEncoding.EncodeToString([]byte("Final-Recipient: utf-8;ä@x\nStatus: 5.6.7\n")), 1)
	b := BounceOf(parse(t, raw, Limits{}))
	require.Equal(t, []Recipient{{"ä@x", "failed", "5.6.7", ""}}, b.Recipients)
	require.True(t, b.Failed())
}

// The texts are in the forms that these programs give their reports; the names are made up.
func TestBouncesInText(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want Bounce
	}{
		"qmail": {"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\n" +
			"Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n" +
			"<nobody@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n<full@example.net>:\n192.0.2.1 does not like recipient.\nRemote host said: 552 5.2.2 over quota\nGiving up on 192.0.2.1.\n\n" +
			"--- Below this line is a copy of the message.\n\nReturn-Path: <support@example.org>\nFrom: support@example.org\nmessage-id: <1@example.org>\nTo: nobody@example.net\n\n<other@example.net>:\nnot a recipient\n",
			Bounce{"<1@example.org>", []Recipient{
				{"nobody@example.net", "failed", "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)"},
				{"full@example.net", "failed", "5.2.2", "192.0.2.1 does not like recipient. Remote host said: 552 5.2.2 over quota Giving up on 192.0.2.1."},
			}}},
		"exim": {"Return-path: <>\nX-Failed-Recipients: nobody@example.net,\n  Gone@example.com\nAuto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@mx.example.net>\nSubject: Mail delivery failed: returning message to sender\n\n" +
			"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n" +
			"  nobody@example.net\n    SMTP error from remote mail server after RCPT TO:<nobody@example.net>:\n    host mx.example.net [192.0.2.1]: 550 5.1.1 User unknown\n  gone@example.com\n    Unrouteable address\n\n" +
			"------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <support@example.org>\nMessage-ID: <1@example.org>\n",
			Bounce{"<1@example.org>", []Recipient{
				{"nobody@example.net", "failed", "5.1.1", "SMTP error from remote mail server after RCPT TO:<nobody@example.net>: host mx.example.net [192.0.2.1]: 550 5.1.1 User unknown"},
				{"gone@example.com", "failed", "5.0.0", "Unrouteable address"},
			}}},
		"exim, delayed": {"Auto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@mx.example.net>\nReferences: <1@example.org>\nSubject: Warning: message 1abcde-000001-00 delayed 24 hours\n\n" +
			"This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.example.net.\n\n" +
			"The message identifier is:     1abcde-000001-00\nThe date of the message is:    Mon, 15 Sep 2025 10:30:00 +0200\n\nThe address to which the message has not yet been delivered is:\n\n  slow@example.net\n    Delay reason: Connection timed out\n\nNo action is required on your part.\n",
			Bounce{"<1@example.org>", []Recipient{{"slow@example.net", "delayed", "4.0.0", "Delay reason: Connection timed out No action is required on your part."}}}},
		"gmail": {"From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nX-Failed-Recipients: nobody@example.net\nSubject: Delivery Status Notification (Failure)\n\n" +
			"Delivery to the following recipient failed permanently:\n\n     nobody@example.net\n\nTechnical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the server for the recipient domain example.net.\nThe error that the other server returned was:\n550 5.1.1 <nobody@example.net>: user unknown\n\n" +
			"----- Original message -----\n\nReceived: by 192.0.2.2 with SMTP id x\nMessage-ID: <1@example.org>\n",
			Bounce{"<1@example.org>", []Recipient{{"nobody@example.net", "failed", "5.1.1", "Technical details of permanent failure: Google tried to deliver your message, but it was rejected by the server for the recipient domain example.net. The error that the other server returned was: 550 5.1.1 <nobody@example.net>: user unknown"}}}},
		"exchange": {"From: System Administrator <postmaster@example.net>\nIn-Reply-To: <1@example.org>\nSubject: Undeliverable: Your request\n\n" +
			"Your message did not reach some or all of the intended recipients.\n\n      Subject:\tYour request\n      Sent:\t15/09/2025 10:30\n\nThe following recipient(s) could not be reached:\n\n      'nobody@example.net' on 15/09/2025 10:31\n            The e-mail account does not exist at the organization this message was sent to.\n            <mx.example.net #5.1.1>\n",
			Bounce{"<1@example.org>", []Recipient{{"nobody@example.net", "failed", "5.1.1", "The e-mail account does not exist at the organization this message was sent to. <mx.example.net #5.1.1>"}}}},
		"sendmail": {"Return-Path: <>\nFrom: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nSubject: Returned mail: see transcript for details\n\n" +
			"The original message was received at Mon, 15 Sep 2025\n\n   ----- The following addresses had permanent fatal errors -----\n<nobody@example.net>\n    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript of session follows -----\n<x@example.net>: no\n",
			Bounce{"", []Recipient{{"nobody@example.net", "failed", "5.1.1", "(reason: 550 5.1.1 User unknown)"}}}},
		"html only": {"From: postmaster@example.net\nContent-Type: text/html\nSubject: Undeliverable: x\n\n<p>Delivery has failed to these recipients or groups:</p><p>nobody@example.net</p><p>Unknown address.</p>",
			Bounce{"", []Recipient{{"nobody@example.net", "failed", "5.0.0", "Unknown address."}}}},
		"unknown words": {"From: MAILER-DAEMON@mx.example.net\nX-Failed-Recipients: a@example.net\n\nEs ging nicht.\n", Bounce{"", []Recipient{{"a@example.net", "failed", "5.0.0", ""}}}},
		"nothing known": {"From: MAILER-DAEMON@mx.example.net\n\nEs ging nicht.\n", Bounce{"", []Recipient{}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, end := range []string{"\n", "\r\n"} {
				b := BounceOf(parse(t, strings.ReplaceAll(tc.raw, "\n", end), Limits{}))
				require.Equal(t, &tc.want, b)
			}
		})
	}
}

func TestBounceIsBounded(t *testing.T) {
	var many, known strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "<user%d@example.net>:\n%s\n\n", i, strings.Repeat("x", 30))
		fmt.Fprintf(&known, "X-Failed-Recipients: other%d@example.net\n", i)
	}
	for name, raw := range map[string]string{
		"status":    dsn(strings.Repeat("Final-Recipient: rfc822;a@x\n\n", 100_000)),
		"folded":    dsn("Final-Recipient: rfc822;a@x\nDiagnostic-Code: smtp;\n" + strings.Repeat(" x\n", 100_000)),
		"text":      "From: MAILER-DAEMON@x\n\nHi. This is the qmail-send program\n" + many.String(),
		"fields":    "From: MAILER-DAEMON@x\n" + known.String() + "\nHi. This is the qmail-send program\n" + many.String(),
		"long line": "From: MAILER-DAEMON@x\n\nHi. This is the qmail-send program\n<a@x>: " + strings.Repeat("<a@", 400_000),
		"reason":    "From: MAILER-DAEMON@x\n\nHi. This is the qmail-send program\n<a@x>:\n" + strings.Repeat("no\n", 400_000),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			b := BounceOf(parse(t, raw, Limits{}))
			require.Less(t, time.Since(begin), time.Minute)
			require.NotEmpty(t, b.Recipients)
			require.LessOrEqual(t, len(b.Recipients), maxRecipients)
			for _, r := range b.Recipients {
				require.LessOrEqual(t, len(r.Diagnostic), maxDiagnostic+len("…"))
			}
		})
	}
}
