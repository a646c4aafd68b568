package imap

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

const token = "ya29.t0ken"

func withToken(cfg Config, auth Auth) Config {
	cfg.Auth, cfg.Password = auth, ""
	cfg.Token = func(context.Context) (mail.Secret, error) { return token, nil }
	return cfg
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestPasswordLogin(t *testing.T) {
	t.Parallel()
	plain := func(_ net.Conn, tag, args string) string {
		if args == "PLAIN "+encoded("\x00ann\x00s3cret") {
			return lines(tag + " OK in")
		}
		return lines(tag + " BAD " + args)
	}
	for name, caps := range map[string]string{
		"AUTH=PLAIN":             "IMAP4rev1 SASL-IR AUTH=PLAIN",
		"AUTH=PLAIN and others":  "IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2",
		"LOGINDISABLED by PLAIN": "IMAP4rev1 SASL-IR LOGINDISABLED AUTH=PLAIN",
	} {
		t.Run(name, func(t *testing.T) {
			server := &fake{caps: caps, replies: map[string]reply{"AUTHENTICATE": plain, "LOGIN": no("not that way")}}
			open(t, server.start(t))
		})
	}
	t.Run("no SASL-IR", func(t *testing.T) {
		var tag string
		server := &fake{caps: "IMAP4rev1 AUTH=PLAIN", replies: map[string]reply{
			"AUTHENTICATE": func(_ net.Conn, t, _ string) string { tag = t; return "+ \r\n" },
			"":             func(net.Conn, string, string) string { return lines(tag + " OK in") },
		}}
		open(t, server.start(t))
		require.Contains(t, server.commands(), encoded("\x00ann\x00s3cret"))
	})
	t.Run("only LOGIN", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1"}
		open(t, server.start(t))
		require.Contains(t, server.transcript(), `LOGIN "ann" "s3cret"`)
	})
	t.Run("only tokens", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2 AUTH=OAUTHBEARER"}
		_, err := Dial(t.Context(), server.start(t))
		requireKind(t, mail.KindAuth, err)
		require.ErrorContains(t, err, `no log-in by password, only ["OAUTHBEARER" "XOAUTH2"]`)
	})
	t.Run("repeated in base64", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1 SASL-IR AUTH=PLAIN", replies: map[string]reply{"AUTHENTICATE": func(_ net.Conn, tag, args string) string {
			return lines(tag + " NO bad: " + args)
		}}}
		_, err := Dial(t.Context(), server.start(t))
		requireKind(t, mail.KindAuth, err)
		require.ErrorContains(t, err, "bad: PLAIN ****")
	})
}

