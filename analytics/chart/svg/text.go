package svg

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width is about how wide a line of text is, in pixels, at this font size.
func Width(text string, size float64) float64 {
	width := 0.0
	for _, r := range text {
		width += advance(r)
	}
	return width * size
}

// advance is the width of a letter in parts of the font size.
func advance(r rune) float64 {
	switch {
	case strings.ContainsRune("ijl'|.,:;!I", r):
		return 0.26
	case strings.ContainsRune(" ftr()[]/-\"", r):
		return 0.33
	case strings.ContainsRune("mwMW@%", r):
		return 0.86
	case r < utf8.RuneSelf && unicode.IsUpper(r):
		return 0.69
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && (r <= 0x115F || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)) || r >= 0x1F300:
		return 1
	case unicode.IsUpper(r):
		return 0.69
	}
	return 0.55
}

// Clip is the text in one line, cut with an ellipsis where it is wider.
func Clip(text string, width, size float64) string {
	text = strings.Join(strings.Fields(text), " ")
	if Width(text, size) <= width {
		return text
	}
	return cut(text, width, size)
}

func cut(text string, width, size float64) string {
	const ellipsis = "…"
	width -= Width(ellipsis, size)
	for i, r := range text {
		if width -= advance(r) * size; width < 0 {
			return strings.TrimRight(text[:i], " ") + ellipsis
		}
	}
	return text + ellipsis
}

// Wrap breaks text into lines of a width, at most so many: the last is cut with an ellipsis where more is left. Words that are wider are broken.
func Wrap(text string, width, size float64, most int) []string {
	var lines []string
	line := ""
	words := pieces(strings.Fields(text), width, size)
	for i, word := range words {
		joined := word
		if line != "" {
			joined = line + " " + word
		}
		switch {
		case line == "" || Width(joined, size) <= width:
			line = joined
		case len(lines)+1 >= most:
			return append(lines, cut(line+" "+strings.Join(words[i:], " "), width, size))
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// pieces breaks words that are wider than a line.
func pieces(words []string, width, size float64) []string {
	var out []string
	for _, w := range words {
		from, used := 0, 0.0
		for i, r := range w {
			a := advance(r) * size
			if used+a > width && i > from {
				out = append(out, w[from:i])
				from, used = i, 0
			}
			used += a
		}
		out = append(out, w[from:])
	}
	return out
}
