package email

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

func TestAddresses(t *testing.T) {
	f := &fields{inputs: map[string]any{"to": ` Ann B. <ann@example.com>, bob@example.com ,"Müller, J" <j@example.com>`}}
	require.Equal(t, []mail.Address{{Name: "Ann B.", Address: "ann@example.com"}, {Address: "bob@example.com"}, {Name: "Müller, J", Address: "j@example.com"}}, f.addresses("to"))
	require.Empty(t, f.addresses("cc"))
	require.NoError(t, f.err())
}

func TestHeaderInjectionIsRefused(t *testing.T) {
	for _, attack := range []string{"\r\nBcc: eve@example.com", "\n\nbody", "\r", "\x00", "\u0085x", "\x7f"} {
		for _, field := range []string{"to", "from", "cc", "bcc", "replyTo", "subject", "inReplyTo"} {
			f := &fields{inputs: map[string]any{field: "ann@example.com" + attack}}
			switch field {
			case "subject":
				f.subject(false)
			case "inReplyTo":
				f.thread()
			case "from":
				f.sender(mail.Address{})
			default:
				f.addresses(field)
			}
			require.ErrorContains(t, f.err(), field+" has a line break", "%q", attack)
			require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(f.err()).Code)
		}
	}
	f := &fields{inputs: map[string]any{"inReplyTo": "<a@b>", "references": []any{"<c@d>\r\nBcc: eve@example.com", "<e@f"}}}
	_, references := f.thread()
	require.Equal(t, []string{"<c@d>", "<a@b>"}, references)
}

func TestSender(t *testing.T) {
	f := &fields{inputs: map[string]any{"from": ""}}
	require.Equal(t, mail.Address{Name: "Desk", Address: "desk@example.com"}, f.sender(mail.Address{Name: "Desk", Address: "desk@example.com"}))
	require.NoError(t, f.err())
	f.sender(mail.Address{})
	require.ErrorContains(t, f.err(), "from is empty and email.from.default (EMAIL_FROM) is not set")
	f = &fields{inputs: map[string]any{"from": "a@example.com, b@example.com"}}
	f.sender(mail.Address{Address: "x@example.com"})
	require.ErrorContains(t, f.err(), "from must be one address")
}

func TestThread(t *testing.T) {
	long := make([]any, 80)
	for i := range long {
		long[i] = "<" + strings.Repeat("x", i+1) + "@y>"
	}
	for name, tc := range map[string]struct {
		inReplyTo  string
		references any
		want       string
		chain      []string
	}{
		"no reply":           {"", []any{"<a@b>"}, "", nil},
		"first reply":        {"<m@x>", nil, "<m@x>", []string{"<m@x>"}},
		"list":               {"<m@x>", []any{"<a@b>", "<c@d>"}, "<m@x>", []string{"<a@b>", "<c@d>", "<m@x>"}},
		"text":               {"<m@x>", "<a@b>\t<c@d> junk", "<m@x>", []string{"<a@b>", "<c@d>", "<m@x>"}},
		"empty text":         {"<m@x>", "", "<m@x>", []string{"<m@x>"}},
		"there already":      {"<m@x>", []any{"<m@x>", "<c@d>"}, "<m@x>", []string{"<c@d>", "<m@x>"}},
		"without brackets":   {"m@x", nil, "<m@x>", []string{"<m@x>"}},
		"with a remark":      {"Your mail <m@x> of today", nil, "<m@x>", []string{"<m@x>"}},
		"null is no inputs":  {"<m@x>", []any{}, "<m@x>", []string{"<m@x>"}},
		"list with junk":     {"<m@x>", []any{"junk"}, "<m@x>", []string{"<m@x>"}},
		"oldest goes second": {"<m@x>", long, "<m@x>", append([]string{long[0].(string)}, newest(long, 48)...)},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fields{inputs: map[string]any{"inReplyTo": tc.inReplyTo, "references": tc.references}}
			inReplyTo, chain := f.thread()
			require.NoError(t, f.err())
			require.Equal(t, tc.want, inReplyTo)
			require.Equal(t, tc.chain, chain)
		})
	}
	for _, references := range []any{3.0, []any{3.0}} {
		f := &fields{inputs: map[string]any{"inReplyTo": "<m@x>", "references": references}}
		f.thread()
		require.ErrorContains(t, f.err(), "references must be a list of Message-IDs")
	}
	f := &fields{inputs: map[string]any{"inReplyTo": "yesterday's mail"}}
	f.thread()
	require.ErrorContains(t, f.err(), "inReplyTo is not a Message-ID")
}

// newest returns the n last references and the mail that is answered.
func newest(list []any, n int) []string {
	var ids []string
	for _, id := range list[len(list)-n:] {
		ids = append(ids, id.(string))
	}
	return append(ids, "<m@x>")
}

func TestSubject(t *testing.T) {
	for subject, want := range map[string]string{
		"Help":             "Re: Help",
		"Re: Help":         "Re: Help",
		"RE:re : Re:Help":  "Re: Help",
		"Reminder":         "Re: Reminder",
		"":                 "Re: ",
		"Antw: Re: Übung":  "Re: Antw: Re: Übung",
		"  re:   spaces  ": "Re: spaces",
	} {
		f := &fields{inputs: map[string]any{"subject": subject}}
		require.Equal(t, want, f.subject(true), subject)
	}
	f := &fields{inputs: map[string]any{"subject": "Re: Help"}}
	require.Equal(t, "Re: Help", f.subject(false))
	f = &fields{inputs: map[string]any{"subject": strings.Repeat("x", 1000)}}
	require.Equal(t, strings.Repeat("x", 900)+"...", f.subject(false))
	require.NoError(t, f.err(), "a stranger's long subject is no reason not to answer")
}

func TestAnswersOfPeopleAreNotMarked(t *testing.T) {
	for by, want := range map[string]bool{"": false, "machine": false, "person": true} {
		f := &fields{inputs: map[string]any{"writtenBy": by}}
		require.Equal(t, want, f.person(), by)
		require.NoError(t, f.err())
	}
	f := &fields{inputs: map[string]any{"writtenBy": "robot"}}
	f.person()
	require.ErrorContains(t, f.err(), `writtenBy "robot": machine or person is expected`)
}

func TestMessageID(t *testing.T) {
	from := mail.Address{Address: `"odd@local"@example.com`}
	id := messageID("process/1", from)
	require.Regexp(t, `^<waybill\.[a-z2-7]+@example\.com>$`, id)
	require.Equal(t, id, messageID("process/1", from))
	require.NotEqual(t, id, messageID("process/2", from))
}
