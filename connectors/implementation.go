package connectors

import "strings"

// SplitImplementation takes the implementation of a service task apart at its last dot: "email.SEND" is connector
// "email" and action "SEND". Without a dot, or with nothing before or after it, the whole string is the action and
// there is no connector: such a task runs as an activity of that type.
func SplitImplementation(implementation string) (connector, action string) {
	i := strings.LastIndexByte(implementation, '.')
	if i <= 0 || i == len(implementation)-1 {
		return "", implementation
	}
	return implementation[:i], implementation[i+1:]
}
