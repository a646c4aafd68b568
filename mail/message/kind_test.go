package message

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClassify(t *testing.T) {
	for name, tc := range map[string]struct {
		header   string
		kind     Kind
		original string
	}{
		"plain":                       {"From: ann@example.com\r\nSubject: Hello", Person, ""},
		"reply":                       {"From: ann@example.com\r\nSubject: Re: Out of office: x\r\nIn-Reply-To: <1@x>", Person, "<1@x>"},
		"on absence":                  {"Subject: Out of office next week", Person, ""},
		"not automatic":               {"Auto-Submitted: no", Person, ""},
		"vacation":                    {"Auto-Submitted: auto-replied (vacation)\r\nIn-Reply-To: <1@x>", AutoReply, "<1@x>"},
		"vacation with parameters":    {"Auto-Submitted: Auto-Replied; owner-email=a@x\r\nReferences: <0@x> <1@x>", AutoReply, "<1@x>"},
		"autoreply field":             {"X-Autoreply: yes", AutoReply, ""},
		"autorespond field":           {"X-Autorespond: Re: Hello", AutoReply, ""},
		"precedence auto_reply":       {"Precedence: auto_reply", AutoReply, ""},
		"exchange absence":            {"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\r\nX-MS-Exchange-Parent-Message-Id: <1@x>\r\nSubject: x", AutoReply, "<1@x>"},
		"exchange absence by answer":  {"X-Auto-Response-Suppress: All\r\nIn-Reply-To: <1@x>", AutoReply, "<1@x>"},
		"exchange absence by subject": {"X-Auto-Response-Suppress: All\r\nSubject: Automatic reply: Hello", AutoReply, ""},
		"suppress none":               {"X-Auto-Response-Suppress: None\r\nIn-Reply-To: <1@x>", Person, "<1@x>"},
		"subject alone":               {"Subject: =?utf-8?Q?R=C3=A9ponse_automatique=C2=A0=3A?= Bonjour", AutoReply, ""},
		"subject, wide colon":         {"Subject: 自動返信：x", AutoReply, ""},
		"absence with null sender":    {"Return-Path: <>\r\nFrom: ann@example.com\r\nSubject: Abwesenheitsnotiz: x", AutoReply, ""},
		"receipt":                     {"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\nFrom: ann@example.com", AutoReply, ""},
		"list":                        {"List-Id: <l.example.com>\r\nIn-Reply-To: <1@x>", Bulk, "<1@x>"},
		"list, automatic subject":     {"List-Id: <l.example.com>\r\nSubject: Out of office: x", Bulk, ""},
		"absence on a list":           {"List-Id: <l.example.com>\r\nAuto-Submitted: auto-replied", AutoReply, ""},
		"newsletter":                  {"List-Unsubscribe: <https://x>\r\nPrecedence: bulk", Bulk, ""},
		"notice":                      {"Auto-Submitted: auto-generated", Bulk, ""},
		"null sender":                 {"Return-Path: <>\r\nSubject: Your quarantine", Bulk, ""},
		"complaint":                   {"Content-Type: multipart/report; report-type=feedback-report; boundary=b", Bulk, ""},
		"report without type":         {"Content-Type: multipart/report; boundary=b", Bulk, ""},
		"bounce":                      {"Content-Type: multipart/report; report-type=\"Delivery-Status\"; boundary=b\r\nIn-Reply-To: <1@x>", DeliveryReport, "<1@x>"},
		"failed recipients":           {"X-Failed-Recipients: a@example.com", DeliveryReport, ""},
		"mailer-daemon":               {"From: MAILER-DAEMON@example.com\r\nSubject: ?", DeliveryReport, ""},
		"postmaster":                  {"From: postmaster@example.com\r\nSubject: Spam report", Person, ""},
		"postmaster's bounce":         {"From: postmaster@example.com\r\nSubject: Undeliverable: Hello", DeliveryReport, ""},
		"person's word":               {"From: ann@example.com\r\nSubject: Undeliverable: Hello", Person, ""},
		"list as mailer-daemon":       {"From: mailer-daemon@example.com\r\nList-Id: <l.example.com>", Bulk, ""},
		"empty":                       {"", Person, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, tc.header+"\r\n\r\ntext\r\n", Limits{})
			require.Equal(t, tc.kind, Classify(m))
			require.Equal(t, tc.original, Original(m))
			require.Equal(t, tc.kind == DeliveryReport, BounceOf(m) != nil)
			if automatic, _ := Automatic(m.Headers); automatic {
				require.NotEqual(t, Person, Classify(m))
			}
		})
	}
}

func TestReceiptNamesTheMail(t *testing.T) {
	m := parse(t, "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\r\nread\r\n--b\r\n"+
		"Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;ann@example.com\r\nOriginal-Message-ID: <1@x>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n", Limits{})
	require.Equal(t, AutoReply, Classify(m))
	require.Equal(t, "<1@x>", Original(m))
}

func TestForwardedBounceIsOfAPerson(t *testing.T) {
	m := parse(t, "From: ann@example.com\r\nSubject: Fwd: Undelivered Mail\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"+
		"From: MAILER-DAEMON@x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=c\r\n\r\n--c\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@x\r\n--c--\r\n--b--\r\n", Limits{})
	require.Equal(t, Person, Classify(m))
	require.Nil(t, BounceOf(m))

	m = parse(t, "From: ann@example.com\r\n\r\nLook what I got:\r\n\r\nHi. This is the qmail-send program at x.\r\n\r\n<a@x>:\r\nno\r\n", Limits{})
	require.Equal(t, Person, Classify(m), "the words alone are no bounce")
}

func TestKindIsReadOfWhatWasKept(t *testing.T) {
	raw := "From: MAILER-DAEMON@x\r\nContent-Type: multipart/report; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + strings.Repeat("X: y\r\n", 20_000) + "Final-Recipient: rfc822; late@x\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\n" + strings.Repeat("X: y\r\n", 20_000) + "Message-ID: <late@x>\r\n\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <second@x>\r\n\r\n--b--\r\n"
	m := parse(t, raw, Limits{})
	require.LessOrEqual(t, len(m.report.status), maxReport)
	b := BounceOf(m)
	require.Empty(t, b.Recipients)
	require.Empty(t, b.OriginalMessageID, "the second mail is not the one reported on")
}
