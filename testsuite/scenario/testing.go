package scenario

import (
	"path/filepath"
	"testing"

	"github.com/waybill-io/waybill/client"
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

// TestOn is Test on a live Temporal server, with a worker that serves the run. When all
// cases have run, after is called with a client of their namespace.
func TestOn(t *testing.T, dial Dial, after func(t *testing.T, c *client.Client), files ...string) {
	t.Helper()
	server, err := goLive(t.Context(), dial)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range files {
		f, err := open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Cases {
			c := &f.Cases[i]
			t.Run(filepath.ToSlash(name)+"/"+c.Name, func(t *testing.T) {
				if failure := f.runLive(t.Context(), server, c); failure != nil {
					t.Errorf("%s:%d: %v", f.Name, failure.line, failure)
				}
			})
		}
	}
	after(t, server.client)
}
