package smtp

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestTheStrongestLogInIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		offered []string
		taken   string
		change  func(*Config)
		peer    *peer
	}{
		"all":                            {offered: strings.Fields("LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS"), taken: "SCRAM-SHA-256-PLUS"},
		"bound":                          {offered: strings.Fields("SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS"), taken: "SCRAM-SHA-1-PLUS"},
		"bound, TLS from the first byte": {offered: strings.Fields("SCRAM-SHA-1 SCRAM-SHA-256-PLUS"), taken: "SCRAM-SHA-256-PLUS", peer: &peer{implicit: true}},
		"SCRAM":                          {offered: strings.Fields("LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"), taken: "SCRAM-SHA-256"},
		"SCRAM, SHA-1":                   {offered: strings.Fields("PLAIN SCRAM-SHA-1"), taken: "SCRAM-SHA-1"},
		"CRAM-MD5":                       {offered: strings.Fields("PLAIN LOGIN CRAM-MD5"), taken: "CRAM-MD5"},
		"PLAIN":                          {offered: strings.Fields("GSSAPI LOGIN PLAIN NTLM"), taken: "PLAIN"},
		"LOGIN":                          {offered: strings.Fields("NTLM LOGIN"), taken: "LOGIN"},
		"nothing bound without TLS":      {offered: strings.Fields("SCRAM-SHA-256 SCRAM-SHA-256-PLUS"), taken: "SCRAM-SHA-256", peer: &peer{plain: true}, change: func(c *Config) { c.TLS = TLSNone }},
		"a token":                        {offered: strings.Fields("PLAIN OAUTHBEARER XOAUTH2"), taken: "XOAUTH2", change: func(c *Config) { c.OAuth = true }},
		"a token, RFC 7628":              {offered: strings.Fields("PLAIN OAUTHBEARER"), taken: "OAUTHBEARER", change: func(c *Config) { c.OAuth = true }},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.peer
			if p == nil {
				p = &peer{}
			}
			p.password, p.mechanisms = password, c.offered
			cfg := p.start(t)
			if c.change != nil {
				c.change(&cfg)
			}
			_, err := send(t, cfg, simple("bob@example.org"))
			require.NoError(t, err)
			require.Len(t, p.mails(), 1)
			require.Equal(t, []string{c.taken}, p.logins)

			cfg.Password += "-which-is-wrong"
			_, err = send(t, cfg, simple("bob@example.org"))
			requireStage(t, StageAuth, 535, false, err)
			require.Len(t, p.mails(), 1)
		})
	}
}

func TestLogInsThatAreNotOffered(t *testing.T) {
	p := &peer{password: password, mechanisms: []string{"GSSAPI", "NTLM"}}
	cfg := p.start(t)
	_, err := send(t, cfg, simple("a@x.org"))
	requireStage(t, StageAuth, 0, false, err)
	require.ErrorContains(t, err, "GSSAPI NTLM")
	cfg.OAuth = true
	_, err = send(t, cfg, simple("a@x.org"))
	requireStage(t, StageAuth, 0, false, err)
	require.ErrorContains(t, err, "access tokens")
}

// saslScript answers AUTH with prepared challenges, and what follows with a refusal.
func saslScript(t *testing.T, mechanism string, answers ...string) Config {
	t.Helper()
	cfg := script(t, "220 hi\r\n", func(c net.Conn, r *bufio.Reader) {
		_, _ = r.ReadString('\n')
		_, _ = io.WriteString(c, "250-hi\r\n250 AUTH "+mechanism+"\r\n")
		for _, a := range answers {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line)); err == nil {
				if _, nonce, found := strings.Cut(string(raw), "r="); found {
					a = strings.ReplaceAll(a, "NONCE", nonce)
				}
			}
			a = strings.ReplaceAll(a, "LINE", strings.TrimSpace(line))
			a = strings.ReplaceAll(a, "BEGINNING", line[:min(max(len(line)-10, 0), 300)])
			if raw, err := base64.StdEncoding.DecodeString(line[strings.LastIndexByte(line, ' ')+1:]); err == nil {
				a = strings.ReplaceAll(a, "DECODED", string(raw))
			}
			if code, text, _ := strings.Cut(a, " "); code == "334" {
				a = code + " " + base64.StdEncoding.EncodeToString([]byte(text))
			}
			_, _ = io.WriteString(c, a+"\r\n")
		}
		_, _ = io.Copy(io.Discard, r)
	})
	cfg.Username, cfg.Password = "ann", password
	return cfg
}

