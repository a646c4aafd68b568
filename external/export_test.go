package external

// LookAt bounds how many instances a list looks at.
func LookAt(t *Tasks, n int) { t.lookAtMost = n }
