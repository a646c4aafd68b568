package connectors

import "regexp"

var secretName = regexp.MustCompile(`(?i)(password|passwd|passphrase|secret|token|(api|private)[_-]?key|authorization|credential|xox[bp])`)

// SecretName reports whether a setting, a field, a header or a parameter with this name looks as if it held a secret, whether or not anybody has marked
// it as one.
func SecretName(name string) bool { return secretName.MatchString(name) }
