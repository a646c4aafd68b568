package mail_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestMessageID(t *testing.T) {
	id := mail.MessageID("support-desk/mail-0c3ba1/12", "example.com")
	require.Regexp(t, `^<waybill\.[a-z2-7]+@example\.com>$`, id)
	require.Equal(t, id, mail.MessageID("support-desk/mail-0c3ba1/12", "example.com"))
	for _, answered := range []string{id, strings.Trim(id, "<>"), strings.ToUpper(id), " " + id + "\t"} {
		require.Equal(t, "support-desk/mail-0c3ba1/12", mail.CallOf(answered), answered)
	}
	for _, other := range []string{"", "<>", "<1@example.com>", "<waybill.@example.com>", "<waybill.0189@example.com>", "waybill"} {
		require.Empty(t, mail.CallOf(other), other)
	}
	require.Empty(t, mail.MessageID(strings.Repeat("x", 401), "example.com"))
	require.LessOrEqual(t, len(mail.MessageID(strings.Repeat("x", 400), "example.com")), 700)
}
