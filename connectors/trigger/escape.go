package trigger

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bodies of classes that Java has letters for and Go has not, or has with other characters.
const (
	space           = `\t\n\x0B\f\r ` // \s; Go's has no vertical tab
	horizontalSpace = `\t \x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}`
	verticalSpace   = `\n\x0B\f\r\x{85}\x{2028}\x{2029}`
)

// escaped is what a backslash means that stands for characters.
type escaped struct {
	body    string // as it is written inside a class of Go
	negated bool   // it stands for all other characters
	single  bool   // body is one character, and may stand outside a class
	length  int    // in the pattern
}

func (e escaped) caret() string {
	if e.negated {
		return "^"
	}
	return ""
}

var (
	hex4     = regexp.MustCompile(`^\\u([0-9A-Fa-f]{4})`)
	hexX     = regexp.MustCompile(`^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})`)
	octal    = regexp.MustCompile(`^\\0([0-3][0-7]{2}|[0-7]{1,2})`)
	property = regexp.MustCompile(`^\\([pP])(?:\{([^{}]*)\}|([A-Za-z]))`)
)

// readEscape reads the escape at the beginning of rest, which has more than the backslash.
func readEscape(rest string) (escaped, error) {
	char := func(code string, base, length int) (escaped, error) {
		n, err := strconv.ParseUint(code, base, 32)
		if err != nil || n > utf8.MaxRune {
			return escaped{}, fmt.Errorf("%s is no character", rest[:length])
		}
		if utf16.IsSurrogate(rune(n)) {
			return escaped{}, fmt.Errorf("%s is half a character; write both halves, or \\x{...}", rest[:length])
		}
		return escaped{body: fmt.Sprintf(`\x{%X}`, n), single: true, length: length}, nil
	}
	class := func(body string, negated bool) (escaped, error) {
		return escaped{body: body, negated: negated, length: 2}, nil
	}
	switch c := rest[1]; c {
	case 'd', 'w':
		return class(`\`+string(c), false)
	case 'D', 'W':
		return class(strings.ToLower(rest[:2]), true)
	case 's', 'S':
		return class(space, c == 'S')
	case 'h', 'H':
		return class(horizontalSpace, c == 'H')
	case 'v', 'V': // one character in Go, a class in Java
		return class(verticalSpace, c == 'V')
	case 't', 'n', 'r', 'f', 'a':
		return escaped{body: rest[:2], single: true, length: 2}, nil
	case 'e':
		return escaped{body: `\x{1B}`, single: true, length: 2}, nil
	case 'c':
		if len(rest) < 3 || rest[2] >= utf8.RuneSelf {
			return escaped{}, errors.New(`\c wants a character after it, such as \cA`)
		}
		return escaped{body: fmt.Sprintf(`\x{%X}`, rest[2]^64), single: true, length: 3}, nil
	case '0':
		if m := octal.FindStringSubmatch(rest); m != nil {
			return char(m[1], 8, len(m[0]))
		}
		return escaped{}, errors.New(`\0 wants octal digits after it, such as \011`)
	case 'x':
		if m := hexX.FindStringSubmatch(rest); m != nil {
			return char(m[1]+m[2], 16, len(m[0]))
		}
		return escaped{}, errors.New(`\x wants two hexadecimal digits or \x{...}`)
	case 'u':
		m := hex4.FindStringSubmatch(rest)
		if m == nil {
			return escaped{}, errors.New(`\u wants four hexadecimal digits`)
		}
		if low := hex4.FindStringSubmatch(rest[len(m[0]):]); low != nil {
			a, _ := strconv.ParseUint(m[1], 16, 32)
			b, _ := strconv.ParseUint(low[1], 16, 32)
			if r := utf16.DecodeRune(rune(a), rune(b)); r != utf8.RuneError {
				return escaped{body: fmt.Sprintf(`\x{%X}`, r), single: true, length: len(m[0]) + len(low[0])}, nil
			}
		}
		return char(m[1], 16, len(m[0]))
	case 'p', 'P':
		m := property.FindStringSubmatch(rest)
		if m == nil {
			return escaped{}, fmt.Errorf(`\%c wants a name, such as \%c{L}`, c, c)
		}
		body, err := propertyBody(m[2] + m[3])
		return escaped{body: body, negated: c == 'P', length: len(m[0])}, err
	case 'N':
		return escaped{}, errors.New(`\N{...} is not supported; write the character, or \x{...}`)
	case 'E':
		return escaped{}, errors.New(`\E without \Q before it`)
	default:
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return escaped{}, fmt.Errorf(`\%c is not supported`, c)
		}
	}
	r, size := utf8.DecodeRuneInString(rest[1:])
	return escaped{body: quoteInClass(r), single: true, length: 1 + size}, nil
}

// quoteInClass writes one character so that it means itself, inside a class and outside.
func quoteInClass(r rune) string {
	if r < utf8.RuneSelf && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') || r == utf8.RuneError {
		return fmt.Sprintf(`\x{%X}`, r)
	}
	return string(r)
}
