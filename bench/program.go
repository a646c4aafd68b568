package main

import (
	"fmt"
	"slices"
	"testing"
)

// program stands in for the test that the packages of servers want.
type program struct {
	testing.TB
	ends []func()
}

func (p *program) Helper()                   {}
func (p *program) Cleanup(fn func())         { p.ends = append(p.ends, fn) }
func (p *program) Failed() bool              { return false }
func (p *program) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (p *program) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (p *program) Skip(args ...any)          { panic(fmt.Sprint(args...)) }
func (p *program) end() {
	for _, fn := range slices.Backward(p.ends) { // the last first, as a test does
		fn()
	}
}
