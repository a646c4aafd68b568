package juel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/juel"
)

// scope is an Env with a clock.
type scope struct {
	juel.Vars
	now time.Time
}

func (s *scope) Now() time.Time { return s.now }

func newScope() *scope {
	s := &scope{Vars: vars(), now: time.Date(2026, 3, 1, 9, 30, 0, 5e6, time.FixedZone("", 3600))}
	s.Vars["execution"] = map[string]any{"processInstanceId": "p1", "id": "e1"}
	s.Vars["due"] = "2026-02-28T00:00:00.000Z"
	return s
}

func TestFunctions(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"${now()}", "text 2026-03-01T08:30:00.005Z"},
		{"${dateTime()}", "text 2026-03-01T08:30:00.005Z"},
		{"${now() > due}", "boolean true"},
		{"${now().substring(0, 10)}", "text 2026-03-01"},
		{"${now(1)}", "error: expression, offset 2: now has 1 arguments, expected 0"},
		{"${today()}", "error: expression, offset 2: there is no function today; there are dateTime now and those of the prefix var:"},
		{"${fn:length('x')}", "error: expression, offset 4: unexpected :, there is no ? before it, and functions have no prefix but var, vars and variables"},

		{"${var:get(status)}", "text open"},
		{"${var:get('status')}", "text open"},
		{"${vars:get(status)}", "text open"},
		{"${variables:get(status)}", "text open"},
		{"${ var : get ( status ) }", "text open"},
		{"${var:get(missing)}", "null"},
		{"${var:get('sta'.concat('tus'))}", "text open"},
		{"${var:get(1)}", "error: var:get(1): the name of the variable is a number, not text"},
		{"${var:get()}", "error: expression, offset 6: get has 0 arguments, expected 1"},
		{"${var:getOrDefault(missing, 7)}", "integer 7"},
		{"${var:getOrDefault(nul, 7)}", "integer 7"},
		{"${var:getOrDefault(amount, 7) > 100}", "boolean true"},
		{"${var:exists(status)}", "boolean true"},
		{"${var:exists(nul)}", "boolean false"},
		{"${var:exists(missing)}", "boolean false"},
		{"${!var:exists(missing)}", "boolean true"},
		{"${var:eq(status, 'open')}", "boolean true"},
		{"${var:equals(status, name)}", "boolean false"},
		{"${var:eq(amount, 150)}", "boolean true"},
		{"${var:eq(amount, 150.0)}", "boolean true"},
		{"${var:eq(amount, '150')}", "boolean false"},
		{"${var:eq(missing, 1)}", "boolean false"},
		{"${var:eq(missing, null)}", "boolean true"},
		{"${var:eq(list, list)}", "boolean true"},
		{"${var:ne(status, 'open')}", "boolean false"},
		{"${var:notEquals(missing, 'open')}", "boolean true"},
		{"${var:lt(amount, 151)}", "boolean true"},
		{"${var:lessThan(amount, 150)}", "boolean false"},
		{"${var:lowerThan(amount, 150.5)}", "boolean true"},
		{"${var:lte(amount, 150)}", "boolean true"},
		{"${var:lowerThanOrEquals(amount, 149)}", "boolean false"},
		{"${var:lessThanOrEquals(amount, 149)}", "boolean false"},
		{"${var:gt(amount, 100)}", "boolean true"},
		{"${var:greaterThan(missing, 100)}", "boolean false"},
		{"${var:gte(amount, 150)}", "boolean true"},
		{"${var:greaterThanOrEquals(amount, nul)}", "boolean false"},
		{"${var:lt(due, now())}", "boolean true"},
		{"${var:gt(amount, '100')}", "error: var:gt(amount, '100'): a number and text have no order"},
		{"${var:gt(list, list)}", "error: var:gt(list, list): a list of 3 and a list of 3 have no order"},
		{"${var:isEmpty(empty1)}", "boolean true"},
		{"${var:isEmpty(missing)}", "boolean true"},
		{"${var:empty(none)}", "boolean true"},
		{"${var:empty(amount)}", "boolean false"},
		{"${var:isNotEmpty(list)}", "boolean true"},
		{"${var:notEmpty(nomap)}", "boolean false"},
		{"${var:contains(list, 'a')}", "boolean true"},
		{"${var:contains(list, 'a', 3)}", "boolean true"},
		{"${var:contains(list, 'a', 4)}", "boolean false"},
		{"${var:contains(status, 'op', 'en')}", "boolean true"},
		{"${var:contains(missing, 'a')}", "boolean false"},
		{"${var:contains(amount, 1)}", "boolean false"},
		{"${var:contains(list)}", "error: expression, offset 6: contains has 1 arguments, expected at least 2"},
		{"${var:containsAny(list, 'z', 'a')}", "boolean true"},
		{"${var:containsAny(list, 'z', 4)}", "boolean false"},
		{"${var:containsAny(status, 'x', 'pe')}", "boolean true"},
		{"${var:base64(status)}", "error: expression, offset 6: there is no function var:base64; there are contains containsAny empty eq equals exists get getOrDefault greaterThan greaterThanOrEquals gt gte isEmpty isNotEmpty lessThan lessThanOrEquals lowerThan lowerThanOrEquals lt lte ne notEmpty notEquals"},
		{"${var:eq(status, 'open') ? 'y' : 'n'}", "text y"},
		{"${approved ? var:get(status) : 1}", "text open"},
		{"${approved ? status : var:get(missing)}", "text open"},
		{"${approved ? status : now()}", "text open"},

		{"${execution.getVariable('status')}", "text open"},
		{"${execution.getVariable('missing')}", "null"},
		{"${execution.getVariable('missing') == null}", "boolean true"},
		{"${task.getVariable('amount') + 1}", "integer 151"},
		{"${execution.getVariable('customer').name}", "text Ada"},
		{"${execution.hasVariable('nul')}", "boolean true"},
		{"${execution.hasVariable('missing')}", "boolean false"},
		{"${execution.getVariable(1)}", "error: execution.getVariable(1): the name of the variable is a number, not text"},
		{"${execution.hasVariable()}", "error: expression, offset 12: hasVariable has 0 arguments, expected 1"},
		{"${execution.setVariable('x', 1)}", "error: execution.setVariable('x', 1): variables cannot be set where this expression is evaluated"},
		{"${execution.processInstanceId}", "text p1"},
		{"${execution.getProcessInstanceId()}", "text p1"},
		{"${execution['id']}", "text e1"},
		{"${execution.nothing}", "error: expression, offset 12: execution has no property nothing; it has businessKey currentActivityId currentActivityName eventName id processBusinessKey processDefinitionId processDefinitionKey processInstanceId variables"},
		{"${execution.removeVariable('x')}", "error: execution.removeVariable('x'): variables cannot be set where this expression is evaluated"},
		{"${task.name}", "error: unknown variable task; where it may be missing, var:get(task) is null"},
	} {
		require.Equal(t, c.want, answer(c.src, newScope()), c.src)
	}
}

