package email

import (
	"crypto/sha256"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/waybill-io/waybill/mail/smtp"
)

// scheme begins a reference of HTML to a part of its mail (RFC 2392).
var scheme = regexp.MustCompile(`(?i)\bcid:`)

// show gives the inline files content ids, and makes references to their names, cid:NAME, references to these: a name is no content id,
// which is of the shape LEFT@RIGHT (RFC 2045, section 7). A reference to what is not inline stays, since the text of somebody else that is
// quoted may have some. A file that nothing refers to is refused: readers would show it as an attachment, or not at all.
func (f *fields) show(text string, files []smtp.Attachment, messageID string) string {
	ids := map[string]string{}
	for i, file := range files {
		if ids[file.Name] != "" {
			f.errorf("two inline files have the name %q, by which html refers to one", file.Name)
		}
		sum := sha256.Sum256([]byte(messageID + "/" + file.Name))
		files[i].ContentID = hex.EncodeToString(sum[:12]) + "@waybill"
		ids[file.Name] = files[i].ContentID
	}
	if len(files) == 0 {
		return text
	}
	used := map[string]bool{}
	var out strings.Builder
	for {
		at := scheme.FindStringIndex(text)
		if at == nil {
			break
		}
		out.WriteString(text[:at[1]])
		text = text[at[1]:]
		for _, reference := range []string{upTo(text, `"'<>()`), upTo(text, "\"'<>(), \t\r\n")} { // names may have blanks; attributes need not be quoted
			if name := nameOf(reference, ids); name != "" {
				used[name] = true
				out.WriteString(ids[name])
				text = text[len(reference):]
				break
			}
		}
	}
	out.WriteString(text)
	for _, file := range files {
		if !used[file.Name] {
			f.errorf("html does not refer to the inline file %q, as in <img src=\"cid:%s\">; what is only to be attached is for attachments", file.Name, url.PathEscape(file.Name))
		}
	}
	return out.String()
}

func upTo(text, end string) string {
	if i := strings.IndexAny(text, end); i >= 0 {
		return text[:i]
	}
	return text
}

// nameOf is the inline file that a reference names, as HTML and URLs write names; "" when it is none.
func nameOf(reference string, ids map[string]string) string {
	name := html.UnescapeString(reference)
	if ids[name] != "" {
		return name
	}
	if name, err := url.PathUnescape(name); err == nil && ids[name] != "" {
		return name
	}
	return ""
}
