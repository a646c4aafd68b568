package message

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// maxSanitized bounds the HTML that Sanitize reads, in bytes; what comes after is left out.
const maxSanitized = 1 << 20

// Sanitize is a copy of an HTML body that is safe to show in a page of one's own: text, headings, lists, tables and
// links. An allowlist decides: what it does not name is left out, with its text kept except for scripts, styles, titles
// and frames.
//
//   - No script, style, form, frame, event handler, class or id.
//   - Links lead to http, https and mailto only, open a new window and tell it nothing (rel=nofollow noreferrer noopener).
//   - Images stay only when the mail brings them along (cid:, RFC 2392). A remote image tells its server who read the
//     mail, when and where; it is left out, and with it the tracking pixel.
//   - No link or address is loaded by showing the copy.
//   - Every element that is opened is closed and no other, so that a mail cannot end the element it is shown in.
//
// The copy is valid UTF-8 without NUL. At most 1 MiB is read, and the copy is at most some ten times as large, which
// takes a mail that is nothing but characters to escape.
func Sanitize(body string) string {
	body = strings.ReplaceAll(strings.ToValidUTF8(body, "\uFFFD"), "\x00", "")
	if len(body) > maxSanitized {
		body = string(wholeRunes([]byte(body[:maxSanitized])))
	}
	return balance(policy().Sanitize(body))
}

// policy is the allowlist. It is bluemonday's for user content less what loads or names anything.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(
		"address", "article", "aside", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "del", "div", "dl", "dt",
		"em", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "ins", "kbd", "li",
		"mark", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody",
		"td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
	)
	p.AllowAttrs("dir").Matching(bluemonday.Direction).Globally()
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("table", "tr", "td", "th", "p", "div")
	p.AllowAttrs("valign").Matching(bluemonday.CellVerticalAlign).OnElements("tr", "td", "th")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[0-9]{1,3}$`)).OnElements("td", "th")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,6}$`)).OnElements("ol")

	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false) // a mail has no place that they could be relative to
	p.AllowURLSchemes("http", "https", "mailto", "cid")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`(?i)^\s*(?:https?://|mailto:)`)).OnElements("a")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`(?i)^\s*cid:`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("img")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)

	p.SkipElementsContent("title", "textarea", "template")
	return p
})

// void are the elements that have no end.
var void = []string{"br", "hr", "img", "wbr"}

// balance closes what is open and drops ends of what is not. What stands between an element and its end is closed
// with it, so the time is linear.
func balance(safe string) string {
	var out strings.Builder
	out.Grow(len(safe))
	var stack []string
	open := map[string]int{}
	pop := func() string {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		open[name]--
		out.WriteString("</" + name + ">")
		return name
	}
	for z := html.NewTokenizer(strings.NewReader(safe)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			for len(stack) > 0 {
				pop()
			}
			return out.String()
		}
		raw := string(z.Raw())
		switch kind {
		case html.EndTagToken:
			tag, _ := z.TagName()
			if name := string(tag); open[name] > 0 {
				for pop() != name {
				}
			}
			continue
		case html.StartTagToken:
			tag, _ := z.TagName()
			if name := string(tag); !slices.Contains(void, name) {
				stack = append(stack, name)
				open[name]++
			}
		}
		out.WriteString(raw)
	}
}
