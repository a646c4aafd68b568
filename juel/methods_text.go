package juel

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Positions in a text count characters (code points), so that no method can cut one in half.

// textArg makes a method of a test of the receiver against one text.
func textArg(test func(s, arg string) bool) func(string, []any) (any, error) {
	return func(s string, args []any) (any, error) {
		arg, err := toText(args[0])
		return test(s, arg), err
	}
}

// textCompareTo is the difference of the first UTF-16 units that differ, else of the lengths, as in Java.
func textCompareTo(s string, args []any) (any, error) {
	other, ok := args[0].(string)
	if !ok {
		return nil, errors.New("text is compared with text alone")
	}
	a, b := utf16.Encode([]rune(s)), utf16.Encode([]rune(other))
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return int64(a[i]) - int64(b[i]), nil
		}
	}
	return int64(len(a) - len(b)), nil
}

func textLength(s string, _ []any) (any, error) {
	return int64(utf8.RuneCountInString(s)), nil
}

func textConcat(s string, args []any) (any, error) {
	arg, err := toText(args[0])
	if err != nil {
		return nil, err
	}
	if len(s)+len(arg) > maxText {
		return nil, errTooLong
	}
	return s + arg, nil
}

func textReplace(s string, args []any) (any, error) {
	from, err := toText(args[0])
	if err != nil {
		return nil, err
	}
	to, err := toText(args[1])
	if err != nil {
		return nil, err
	}
	if len(s)+strings.Count(s, from)*(len(to)-len(from)) > maxText {
		return nil, errTooLong
	}
	return strings.ReplaceAll(s, from, to), nil
}

func textIndexOf(s string, args []any) (any, error) {
	arg, err := toText(args[0])
	if err != nil {
		return nil, err
	}
	from := 0
	if len(args) > 1 {
		position, err := toIndex(args[1])
		if err != nil {
			return nil, fmt.Errorf("the position to search from is %s, %w", kindOf(args[1]), err)
		}
		from = byteOffset(s, max(position, 0))
	}
	at := strings.Index(s[from:], arg)
	if at < 0 {
		return int64(-1), nil
	}
	return int64(utf8.RuneCountInString(s[:from+at])), nil
}

func textLastIndexOf(s string, args []any) (any, error) {
	arg, err := toText(args[0])
	if err != nil {
		return nil, err
	}
	at := strings.LastIndex(s, arg)
	if at < 0 {
		return int64(-1), nil
	}
	return int64(utf8.RuneCountInString(s[:at])), nil
}

func textSubstring(s string, args []any) (any, error) {
	length := int64(utf8.RuneCountInString(s))
	bounds := [2]int64{0, length}
	for i, arg := range args {
		var err error
		if bounds[i], err = toIndex(arg); err != nil {
			return nil, fmt.Errorf("the position is %s, %w", kindOf(arg), err)
		}
	}
	begin, end := bounds[0], bounds[1]
	if begin < 0 || end > length || begin > end {
		return nil, fmt.Errorf("from %d to %d is outside of a text of length %d", begin, end, length)
	}
	return s[byteOffset(s, begin):byteOffset(s, end)], nil
}

// byteOffset is where the nth character of s starts; the end of s when it has fewer.
func byteOffset(s string, n int64) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// textSplit splits as Java does where Java's pattern is a plain text: empty texts at the end are dropped.
func textSplit(s string, args []any) (any, error) {
	sep, err := toText(args[0])
	if err != nil {
		return nil, err
	}
	const special = `\[](){}.*+?^$|`
	if len(sep) == 2 && sep[0] == '\\' && strings.Contains(special, sep[1:]) {
		sep = sep[1:]
	} else if sep == "" || strings.ContainsAny(sep, special) {
		return nil, errors.New(`split takes a plain separator, not a pattern; a special character is written '\\.'`)
	}
	fields := strings.Split(s, sep)
	for len(fields) > 1 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	list := make([]any, len(fields))
	for i := range fields {
		list[i] = fields[i]
	}
	return list, nil
}
