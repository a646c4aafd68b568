package scenario

import (
	"path/filepath"
	"testing"
)

// Test runs the cases of scenario files as subtests, named by file and case. Models are found beside the files.
func Test(t *testing.T, files ...string) {
	t.Helper()
	for _, name := range files {
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			f, err := open(name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Cases {
				c := &f.Cases[i]
				t.Run(c.Name, func(t *testing.T) {
					if failure := f.run(t.Context(), c); failure != nil {
						t.Errorf("%s:%d: %v", f.Name, failure.line, failure)
					}
				})
			}
		})
	}
}
