package mta_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mta"
)

// testPutOff has the server refuse a mail for now, and take it when it is sent again.
func testPutOff(t *testing.T, s *mta.Server) {
	tr := transport(t, settings(s))
	m := smtp.Mail{From: someone("waybill")[0], To: append(someone("ann"), someone("ben")...), Subject: "Hello", Text: "hello\n"}
	s.PutOff(true)
	receipt, err := tr.Send(t.Context(), m)
	s.PutOff(false)
	var failure *smtp.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, smtp.StageRcpt, failure.Stage)
	require.True(t, failure.Temporary)
	require.False(t, failure.Uncertain)
	require.ErrorContains(t, err, "try again later")
	require.Len(t, receipt.Refused, 2)
	_, err = tr.Send(t.Context(), m)
	require.NoError(t, err)
	arrived(t, s, 2)
}

// testCutOff cuts the connection when the server has taken a mail and has not said so: the sender cannot know, and what it sends again is
// the same mail.
func testCutOff(t *testing.T, s *mta.Server) {
	cutter := s.Cutter()
	config := settings(s)
	config.TLS, config.Port = smtp.TLSImplicit, cutter.Port
	tr := transport(t, config)
	m := smtp.Mail{From: someone("waybill")[0], To: someone("ann"), Subject: "Hello", Text: "hello\n", MessageID: "<cut-off@example.com>"}
	const cuts = 2
	cutter.Cut(cuts)
	for range cuts {
		_, err := tr.Send(t.Context(), m)
		var failure *smtp.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, smtp.StageData, failure.Stage)
		require.True(t, failure.Temporary)
		require.True(t, failure.Uncertain)
	}
	receipt, err := tr.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, cuts, cutter.Made())
	for _, got := range mta.Read(t, arrived(t, s, 1+cuts)...) {
		requireSame(t, receipt, m, got)
	}
}