// externalTask is what the expression of a camunda:errorEventDefinition sees, with the getters of a Java bean.
func TestExternalTask(t *testing.T) {
	env := juel.Vars{"externalTask": map[string]any{"errorDetails": "no disk", "retries": nil}}
	require.Equal(t, "boolean true", answer("${externalTask.getErrorDetails().contains('disk')}", env))
	require.Equal(t, "boolean true", answer("${externalTask.getRetries() == null && externalTask.get('errorDetails') eq 'no disk'}", env))
	require.Contains(t, answer("${externalTask.getLuck()}", env), "error: expression, offset 15: externalTask has no method getLuck; it has getters without arguments for activityId")
	require.Contains(t, answer("${externalTask.getRetries(1)}", env), "has no method getRetries")
	require.Contains(t, answer("${externalTask.getClass()}", env), "has no method getClass")
}

// TestPrefixIsAlsoAName: a variable may be called var, also where a colon follows.
func TestPrefixIsAlsoAName(t *testing.T) {
	env := juel.Vars{"var": "v", "c": true, "d": int64(1)}
	require.Equal(t, "text v", answer("${c ? var : d}", env))
	require.Equal(t, "text v", answer("${c ? var:d}", env))
	require.Equal(t, "text v", answer("${var}", env))
	require.Contains(t, answer("${c ? var : nothing(1)}", env), "error: expression, offset 12: there is no function var:nothing; there are ")
}

func TestWithoutClock(t *testing.T) {
	require.Equal(t, "error: now(): there is no clock where this expression is evaluated", answer("${now()}", vars()))
}

var _ juel.Env = (*scope)(nil)
