package juel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// method is one name of the whitelist, for each kind of receiver that has it. Numbers of arguments are checked by Parse.
type method struct {
	min, max int
	value    func(v any, args []any) (any, error) // any receiver
	text     func(s string, args []any) (any, error)
	list     func(l []any, args []any) (any, error)
	object   func(m map[string]any, args []any) (any, error)
}

var errNoMethod = errors.New("no such method")

func (m method) call(base any, args []any) (any, error) {
	if m.value != nil {
		return m.value(base, args)
	}
	switch base := base.(type) {
	case string:
		if m.text != nil {
			return m.text(base, args)
		}
	case []any:
		if m.list != nil {
			return m.list(base, args)
		}
	case map[string]any:
		if m.object != nil {
			return m.object(base, args)
		}
	}
	return nil, errNoMethod
}

// methods is the whitelist. Names and meaning are those of java.lang.String, java.util.List, java.util.Map and java.time.
var methods = map[string]method{
	"equals":    {min: 1, max: 1, value: func(v any, args []any) (any, error) { return equalValues(v, args[0]), nil }},
	"toString":  {value: func(v any, _ []any) (any, error) { return toText(v) }},
	"compareTo": {min: 1, max: 1, text: textCompareTo},
	"isEmpty": {
		text:   func(s string, _ []any) (any, error) { return s == "", nil },
		list:   func(l []any, _ []any) (any, error) { return len(l) == 0, nil },
		object: func(m map[string]any, _ []any) (any, error) { return len(m) == 0, nil },
	},
	"contains": {min: 1, max: 1, text: textArg(strings.Contains), list: func(l []any, args []any) (any, error) {
		return listIndex(l, args[0]) >= 0, nil
	}},
	"indexOf": {min: 1, max: 2, text: textIndexOf, list: func(l []any, args []any) (any, error) {
		if len(args) > 1 {
			return nil, errors.New("of a list it takes 1 argument")
		}
		return int64(listIndex(l, args[0])), nil
	}},
	"size": {
		list:   func(l []any, _ []any) (any, error) { return int64(len(l)), nil },
		object: func(m map[string]any, _ []any) (any, error) { return int64(len(m)), nil },
	},
	"get": {min: 1, max: 1, list: listGet, object: func(m map[string]any, args []any) (any, error) {
		key, err := toText(args[0])
		return m[key], err
	}},
	"containsKey": {min: 1, max: 1, object: func(m map[string]any, args []any) (any, error) {
		key, err := toText(args[0])
		_, ok := m[key]
		return ok, err
	}},
	"keySet": {object: func(m map[string]any, _ []any) (any, error) {
		keys := make([]any, 0, len(m))
		for _, key := range sortedKeys(m) {
			keys = append(keys, key)
		}
		return keys, nil
	}},
	"values": {object: func(m map[string]any, _ []any) (any, error) {
		values := make([]any, 0, len(m))
		for _, key := range sortedKeys(m) {
			values = append(values, m[key])
		}
		return values, nil
	}},
	"concat":           {min: 1, max: 1, text: textConcat},
	"endsWith":         {min: 1, max: 1, text: textArg(strings.HasSuffix)},
	"equalsIgnoreCase": {min: 1, max: 1, text: textArg(strings.EqualFold)},
	"lastIndexOf":      {min: 1, max: 1, text: textLastIndexOf},
	"length":           {text: textLength},
	"replace":          {min: 2, max: 2, text: textReplace},
	"split":            {min: 1, max: 1, text: textSplit},
	"startsWith":       {min: 1, max: 1, text: textArg(strings.HasPrefix)},
	"substring":        {min: 1, max: 2, text: textSubstring},
	"toLowerCase":      {text: func(s string, _ []any) (any, error) { return strings.ToLower(s), nil }},
	"toUpperCase": {text: func(s string, _ []any) (any, error) {
		return strings.ReplaceAll(strings.ToUpper(s), "ß", "SS"), nil // Go maps rune to rune, Java does not
	}},
	"trim": {text: func(s string, _ []any) (any, error) {
		return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), nil
	}},
}

// methodOf finds a method by its name. Those of dates are not told of in errors: they are many, and few models use them.
func methodOf(name string) (method, bool) {
	if m, ok := methods[name]; ok {
		return m, true
	}
	m, ok := dateMethods[name]
	return m, ok
}

func listGet(l []any, args []any) (any, error) {
	i, err := toIndex(args[0])
	if err != nil {
		return nil, fmt.Errorf("the index is %s, %w", kindOf(args[0]), err)
	}
	if i < 0 || i >= int64(len(l)) {
		return nil, fmt.Errorf("index %d is outside of a list of %d", i, len(l))
	}
	return l[i], nil
}

func listIndex(l []any, value any) int {
	return slices.IndexFunc(l, func(element any) bool { return equalValues(element, value) })
}

// methodsOf lists what a value has, for an error.
func methodsOf(base any) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		m := methods[name]
		has := m.value != nil
		switch base.(type) {
		case string:
			has = has || m.text != nil
		case []any:
			has = has || m.list != nil
		case map[string]any:
			has = has || m.object != nil
		}
		if has {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
