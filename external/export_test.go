package external

// IDOf is the id of a task.
func IDOf(instance string, task int) string { return name{instance, task}.String() }
