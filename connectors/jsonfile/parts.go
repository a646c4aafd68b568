package jsonfile

import "errors"

// Parts takes joined errors apart, as those of File.Err are: each is told on a line of its own. An error made by fmt.Errorf with several %w unwraps
// to a list as well, but its text says more than its parts, so it stays whole.
func Parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) == 0 || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, Parts(e)...)
	}
	return all
}
