package script

import (
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// limitMatches bounds a regular expression with a look-around or a back-reference: goja gives it to regexp2, which hears of
// no interrupt and could keep a core busy for years after its script has ended. The bound is longer than a script may
// take, so that a match that was given up is never taken for an answer.
var limitMatches = sync.OnceFunc(func() { regexp2.DefaultMatchTimeout = 10 * time.Second })

// New makes a machine for one script: variables are globals, and the stack is bounded. Lists and maps in variables are the
// script's own, not copies.
func New(variables map[string]any) (*goja.Runtime, error) {
	limitMatches()
	vm := goja.New()
	vm.SetMaxCallStackSize(1000)
	vm.SetParserOptions(parser.WithDisableSourceMaps)
	for name, value := range variables {
		if err := vm.Set(name, value); err != nil {
			return nil, err
		}
	}
	return vm, nil
}

// compile reads a script. The comment that names a source map is not followed: it would have this program read any file.
func compile(source string) (*goja.Program, error) {
	parsed, err := goja.Parse("", source, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, err
	}
	return goja.CompileAST(parsed, false)
}
