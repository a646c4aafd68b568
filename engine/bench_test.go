package engine

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/waybill-io/waybill/bpmn"
)

// chain is s -> n nodes -> e.
func chain(n int, make func(id string) *bpmn.Node) *bpmn.Process {
	list := nodes(start("s"))
	var flows []string
	last := "s"
	for i := range n {
		id := fmt.Sprintf("n%d", i)
		list = append(list, make(id))
		flows = append(flows, last+" -> "+id)
		last = id
	}
	return model(append(list, end("e")), append(flows, last+" -> e")...)
}

// runThrough plays an instance whose connector answers at once.
func runThrough(b *testing.B, p *bpmn.Process, v Variables) *State { return through(b, p, v, false) }

func through(b *testing.B, p *bpmn.Process, v Variables, record bool) *State {
	s := New(Options{Record: record})
	var ev Event = Started{Variables: v}
	queue := make([]Command, 0, 8)
	for {
		commands, err := Step(p, s, ev, epoch)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(commands); record && n > 0 { // of the last command
			commands = commands[:n-1]
		}
		queue = append(queue, commands...)
		if s.Outcome != "" {
			return s
		}
		c, ok := queue[0].(CallConnector)
		if !ok {
			b.Fatalf("%T %v", queue[0], s.Incidents)
		}
		queue = queue[1:]
		ev = Completed{ID: c.ID}
	}
}

// report prints steps per second and allocations per step; a step is one executed element.
func report(b *testing.B, run func() *State) {
	var before, after runtime.MemStats
	steps := 0
	runtime.ReadMemStats(&before)
	began := time.Now()
	for b.Loop() {
		s := run()
		steps += len(s.Path) + s.Dropped
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(steps)/took.Seconds(), "steps/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(steps), "allocs/step")
}

func BenchmarkFlowOnly(b *testing.B) {
	p := chain(20, task)
	report(b, func() *State { return runThrough(b, p, nil) })
}

func BenchmarkServiceTasks(b *testing.B) {
	p := chain(20, service)
	report(b, func() *State { return runThrough(b, p, nil) })
}

func BenchmarkServiceTasksMapped(b *testing.B) {
	p := chain(20, func(id string) *bpmn.Node {
		return mapped(service(id), bpmn.Mapping{Inputs: []bpmn.Param{{Name: "to", Variable: "to"}, {Name: "n", Expr: expr("${n + 1}")}}})
	})
	report(b, func() *State { return runThrough(b, p, Variables{"to": "a@example.com", "n": int64(1)}) })
}

func BenchmarkExclusiveGateways(b *testing.B) {
	list := nodes(start("s"))
	var flows []string
	last := "s"
	for i := range 20 {
		g, a, c := fmt.Sprintf("g%d", i), fmt.Sprintf("a%d", i), fmt.Sprintf("c%d", i)
		list = append(list, exclusive(g), task(a), exclusive(c))
		flows = append(flows, last+" -> "+g, g+" -> "+c+" ? ${n > 100 && to == 'x'}", g+" -> "+a+" default", a+" -> "+c)
		last = c
	}
	p := model(list, flows...)
	report(b, func() *State { return runThrough(b, p, Variables{"n": int64(200), "to": "y"}) })
}

func BenchmarkParallel(b *testing.B) {
	for _, width := range []int{10, 100, 900} {
		p := wide(width)
		b.Run(fmt.Sprint(width), func(b *testing.B) { report(b, func() *State { return runThrough(b, p, nil) }) })
	}
}

// BenchmarkRecord is what recording costs: of elements that only pass, of calls, of wide forks.
func BenchmarkRecord(b *testing.B) {
	models := []struct {
		name  string
		model *bpmn.Process
	}{{"flow", chain(20, task)}, {"calls", chain(20, service)}, {"parallel", wide(100)}}
	for _, record := range []bool{false, true} {
		for _, m := range models {
			b.Run(fmt.Sprintf("%s/%t", m.name, record), func(b *testing.B) {
				report(b, func() *State { return through(b, m.model, Variables{"to": "a@example.com"}, record) })
			})
		}
	}
}

func BenchmarkStateJSON(b *testing.B) {
	p := wide(1000)
	s := New(Options{})
	if _, err := Step(p, s, Started{}, epoch); err != nil {
		b.Fatal(err)
	}
	size := 0
	for b.Loop() {
		data, err := json.Marshal(s)
		if err != nil {
			b.Fatal(err)
		}
		size = len(data)
	}
	b.ReportMetric(float64(size)/float64(len(s.Tokens)), "bytes/token")
}
