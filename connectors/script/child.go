package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/dop251/goja"

	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/script"
)

// What a script may write with console.log, in lines and bytes.
const (
	maxLines = 100
	maxLine  = 1000
	maxLog   = maxLines * (maxLine*6 + 4) // as JSON
)

// Child runs a script and ends the program, if that is what the program was started for. Without that it does nothing.
func Child() {
	if len(os.Args) != 2 || os.Args[1] != Argument {
		return
	}
	c := &child{}
	decoder := json.NewDecoder(os.Stdin)
	var r request
	if err := decoder.Decode(&r); err != nil {
		fmt.Fprintf(os.Stderr, "%s expects a script on its standard input, as the connector script gives it: %v\n", Argument, err)
		os.Exit(2)
	}
	go func() { // whoever asked is gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	c.watchMemory(r.Memory)
	c.respond(c.evaluate(r))
}

// child is the process of a script.
type child struct {
	once sync.Once
	log  []string
}

// respond answers and ends the program. The first answer counts.
func (c *child) respond(a answer) {
	c.once.Do(func() {
		text, err := json.Marshal(a)
		if err == nil {
			_, err = os.Stdout.Write(text)
		}
		if err != nil {
			os.Exit(4)
		}
		os.Exit(0)
	})
	select {} // another is about to end it
}

// watchMemory ends the program when it takes more than it may beside what it has at the start. The garbage collector works harder as that
// comes near. What grows faster than it can be watched meets a bound of the kernel where there is one: a gigabyte above, since a Go program
// that is refused memory crashes, in ways of which some do not tell why.
func (c *child) watchMemory(mebibytes int) {
	limit := uint64(mebibytes) << 20
	start := memory()
	debug.SetMemoryLimit(int64(start + limit))
	limitData(limit + 1<<30)
	go func() {
		for memory() < start+limit+limit/8 { // the collector keeps to its limit roughly
			time.Sleep(time.Millisecond)
		}
		c.respond(answer{Code: codeMemory})
	}()
}

// memory is what the Go runtime holds.
func memory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

func (c *child) evaluate(r request) answer {
	variables := r.Variables
	if variables == nil {
		variables = map[string]any{}
	}
	if _, taken := variables["console"]; !taken {
		console := map[string]any{}
		for _, level := range []string{"log", "info", "warn", "error", "debug"} {
			console[level] = c.write
		}
		variables["console"] = console
	}
	changes, err := script.Run(context.Background(), script.Task{Source: r.Script, Variables: variables})
	if thrown, ok := errors.AsType[*engine.BPMNError](err); ok && thrown.Code != "" {
		return answer{Code: thrown.Code, Message: shortened(thrown.Message)}
	}
	if err != nil {
		return answer{Code: codeScript, Message: shortened(err.Error())}
	}
	text, err := json.Marshal(changes.Value)
	switch {
	case err != nil:
		return answer{Code: codeScript, Message: "the value of the script is not plain data: " + shortened(err.Error())}
	case len(text) > r.MaxResult:
		return answer{Code: codeTooLarge}
	}
	return answer{Result: text, Log: c.log}
}

// write is console.log.
func (c *child) write(call goja.FunctionCall) goja.Value {
	if len(c.log) >= maxLines {
		return goja.Undefined()
	}
	line := ""
	for i, argument := range call.Arguments {
		if i > 0 {
			line += " "
		}
		text := argument.String()
		if object, ok := argument.(*goja.Object); ok {
			if encoded, err := object.MarshalJSON(); err == nil {
				text = string(encoded)
			}
		}
		line = shortened(line + text)
	}
	c.log = append(c.log, line)
	return goja.Undefined()
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxLine {
		return string(runes[:maxLine-1]) + "…"
	}
	return text
}
