package configuration

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode reads text as UTF-8, and what is none as ISO-8859-1, as java.util.Properties reads a stream.
func decode(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

const blank = " \t\f"

// readProperties reads the format of java.util.Properties.load: comments, continued lines, the separators = and : and blanks, and escapes. There are
// libraries for it, of which none tells the line of a setting. Errors begin with the line.
func readProperties(text string) ([]entry, error) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var entries []entry
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, number := strings.TrimLeft(lines[i], blank), i+1
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continued(line) {
			line = line[:len(line)-1]
			if i++; i == len(lines) {
				break
			}
			line += strings.TrimLeft(lines[i], blank)
		}
		name, value := split(line)
		e := entry{line: number}
		var err error
		if e.name, err = unescape(name); err == nil {
			e.text, err = unescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", number, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// continued tells whether a line ends with an odd number of backslashes.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// split parts a line at its first separator.
func split(line string) (name, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
		} else if strings.IndexByte(blank+"=:", line[i]) >= 0 {
			end = i
			break
		}
	}
	value = strings.TrimLeft(line[end:], blank)
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], blank)
	}
	return line[:end], value
}

// unescape resolves escapes. Those of UTF-16 (\u and four hexadecimal digits) may come in pairs for one character.
func unescape(text string) (string, error) {
	if !strings.Contains(text, `\`) {
		return text, nil
	}
	var b strings.Builder
	var units []uint16
	flush := func() {
		b.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && text[i+1] == 'u' {
			digits := text[i+2 : min(i+6, len(text))]
			unit, err := strconv.ParseUint(digits, 16, 16)
			if err != nil || len(digits) != 4 {
				return "", fmt.Errorf(`\u is followed by four hexadecimal digits; a backslash is written as \\`)
			}
			units = append(units, uint16(unit))
			i += 5
			continue
		}
		flush()
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			break
		}
		c := text[i]
		switch c {
		case 't':
			c = '\t'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 'f':
			c = '\f'
		}
		b.WriteByte(c)
	}
	flush()
	return b.String(), nil
}
