package mailevent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/message"
)

// Two machines that answer each other never stop: whoever may be one is not answered.
func TestAnswerTo(t *testing.T) {
	for name, tc := range map[string]struct{ headers, want string }{
		"a person":             {"From: Ann <ann@example.com>\nTo: support@example.org", "ann@example.com"},
		"wants it elsewhere":   {"From: ann@example.com\nReply-To: bob@example.com\nTo: support@example.org", "bob@example.com"},
		"elsewhere, to many":   {"From: ann@example.com\nReply-To: bob@example.com, eve@example.com\nTo: support@example.org", "ann@example.com"},
		"absent":               {"From: ann@example.com\nAuto-Submitted: auto-replied", ""},
		"a list":               {"From: ann@example.com\nList-Id: <l.example.com>", ""},
		"null sender":          {"Return-Path: <>\nFrom: ann@example.com", ""},
		"bounce":               {"From: MAILER-DAEMON@example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=b", ""},
		"bulk":                 {"From: ann@example.com\nPrecedence: bulk", ""},
		"nobody reads":         {"From: No-Reply@example.com", ""},
		"nobody reads there":   {"From: ann@example.com\nReply-To: donotreply@example.com", ""},
		"owner of a list":      {"From: news-owner@example.com", ""},
		"ourselves":            {"From: support@example.org\nTo: Support@example.org", ""},
		"back to ourselves":    {"From: ann@example.com\nReply-To: support@example.org\nTo: support@example.org", ""},
		"copied to ourselves":  {"From: ann@example.com\nReply-To: desk@example.org\nTo: x@example.com\nCc: desk@example.org", ""},
		"nobody":               {"To: support@example.org", ""},
		"several":              {"From: ann@example.com, bob@example.com\nTo: support@example.org", ""},
		"subject of a machine": {"From: ann@example.com\nSubject: Automatic reply: order 7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			raw := strings.ReplaceAll(tc.headers, "\n", "\r\n") + "\r\n\r\nx\r\n"
			m, err := message.Parse(strings.NewReader(raw), message.Limits{}, nil)
			require.NoError(t, err)
			require.Equal(t, tc.want, AnswerTo(m))
		})
	}
}
