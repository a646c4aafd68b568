package message

import (
	"fmt"
	"strings"
)

// Automatic reports whether a mail was sent by a machine, and why it is taken for one: bounces, auto-replies, lists
// and bulk mail (RFC 3834 section 2, RFC 2919, RFC 2369, RFC 3464) and what large vendors add. An automatic mail must
// never be answered automatically, or two machines write to each other for ever.
func Automatic(headers []Header) (automatic bool, reason string) {
	for _, h := range headers {
		value := strings.ToLower(strings.TrimSpace(h.Value))
		first, _, _ := strings.Cut(value, ";")
		first = strings.TrimSpace(first)
		hit := false
		switch h.Key {
		case "Auto-Submitted":
			hit = first != "" && first != "no"
		case "List-Id", "List-Unsubscribe", "List-Post", "X-Autoreply", "X-Autorespond":
			hit = value != "no"
		case "Precedence", "X-Precedence":
			hit = first == "bulk" || first == "list" || first == "junk" || first == "auto_reply"
		case "X-Auto-Response-Suppress":
			hit = value != "" && value != "none"
		case "Return-Path":
			hit = value == "<>"
		case "Content-Type":
			hit = first == "multipart/report"
		case "From":
			hit = strings.Contains(value, "mailer-daemon@")
		}
		if hit {
			return true, fmt.Sprintf("%s: %s", h.Key, shorten(h.Value, 100))
		}
	}
	return false, ""
}

func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return string(wholeRunes([]byte(s[:limit]))) + "…"
}
