package external

// IDOf is the id of a task.
func IDOf(instance string, task int) string { return name{instance, task}.String() }

// LookAt bounds how many instances a list looks at.
func LookAt(t *Tasks, n int) { t.lookAtMost = n }