func TestTokenLogin(t *testing.T) {
	t.Parallel()
	initial := map[Auth]string{
		AuthXOAuth2:     "user=ann\x01auth=Bearer " + token + "\x01\x01",
		AuthOAuthBearer: "n,a=ann,\x01host=127.0.0.1\x01port=PORT\x01auth=Bearer " + token + "\x01\x01",
	}
	for auth, response := range initial {
		for _, ir := range []string{" SASL-IR", ""} {
			t.Run(string(auth)+ir, func(t *testing.T) {
				server := &fake{caps: "IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER" + ir}
				var tag, got string
				server.replies = map[string]reply{"AUTHENTICATE": func(c net.Conn, t, args string) string {
					tag = t
					_, got, _ = strings.Cut(args, " ")
					if ir == "" {
						_, _ = c.Write([]byte("+ \r\n"))
						buffer := make([]byte, 1000)
						n, _ := c.Read(buffer)
						got = strings.TrimSpace(string(buffer[:n]))
					}
					return lines(tag + " OK in")
				}}
				cfg := withToken(server.start(t), auth)
				open(t, cfg)
				_, port, _ := net.SplitHostPort(cfg.address())
				require.Equal(t, encoded(strings.ReplaceAll(response, "PORT", port)), got)
				require.NotContains(t, server.transcript(), "LOGIN")
			})
		}
	}

	google := `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`
	cases := map[string]struct {
		auth      Auth
		challenge string
		answer    string
		kind      mail.Kind
		text      []string
	}{
		"Google, invalid":           {AuthXOAuth2, google, "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", mail.KindAuth, []string{"refused the token", `status "400"`, "mail.google.com", "Invalid credentials"}},
		"Microsoft, no reason":      {AuthXOAuth2, "", "NO AUTHENTICATE failed.", mail.KindAuth, []string{"AUTHENTICATE failed."}},
		"status is a number":        {AuthXOAuth2, `{"status":401}`, "NO failed", mail.KindAuth, []string{`status "401"`}},
		"not JSON":                  {AuthXOAuth2, "go\x01 away", "NO failed", mail.KindAuth, []string{"go away"}},
		"BAD instead of NO":         {AuthXOAuth2, google, "BAD failed", mail.KindAuth, []string{"refused the token"}},
		"hangs up after it":         {AuthXOAuth2, google, "", mail.KindAuth, []string{"refused the token", `status "400"`}},
		"unavailable, by code":      {AuthXOAuth2, "", "NO [UNAVAILABLE] Temporary authentication failure", mail.KindUnavailable, []string{"Temporary"}},
		"unavailable, code at last": {AuthXOAuth2, `{"status":"invalid_token"}`, "NO [UNAVAILABLE] later", mail.KindUnavailable, []string{"later"}},
		"unavailable, by status":    {AuthXOAuth2, `{"status":"503"}`, "NO failed", mail.KindUnavailable, []string{"503"}},
		"repeats the token":         {AuthXOAuth2, `{"status":"bad ` + token + `"}`, "NO no " + token, mail.KindAuth, []string{"****"}},
		"bearer, invalid":           {AuthOAuthBearer, `{"status":"invalid_token","scope":"mail"}`, "", mail.KindAuth, []string{"refused the token", "invalid_token", `"mail"`}},
		"bearer, later":             {AuthOAuthBearer, `{"status":"temporarily_unavailable"}`, "", mail.KindUnavailable, []string{"temporarily"}},
		"bearer, no reason":         {AuthOAuthBearer, "", "NO [AUTHENTICATIONFAILED] no", mail.KindAuth, []string{"no"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := &fake{caps: "IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER"}
			var tag string
			server.replies = map[string]reply{
				"AUTHENTICATE": func(_ net.Conn, t, _ string) string {
					tag = t
					if c.challenge != "" {
						return "+ " + encoded(c.challenge) + "\r\n"
					}
					return lines(tag + " " + c.answer)
				},
				"": func(conn net.Conn, _, _ string) string {
					if c.answer == "" {
						_ = conn.Close()
						return ""
					}
					return lines(tag + " " + c.answer)
				},
			}
			_, err := Dial(t.Context(), withToken(server.start(t), c.auth))
			requireKind(t, c.kind, err)
			for _, text := range c.text {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), token)
			require.NotContains(t, err.Error(), encoded(token))
			if c.auth == AuthXOAuth2 && c.challenge != "" {
				require.Contains(t, server.commands(), "", "an empty line, not =")
			}
		})
	}

	t.Run("not offered", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1 AUTH=PLAIN"}
		_, err := Dial(t.Context(), withToken(server.start(t), AuthXOAuth2))
		requireKind(t, mail.KindAuth, err)
		require.ErrorContains(t, err, `no log-in by xoauth2, only ["PLAIN"]`)
		require.NotContains(t, server.transcript(), "LOGIN")
	})
	for name, c := range map[string]struct {
		cause error
		kind  mail.Kind
	}{
		"no token now":  {errors.New("token endpoint answers 503"), mail.KindUnavailable},
		"grant is gone": {&Error{mail.KindAuth, "refresh the token", errors.New("invalid_grant")}, mail.KindAuth},
	} {
		t.Run(name, func(t *testing.T) {
			server := &fake{}
			cfg := withToken(server.start(t), AuthXOAuth2)
			cfg.Token = func(context.Context) (mail.Secret, error) { return "", c.cause }
			_, err := Dial(t.Context(), cfg)
			requireKind(t, c.kind, err)
			require.ErrorIs(t, err, c.cause)
			require.Empty(t, server.commands(), "no connection without a token")
		})
	}
}

func TestSessionThatEndsWithItsToken(t *testing.T) {
	t.Parallel()
	goodbye := func(text string) reply {
		return func(c net.Conn, _, _ string) string {
			_, _ = c.Write([]byte(lines("+ idling", "* BYE "+text)))
			_ = c.Close()
			return ""
		}
	}
	for text, kind := range map[string]mail.Kind{
		"Session invalidated - AccessTokenExpired":   mail.KindReconnect,
		"Session expired, please login again. 12mb1": mail.KindReconnect,
		"Autologout; idle for too long":              mail.KindNetwork,
	} {
		t.Run(text, func(t *testing.T) {
			server := &fake{replies: map[string]reply{"IDLE": goodbye(text)}}
			session, _ := open(t, server.start(t))
			_, err := session.Wait(t.Context())
			requireKind(t, kind, err)
			require.ErrorContains(t, err, text)
		})
	}
	t.Run("during a command", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"UID SEARCH": func(c net.Conn, _, _ string) string {
			_, _ = c.Write([]byte(lines("* BYE Session invalidated - AccessTokenExpired")))
			_ = c.Close()
			return ""
		}}}
		session, _ := open(t, server.start(t))
		_, err := session.Next(t.Context(), 0, 1)
		requireKind(t, mail.KindReconnect, err)
	})
}
