package e2e_test

import (
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
)

// books are what the workers outside know: who was given which task, and what became of each answer.
type books struct {
	mu     sync.Mutex
	holder map[string]string // by task: who was given it last
	sent   []*claim
	counts map[string]int
}

// claim is what a worker told of a task. It may have told it more than once.
type claim struct {
	task, worker, value string
	owned               bool // nobody had been given the task since, when it was first told
	accepted, unknown   bool // 204; cut off, or 500
	refused             int  // 400 and 404
}

func newBooks() *books { return &books{holder: map[string]string{}, counts: map[string]int{}} }

func (b *books) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what]++
}

func (b *books) given(task, worker string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holder[task] = worker
	b.counts["given"]++
}

func (b *books) answers(task, worker string) *claim {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := &claim{task: task, worker: worker, value: fmt.Sprintf("%s/%d", worker, len(b.sent)), owned: b.holder[task] == worker}
	b.sent = append(b.sent, a)
	return a
}

func (b *books) answered(a *claim, late bool, status int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	what := "complete: "
	if late {
		what = "complete late: "
	}
	switch {
	case err != nil:
		a.unknown = true
		b.counts[what+"cut off"]++
		return
	case status == http.StatusNoContent:
		a.accepted = true
	case status < http.StatusInternalServerError:
		a.refused = status
	default:
		a.unknown = true
	}
	b.counts[fmt.Sprintf("%s%d", what, status)]++
}

// accepted counts the answers that were.
func (b *books) accepted() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts["complete: 204"] + b.counts["complete late: 204"]
}

func (b *books) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for what, n := range b.counts {
		lines = append(lines, fmt.Sprintf("  %s: %d", what, n))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// check says what is wrong with answers that processes have, by their values.
func (b *books) check(kept map[string]bool) (wrong []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := map[string]bool{}
	for _, a := range b.sent {
		known[a.value] = true
		has := kept[a.value]
		switch {
		case a.accepted && !has:
			wrong = append(wrong, fmt.Sprintf("%+v was accepted, and the process has another answer", *a))
		case has && !a.accepted && !a.unknown:
			wrong = append(wrong, fmt.Sprintf("%+v was refused, and the process has it", *a))
		case has && !a.owned:
			wrong = append(wrong, fmt.Sprintf("%+v came from a worker that had lost the task to another", *a))
		}
	}
	for value := range kept {
		if !known[value] {
			wrong = append(wrong, value+" is an answer that nobody gave")
		}
	}
	return wrong
}