func TestAServerMustKnowThePassword(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		says    string
	}{
		"accepts at once":         {[]string{"235 welcome"}, "not shown"},
		"accepts without a proof": {[]string{"334 ", "334 r=NONCExyz,s=c2FsdA==,i=4096", "235 welcome"}, "not shown"},
		"a false proof":           {[]string{"334 ", "334 r=NONCExyz,s=c2FsdA==,i=4096", "334 v=AAAA", "501 bye"}, "signature"},
		"another's nonce":         {[]string{"334 ", "334 r=abc,s=c2FsdA==,i=4096", "501 bye"}, "nonce"},
		"endless work":            {[]string{"334 ", "334 r=NONCExyz,s=c2FsdA==,i=2000000000", "501 bye"}, "iterations"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := send(t, saslScript(t, "SCRAM-SHA-256", c.answers...), simple("a@x.org"))
			requireStage(t, StageAuth, 0, false, err)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestWhatAServerRepeatsIsNotShown(t *testing.T) {
	token := mail.Secret(strings.Repeat("a-token-of-parts.", 16))
	for mechanism, c := range map[string]struct {
		token    bool
		answers  []string
		repeated string
	}{
		"PLAIN":         {repeated: "AUTH PLAIN ********"},
		"LOGIN":         {answers: []string{"334 Username:", "334 Password:"}, repeated: "********"},
		"CRAM-MD5":      {answers: []string{"334 <1896.697170952@postoffice.reston.mci.net>"}, repeated: "********"},
		"SCRAM-SHA-1":   {answers: []string{"334 ", "334 r=NONCExyz,s=c2FsdA==,i=4096"}, repeated: "********"},
		"SCRAM-SHA-256": {answers: []string{"334 ", "334 r=NONCExyz,s=c2FsdA==,i=4096"}, repeated: "********"},
		"XOAUTH2":       {token: true, repeated: "AUTH XOAUTH2 ********"},
		"OAUTHBEARER":   {token: true, repeated: "AUTH OAUTHBEARER ********"},
	} {
		t.Run(mechanism, func(t *testing.T) {
			for answer, says := range map[string]string{
				"535 5.7.8 what is LINE?":     "what is " + c.repeated + "?",
				"535 5.7.8 what is BEGINNING": "what is " + c.repeated,
				"535 5.7.8 what is DECODED?":  "what is ********?",
				"535 5.7.8 what is LINELINE":  "what is " + c.repeated + c.repeated,
			} {
				cfg := saslScript(t, mechanism, append(slices.Clone(c.answers), answer, "501 aborted", "221 bye")...)
				if c.token {
					cfg.OAuth, cfg.Password = true, token
				}
				_, err := send(t, cfg, simple("a@x.org"))
				failure := requireStage(t, StageAuth, 535, false, err)
				require.Equal(t, "smtp: auth: 535 5.7.8 "+says, failure.Error())
			}
		})
	}
	cfg := saslScript(t, "OAUTHBEARER", "535 5.7.8 what is LINE?", "501 aborted", "221 bye")
	cfg.OAuth, cfg.Password = true, mail.Secret(strings.Repeat("a-token-of-many-parts.", 100))
	_, err := send(t, cfg, simple("a@x.org"))
	require.EqualError(t, err, "smtp: auth: 535 5.7.8 what is AUTH OAUTHBEARER ********...")
	for _, refusal := range []string{"334 LINE", `334 {"status":"LINE","scope":"LINE"}`} {
		cfg := saslScript(t, "XOAUTH2", refusal, "535 5.7.8 no", "221 bye")
		cfg.OAuth, cfg.Password = true, token
		_, err := send(t, cfg, simple("a@x.org"))
		requireStage(t, StageAuth, 535, false, err)
		require.ErrorContains(t, err, "AUTH XOAUTH2 ********\"")
	}
	cfg = serve(t, func(_, _ int, command string) string {
		switch verb, _, _ := strings.Cut(command, " "); verb {
		case "EHLO":
			return "250-hi\r\n250 AUTH PLAIN"
		case "AUTH":
			return "235 welcome"
		case "RCPT":
			if strings.Contains(command, "b@x.org") {
				return "550 5.1.1 who is logged in by " + base64.StdEncoding.EncodeToString([]byte("\x00ann\x00"+password))
			}
		}
		return fine(command)
	}).config
	cfg.Username, cfg.Password = "ann", password
	receipt, err := send(t, cfg, simple("a@x.org", "b@x.org"))
	require.NoError(t, err)
	require.Equal(t, "who is logged in by ********", receipt.Refused[0].Message)
}

func TestProvidersThatTakeNoPasswords(t *testing.T) {
	for answer, says := range map[string]string{
		"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.":            "use OAuth",
		"550 5.7.30 Basic authentication is not supported for Client Submission.":                                  "use OAuth",
		"534 5.7.9 Application-specific password required. https://support.google.com/mail/?p=InvalidSecondFactor": "app password",
		"535 5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials":          "app password",
	} {
		_, err := send(t, saslScript(t, "PLAIN", answer), simple("a@x.org"))
		code := map[byte]int{'5': 535, '0': 550, '4': 534}[answer[2]]
		requireStage(t, StageAuth, code, false, err)
		require.ErrorContains(t, err, says)
	}
	_, err := send(t, saslScript(t, "PLAIN", "454 4.7.0 Temporary authentication failure"), simple("a@x.org"))
	requireStage(t, StageAuth, 454, true, err)
}

// purse gives tokens one after the other, the last one for good.
type purse struct {
	mu      sync.Mutex
	tokens  []mail.Secret
	asked   []mail.Secret // with which refused token
	failure error
}

func (p *purse) Token(_ context.Context, refused mail.Secret) (mail.Secret, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, refused)
	if p.failure != nil {
		return "", p.failure
	}
	if refused != "" && len(p.tokens) > 1 {
		p.tokens = p.tokens[1:]
	}
	return p.tokens[0], nil
}

func TestTokens(t *testing.T) {
	for _, mechanism := range []string{"XOAUTH2", "OAUTHBEARER"} {
		t.Run(mechanism, func(t *testing.T) {
			p := &peer{password: "a-good-token", mechanisms: []string{mechanism}}
			cfg := p.start(t)
			tokens := &purse{tokens: []mail.Secret{"an-old-token", "a-good-token"}}
			cfg.Password, cfg.Tokens = "", tokens
			_, err := send(t, cfg, simple("a@x.org"))
			require.NoError(t, err)
			require.Equal(t, []mail.Secret{"", "an-old-token"}, tokens.asked)
			_, err = send(t, cfg, simple("a@x.org"))
			require.NoError(t, err)
			require.Equal(t, []mail.Secret{"", "an-old-token", ""}, tokens.asked, "each connection asks")

			tokens.tokens, tokens.asked = []mail.Secret{"bad-1", "bad-2", "bad-3"}, nil
			_, err = send(t, cfg, simple("a@x.org"))
			failure := requireStage(t, StageAuth, 535, false, err)
			require.NotContains(t, failure.Error(), "bad-")
			require.Equal(t, []mail.Secret{"", "bad-1"}, tokens.asked, "once more and no further")

			tokens.tokens, tokens.asked = []mail.Secret{"bad-1"}, nil
			_, err = send(t, cfg, simple("a@x.org"))
			requireStage(t, StageAuth, 0, false, err)
			require.ErrorContains(t, err, "no newer one")
		})
	}
	t.Run("the server cannot tell", func(t *testing.T) {
		p := &peer{password: "a-good-token", mechanisms: []string{"XOAUTH2"}, status: "503"}
		cfg := p.start(t)
		tokens := &purse{tokens: []mail.Secret{"another"}}
		cfg.Password, cfg.Tokens = "", tokens
		_, err := send(t, cfg, simple("a@x.org"))
		requireStage(t, StageAuth, 535, true, err)
		require.ErrorContains(t, err, `status "503", scope wanted "https://mail"`)
		require.Len(t, tokens.asked, 1)
	})
	t.Run("there is none", func(t *testing.T) {
		p := &peer{password: "x", mechanisms: []string{"XOAUTH2"}}
		cfg := p.start(t)
		cfg.Password, cfg.Tokens = "", &purse{failure: errors.New("the credential is not authorised")}
		_, err := send(t, cfg, simple("a@x.org"))
		requireStage(t, StageAuth, 0, true, err)
		require.ErrorContains(t, err, "not authorised")
		_, _, total := p.counts()
		require.Zero(t, total, "nothing to log in with")
	})
	require.ErrorContains(t, Config{Host: "x", Tokens: &purse{}}.Validate(), "need a username")
	require.ErrorContains(t, Config{Host: "x", Username: "ann", Password: "x", Tokens: &purse{}}.Validate(), "no password beside")
	require.NoError(t, Config{Host: "x", Username: "ann", Tokens: &purse{}}.Validate())
}
