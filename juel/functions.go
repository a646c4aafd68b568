package juel

import (
	"errors"
	"slices"
	"strings"
)

// timestamp has a fixed width, so that the texts of two times compare as the times do.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// functions have no prefix and no arguments.
var functions = map[string]func(Env) (any, error){
	"now":      currentTime,
	"dateTime": currentTime,
}

func currentTime(env Env) (any, error) {
	now := env.Now()
	if now.IsZero() {
		return nil, errors.New("there is no clock where this expression is evaluated")
	}
	return now.UTC().Format(timestamp), nil
}

// scopeMethods are the methods of execution and of task. Each has one argument, the name of a variable.
var scopeMethods = map[string]func(n node, env Env, name any) (any, error){
	"getVariable": func(n node, env Env, name any) (any, error) {
		value, _, err := variable(n, env, name)
		return value, err
	},
	"getVariableLocal": func(n node, env Env, name any) (any, error) {
		value, _, err := variable(n, env, name)
		return value, err
	},
	"hasVariable": func(n node, env Env, name any) (any, error) {
		_, ok, err := variable(n, env, name)
		return ok, err
	},
}

// executionProperties are the properties of execution. Another one would be null, which hides a mistake.
var executionProperties = []string{
	"businessKey", "currentActivityId", "currentActivityName", "eventName", "id", "processBusinessKey", "processDefinitionId",
	"processDefinitionKey", "processInstanceId", "variables",
}

// effect changes a variable. local is what is local to the object whose method it is.
type effect func(s Setter, name string, args []any, local Reach) error

// scopeEffects are the methods of execution and task that change variables. The first argument is a name. They give null.
var scopeEffects = map[string]struct {
	args int
	call effect
}{
	"setVariable":         {2, func(s Setter, name string, args []any, _ Reach) error { return s.SetVariable(name, args[0], Nearest) }},
	"setVariableLocal":    {2, func(s Setter, name string, args []any, local Reach) error { return s.SetVariable(name, args[0], local) }},
	"removeVariable":      {1, func(s Setter, name string, _ []any, _ Reach) error { return s.RemoveVariable(name) }},
	"removeVariableLocal": {1, func(s Setter, name string, _ []any, _ Reach) error { return s.RemoveVariable(name) }},
}

// TaskChanges are the methods of task that change it before it opens. Each has one argument and gives null.
var TaskChanges = []string{
	"setAssignee", "setOwner", "addCandidateUser", "addCandidateUsers", "addCandidateGroup", "addCandidateGroups",
	"deleteCandidateUser", "deleteCandidateGroup", "setName", "setDescription", "setPriority", "setDueDate", "setFollowUpDate", "setFormKey",
}

// variableFunction is var:name(variable, args...), also with the prefixes vars and variables. The variable is null
// when it is missing. min and max count all arguments.
type variableFunction struct {
	min, max int
	call     func(value any, args []any) (any, error)
}

// variableFunctions have the names and the meaning that Flowable gives them: comparison without coercion of texts.
var variableFunctions = map[string]variableFunction{
	"get":          {1, 1, func(value any, _ []any) (any, error) { return value, nil }},
	"getOrDefault": {2, 2, getOrDefault},
	"exists":       {1, 1, func(value any, _ []any) (any, error) { return value != nil, nil }},

	"isEmpty":    {1, 1, func(value any, _ []any) (any, error) { return isEmpty(value), nil }},
	"empty":      {1, 1, func(value any, _ []any) (any, error) { return isEmpty(value), nil }},
	"isNotEmpty": {1, 1, func(value any, _ []any) (any, error) { return !isEmpty(value), nil }},
	"notEmpty":   {1, 1, func(value any, _ []any) (any, error) { return !isEmpty(value), nil }},

	"equals":    {2, 2, func(value any, args []any) (any, error) { return equalValues(value, args[0]), nil }},
	"eq":        {2, 2, func(value any, args []any) (any, error) { return equalValues(value, args[0]), nil }},
	"notEquals": {2, 2, func(value any, args []any) (any, error) { return !equalValues(value, args[0]), nil }},
	"ne":        {2, 2, func(value any, args []any) (any, error) { return !equalValues(value, args[0]), nil }},

	"lowerThan": {2, 2, ordered("<")}, "lessThan": {2, 2, ordered("<")}, "lt": {2, 2, ordered("<")},
	"lowerThanOrEquals": {2, 2, ordered("<=")}, "lessThanOrEquals": {2, 2, ordered("<=")}, "lte": {2, 2, ordered("<=")},
	"greaterThan": {2, 2, ordered(">")}, "gt": {2, 2, ordered(">")},
	"greaterThanOrEquals": {2, 2, ordered(">=")}, "gte": {2, 2, ordered(">=")},

	"contains": {2, anyNumber, func(value any, args []any) (any, error) {
		return !slices.ContainsFunc(args, func(arg any) bool { return !holds(value, arg) }), nil
	}},
	"containsAny": {2, anyNumber, func(value any, args []any) (any, error) {
		return slices.ContainsFunc(args, func(arg any) bool { return holds(value, arg) }), nil
	}},
}

func getOrDefault(value any, args []any) (any, error) {
	if value == nil {
		return args[0], nil
	}
	return value, nil
}

func ordered(op kind) func(any, []any) (any, error) {
	accept := comparisons[op]
	return func(value any, args []any) (any, error) {
		if value == nil || args[0] == nil {
			return false, nil
		}
		order, ok := compareScalars(value, args[0])
		if !ok {
			return nil, errors.New(kindOf(value) + " and " + kindOf(args[0]) + " have no order")
		}
		return accept.has(order), nil
	}
}

// holds reports whether a text has a text in it, or a list an element. Nothing else holds anything.
func holds(value, arg any) bool {
	switch v := value.(type) {
	case string:
		part, ok := arg.(string)
		return ok && strings.Contains(v, part)
	case []any:
		return listIndex(v, arg) >= 0
	}
	return false
}
