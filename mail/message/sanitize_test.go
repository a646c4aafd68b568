package message_test

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/waybill-io/waybill/mail/message"
)

func TestSanitize(t *testing.T) {
	const rel = ` rel="nofollow noreferrer noopener" target="_blank"`
	for body, want := range map[string]string{
		"":                              "",
		"1 &lt; 2 & <b>3</b>":           "1 &lt; 2 &amp; <b>3</b>",
		"a<script>alert(1)</script>b":   "ab",
		"a<style>p{}</style><p>b":       "a<p>b</p>",
		"<title>no</title><h1>yes</h1>": "<h1>yes</h1>",
		`<p onclick="x()" style="a" id="i" class="c" dir="rtl">t</p>`:                                                        `<p dir="rtl">t</p>`,
		`<form action="http://x"><input value="v"><button>go</button></form>`:                                                "go",
		`<iframe src="http://x"></iframe><object data="x"></object><embed src="x">t`:                                         "t",
		`<a href="https://example.com/?a=1&amp;b=2">t</a>`:                                                                   `<a href="https://example.com/?a=1&amp;b=2"` + rel + `>t</a>`,
		`<a href="mailto:a@example.com">t</a>`:                                                                               `<a href="mailto:a@example.com" rel="nofollow noreferrer">t</a>`,
		`<a href="javascript:alert(1)">t</a>`:                                                                                "t",
		"<a href=\"java\tscript:alert(1)\">t</a>":                                                                            "t",
		`<a href=" &#x6A;avascript:alert(1)">t</a>`:                                                                          "t",
		`<a href="data:text/html,x">t</a><a href="//x/y">u</a><a href="/y">v</a><a href="cid:x">w</a>`:                       "tuvw",
		`<img src="https://track.example.com/p.gif" alt="pixel">t`:                                                           `<img alt="pixel">t`,
		`<img src="cid:logo@example.com" width="10" onerror="x()">`:                                                          `<img src="cid:logo@example.com" width="10">`,
		`<img src="data:image/png;base64,AAAA"><img src="file:///c:/x"><img srcset="http://x/y 2x">t`:                        "t",
		`<table background="http://x/y.png"><tr><td colspan="2" bgcolor="red">c`:                                             `<table><tr><td colspan="2">c</td></tr></table>`,
		`<svg><script>alert(1)</script><a xlink:href="javascript:x">t</a></svg>`:                                             "t",
		`<math><mi href="javascript:x">t</mi></math>`:                                                                        "t",
		`<base href="http://x"><link rel="stylesheet" href="http://x"><meta http-equiv="refresh" content="0;url=http://x">t`: "t",
		`</div></td></body>t<div>`:                                                                                           "t<div></div>",
		`<b><i>x</b></i>y`:                                                                                                   "<b><i>x</i></b>y",
		"<p>cut <a href=\"http":                                                                                              "<p>cut </p>",
		"<!-- c --><!DOCTYPE x>t":                                                                                            "t",
		"<!--[if mso]><img src=http://x/y><![endif]-->t":                                                                     "t",
		"a\x00b\xffc":                       "ab\uFFFDc",
		"<scr\x00ipt>alert(1)</scr\x00ipt>": "",
		"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">": `&#34;&gt;`,
	} {
		require.Equal(t, want, message.Sanitize(body), body)
	}
}

func TestSanitizeIsBounded(t *testing.T) {
	for name, body := range map[string]string{
		"10 MiB text":   strings.Repeat("x", 10<<20),
		"quotes":        strings.Repeat(`"`, 10<<20),
		"links":         strings.Repeat("<a href=http://x>", 1<<20),
		"deep":          strings.Repeat("<div>", 1<<20),
		"misnested":     strings.Repeat("<i>", 100_000) + strings.Repeat("<b>", 100_000) + strings.Repeat("</i>", 100_000),
		"ends":          strings.Repeat("</p>", 1<<20),
		"comment":       strings.Repeat("<!--", 1<<20),
		"unclosed":      strings.Repeat("<", 1<<20),
		"skipped":       strings.Repeat("<script>", 1<<20),
		"one attribute": "<p title=\"" + strings.Repeat("x", 10<<20),
		"attributes":    "<p " + strings.Repeat("a=b ", 1<<20) + ">",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			got := message.Sanitize(body)
			runtime.ReadMemStats(&after)
			require.Less(t, time.Since(begin), time.Minute)
			require.LessOrEqual(t, len(got), 12<<20)
			t.Log(time.Since(begin), len(got), (after.TotalAlloc-before.TotalAlloc)>>20)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(400<<20), "all that was ever allocated")
		})
	}
}

func FuzzSanitize(f *testing.F) {
	for _, body := range []string{
		`<p onclick="x()">a<a href="javascript:x">b</a><img src=http://x></p>`, "<svg><style><img src=x onerror=y>", "<b><i></b></i>",
		`<a href="http://x" href="javascript:y">t</a>`, "<noscript><p title=\"</noscript><img src=x onerror=y>\">", "<table><td><form><math><mtext></form>",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		safe := message.Sanitize(body)
		require.True(t, utf8.ValidString(safe))
		require.NotContains(t, safe, "\x00")
		depth := 0
		for z := html.NewTokenizer(strings.NewReader(safe)); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			switch kind {
			case html.StartTagToken, html.SelfClosingTagToken:
				require.NotContains(t, []string{"script", "style", "form", "iframe", "object", "embed", "svg", "math", "base", "link", "meta"}, token.Data)
				for _, a := range token.Attr {
					require.False(t, strings.HasPrefix(a.Key, "on"), "%q", safe)
					value := strings.ToLower(strings.TrimSpace(a.Val))
					switch a.Key {
					case "href":
						require.Regexp(t, `^(https?://|mailto:)`, value)
					case "src":
						require.Regexp(t, `^cid:`, value)
					case "style", "class", "id", "srcset", "background", "action":
						t.Fatalf("%s in %q", a.Key, safe)
					}
				}
				if kind == html.StartTagToken && token.Data != "br" && token.Data != "hr" && token.Data != "img" && token.Data != "wbr" {
					depth++
				}
			case html.EndTagToken:
				depth--
				require.GreaterOrEqual(t, depth, 0, "%q", safe)
			}
		}
		require.Zero(t, depth, "%q", safe)
	})
}
