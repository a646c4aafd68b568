package juel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// settable is an Env whose variables can be set.
type settable struct {
	Vars
	local map[string]any
}

func (s settable) Now() time.Time { return time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC) }

func (s settable) SetVariable(name string, value any, reach Reach) error {
	switch reach {
	case LocalToTask:
		s.local["task "+name] = value
	case Local:
		s.local[name] = value
	default:
		s.Vars[name] = value
	}
	return nil
}

func (s settable) RemoveVariable(name string) error {
	delete(s.Vars, name)
	return nil
}

func TestEffects(t *testing.T) {
	env := settable{Vars{"a": int64(1), "gone": true}, map[string]any{}}
	for _, text := range []string{
		"${execution.setVariable('b', a + 1)}", "${task.setVariableLocal('c', 'x')}", "${execution.setVariableLocal('c', 'y')}", "#{execution.removeVariable('gone')}",
	} {
		e, err := Parse(text)
		require.NoError(t, err)
		require.True(t, e.Effects())
		value, err := e.Eval(env)
		require.NoError(t, err)
		require.Nil(t, value)
	}
	require.Equal(t, Vars{"a": int64(1), "b": int64(2)}, env.Vars)
	require.Equal(t, map[string]any{"task c": "x", "c": "y"}, env.local)
	e, err := Parse("${a == 1 ? execution.setVariable(a, 1) : 2}")
	require.NoError(t, err)
	_, err = e.Eval(env)
	require.ErrorContains(t, err, "the name of the variable is")
	e, err = Parse("${execution.getVariable('a')}")
	require.NoError(t, err)
	require.False(t, e.Effects())
}

func TestParseCall(t *testing.T) {
	bean, method, args, ok := ParseCall(" ${notifier.send(order.id, 'a,b', list[0])} ")
	require.True(t, ok)
	require.Equal(t, []any{"notifier", "send", 3}, []any{bean, method, len(args)})
	value, err := args[1].Eval(Vars{})
	require.NoError(t, err)
	require.Equal(t, "a,b", value)
	value, err = args[0].Eval(Vars{"order": map[string]any{"id": int64(7)}})
	require.NoError(t, err)
	require.EqualValues(t, 7, value)
	_, _, args, ok = ParseCall("#{printer.print()}")
	require.True(t, ok)
	require.Empty(t, args)
	for _, text := range []string{
		"${name.concat('x')}", "${execution.setVariable('a', 1)}", "${a + b}", "${bean}", "bean.send()", "${bean.send()}!", "${a.b.send()}", "${bean.send(}", "",
	} {
		_, _, _, ok := ParseCall(text)
		require.False(t, ok, text)
	}
}

func TestDates(t *testing.T) {
	env := settable{Vars{"day": "2026-03-02", "at": "2026-03-02T09:30:00+01:00", "text": "soon"}, nil}
	for text, want := range map[string]any{
		"${now().plusDays(1)}":                         "2026-02-01T09:00:00.000Z",
		"${now().plusMonths(1)}":                       "2026-02-28T09:00:00.000Z",
		"${dateTime().plusHours(2).toDate()}":          "2026-01-31T11:00:00.000Z",
		"${day.plusDays(1)}":                           "2026-03-03",
		"${day.minusYears(1)}":                         "2025-03-02",
		"${day.plusHours(5)}":                          "2026-03-02T05:00:00",
		"${at.plusMinutes(30)}":                        "2026-03-02T10:00:00.000+01:00",
		"${day.isBefore(at)}":                          true,
		"${day.isAfter(now())}":                        true,
		"${now().getTime()}":                           int64(1769850000000),
		"${day.getYear() + day.getMonthValue()}":       int64(2029),
		"${day.withDayOfMonth(31)}":                    "2026-03-31",
		"${day.withMonthOfYear(2).withDayOfMonth(28)}": "2026-02-28",
		"${day.withMonth(2).withDayOfMonth(29)}":       "there is no 29 there",
		"${'2028-02-29'.withYear(2027)}":               "2027-02-28",
		"${at.withHourOfDay(0).withMinute(5)}":         "2026-03-02T00:05:00.000+01:00",
		"${day.withHour(24)}":                          "there is no 24 there",
		"${day.withMonth(0)}":                          "there is no 0 there",
		"${text.withYear(1)}":                          "the text is not a date",
		"${text.plusDays(1)}":                          "the text is not a date",
		"${day.isBefore(3)}":                           "the text is not a date",
		"${day.plusYears(100000)}":                     "out of range",
	} {
		e, err := Parse(text)
		require.NoError(t, err, text)
		value, err := e.Eval(env)
		if message, refused := want.(string); err != nil && refused {
			require.ErrorContains(t, err, message, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, value, text)
	}
}
