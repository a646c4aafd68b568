package bpmn

import (
	"os"
	"path/filepath"
	"testing"
)

func seed(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds %s: %v", pattern, err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
}

// FuzzParse: no panic, findings name the file, and a model that parses is the same model when stripped.
func FuzzParse(f *testing.F) {
	seed(f, "testdata/models/*.bpmn")
	f.Add(between(`<serviceTask id="e" implementation="a.B"/>`))
	f.Add(boundary(`<boundaryEvent id="e" attachedToRef="t"><timerEventDefinition><timeCycle>R3/PT1M</timeCycle></timerEventDefinition></boundaryEvent>`))
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := Parse("m.bpmn", src, Options{})
		if err != nil {
			if m != nil {
				t.Fatal("a model and an error")
			}
			return
		}
		Lint(m)
		stripped, err := Strip(src)
		if err != nil {
			t.Fatalf("strip what parses: %v", err)
		}
		again, err := Parse("m.bpmn", stripped, Options{})
		if err != nil {
			t.Fatalf("parse what was stripped: %v\n%s", err, stripped)
		}
		if a, b := dump(m, false), dump(again, false); a != b {
			t.Fatalf("stripping changed the model:\n%s\n%s", a, b)
		}
	})
}

// FuzzExtensions: no panic, and the same bytes give the same mappings.
func FuzzExtensions(f *testing.F) {
	seed(f, "testdata/models/*-extensions.json")
	model, err := os.ReadFile("testdata/models/activiti.bpmn")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ext []byte) {
		m, err := Parse("m.bpmn", model, Options{Extensions: ext})
		again, errAgain := Parse("m.bpmn", model, Options{Extensions: ext})
		if (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
			t.Fatalf("%v, then %v", err, errAgain)
		}
		if err == nil {
			Lint(m)
			if a, b := dump(m, true), dump(again, true); a != b {
				t.Fatalf("two models:\n%s\n%s", a, b)
			}
		}
	})
}
