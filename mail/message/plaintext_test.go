package message_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/message"
)

func TestPlainText(t *testing.T) {
	for body, want := range map[string]string{
		"":      "",
		"plain": "plain",
		"<html><head><title>x</title><style>p{color:red}</style></head><body><p>Hello&nbsp;<b>Ada</b>,</p>\n<p>it is\n  <i>down</i>.</p></body></html>": "Hello Ada,\nit is down.",
		"one<br>two<br/>three":                          "one\ntwo\nthree",
		"<script>if (a < b) alert('urgent')</script>ok": "ok",
		"<ul><li>a</li><li>b</li></ul>":                 "a\nb",
		"<p>broken <b":                                  "broken",
		"1 &lt; 2 &amp;&amp; 3 &gt; 2":                  "1 < 2 && 3 > 2",
		"</style>still seen":                            "still seen",
	} {
		require.Equal(t, want, message.PlainText(body), body)
	}
}

func TestPlainTextIsLinear(t *testing.T) {
	require.Len(t, message.PlainText(strings.Repeat("<p>a</p>", 100_000)), 199_999)
}
