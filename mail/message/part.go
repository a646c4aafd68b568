package message

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// part handles the content that follows a header. Its errors are the sink's and the reader's.
func (p *parser) part(h header, position string, depth int, defaultType string) error {
	where := place(position)
	mediaType, params := parseParams(h.get("Content-Type"))
	if main, sub, ok := strings.Cut(mediaType, "/"); !ok || main == "" || sub == "" || strings.ContainsAny(mediaType, " \t") {
		if mediaType != "" {
			p.defect("%s: Content-Type %.80q is malformed, taken for %s", where, mediaType, defaultType)
		}
		mediaType = defaultType
	}
	disposition, dispositionParams := parseParams(h.get("Content-Disposition"))

	if strings.HasPrefix(mediaType, "multipart/") {
		boundary := strings.TrimRight(params["boundary"], " ")
		switch {
		case boundary == "" || len(boundary) > 1000:
			p.defect("%s: %s without a usable boundary, kept as an attachment", where, mediaType)
		case depth >= p.limits.Depth:
			p.defect("%s: nested deeper than %d, kept as an attachment", where, p.limits.Depth)
		default:
			return p.multipart(mediaType, boundary, position, depth)
		}
	}

	var source io.Reader = p.lines
	if len(h.body) > 0 {
		source = io.MultiReader(bytes.NewReader(h.body), p.lines)
	}
	content, known := decoder(h.get("Content-Transfer-Encoding"), source)
	if strings.HasPrefix(mediaType, "multipart/") {
		content, known = p.lines, true
	}
	if !known {
		p.defect("%s: unknown Content-Transfer-Encoding %.40q, kept as an attachment", where, h.get("Content-Transfer-Encoding"))
	}
	name := dispositionParams["filename"]
	if name == "" {
		name = params["name"]
	}
	isBody := (mediaType == "text/plain" || mediaType == "text/html") && known &&
		disposition != "attachment" && (name == "" || depth == 0)
	if isBody {
		return p.text(content, where, mediaType == "text/html", params["charset"])
	}

	attachment := Attachment{
		Part:        position,
		Name:        baseName(name),
		ContentType: mediaType,
		ContentID:   clean(strings.Trim(strings.TrimSpace(h.get("Content-Id")), "<>")),
		Inline:      disposition == "inline" || disposition == "" && h.get("Content-Id") != "",
	}
	if position == "" {
		attachment.Part = "1"
	}
	if cs := params["charset"]; cs != "" && strings.HasPrefix(mediaType, "text/") {
		attachment.ContentType += "; charset=" + strings.ToLower(cs)
	}
	content, kept := p.message.report.keep(mediaType, content)
	counted := &counter{r: content}
	if err := p.sink(attachment, counted); err != nil {
		return fmt.Errorf("store attachment %s: %w", attachment.Part, err)
	}
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	kept()
	attachment.Size = counted.n
	p.message.Attachments = append(p.message.Attachments, attachment)
	return nil
}

// place names a part in a defect.
func place(position string) string {
	if position == "" {
		return "the mail"
	}
	return "part " + position
}

// baseName keeps the last element of a path of either kind: a name is shown and stored, never a place. Characters that
// turn the direction of writing are left out: they make "exe.pdf" of "fdp.exe".
func baseName(name string) string {
	name = strings.Map(func(r rune) rune {
		if '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' {
			return -1
		}
		return r
	}, name)
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" || name == ".." {
		return ""
	}
	return name
}

func (p *parser) multipart(mediaType, boundary, position string, depth int) error {
	level := len(p.lines.open)
	p.lines.open = append(p.lines.open, []byte("--"+boundary))
	defer func() { p.lines.open = p.lines.open[:level] }()
	defaultType := "text/plain"
	if mediaType == "multipart/digest" {
		defaultType = "message/rfc822"
	}
	where := place(position)
	if position != "" {
		position += "."
	}
	preamble, err := io.ReadAll(io.LimitReader(p.lines, int64(p.limits.TextBytes)))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	for n := 0; ; n++ {
		p.lines.skip()
		switch {
		case p.lines.hit < level: // the end of the mail, or a boundary of a multipart around
			p.defect("%s: the boundary that ends %s is missing", where, mediaType)
			if n == 0 && len(bytes.TrimSpace(preamble)) > 0 { // no boundary at all: what nobody shows is all there is
				return p.text(bytes.NewReader(preamble), where, false, "")
			}
			return nil
		case p.lines.final:
			p.lines.resume()
			return nil
		}
		p.lines.resume()
		child := position + strconv.Itoa(n+1)
		if p.parts++; p.parts > p.limits.Parts {
			if p.parts == p.limits.Parts+1 {
				p.defect("more than %d parts, the rest is left out", p.limits.Parts)
			}
			continue
		}
		h := p.header("part " + child)
		if err := p.part(h, child, depth+1, defaultType); err != nil {
			return err
		}
	}
}

// text reads a body and joins it to what there is of its kind.
func (p *parser) text(content io.Reader, where string, html bool, declared string) error {
	body, truncated := &p.message.Text, &p.message.TextTruncated
	if html {
		body, truncated = &p.message.HTML, &p.message.HTMLTruncated
	}
	limit := p.limits.TextBytes
	raw, err := io.ReadAll(io.LimitReader(content, int64(limit)+1))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	cut := len(raw) > limit
	if cut {
		raw = wholeRunes(raw[:limit])
	}
	text, defect := decodeText(raw, declared)
	if defect != "" {
		p.defect("%s: %s", where, defect)
	}
	if *body != "" && text != "" {
		text = strings.TrimSuffix(*body, "\n") + "\n" + text
	} else {
		text = *body + text
	}
	if len(text) > limit {
		text, cut = string(wholeRunes([]byte(text[:limit]))), true
	}
	*body, *truncated = text, *truncated || cut
	return nil
}

// wholeRunes drops a UTF-8 sequence that a cut left incomplete.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if last := b[len(b)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
