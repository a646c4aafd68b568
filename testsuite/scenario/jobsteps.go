package scenario

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// What a fetch without these fields means.
const (
	defaultWorker = "worker"
	defaultMax    = 10
	defaultLock   = 5 * time.Minute
)

func readFetch(f *fields) action {
	s := &fetchStep{worker: defaultWorker, as: "jobs", max: defaultMax}
	if text := f.optional("worker", "the name of a worker"); text != "" {
		s.worker = text
	}
	if text := f.optional("as", "a name for the list"); text != "" {
		s.as = text
	}
	if n := f.get("max"); n != nil {
		s.max = f.integer(n, 1, "a number from 1")
	}
	if n := f.get("usePriority"); n != nil {
		s.usePriority = f.text(n, "true or false") == "true"
	}
	lock := f.span("lock", defaultLock)
	if name := f.optional("topic", "a topic"); name != "" {
		s.topics = append(s.topics, topic{name: name, lock: lock})
	}
	if n := f.get("topics"); n != nil {
		for _, element := range f.reader.list(n, "a list of topics") {
			in := f.fields(element, "topic, lock and variables")
			if in == nil {
				continue
			}
			t := topic{name: in.required("topic", "a topic"), lock: in.span("lock", lock)}
			if names := in.get("variables"); names != nil {
				t.variables = in.texts(names, "variable name")
			}
			s.topics = append(s.topics, t)
			in.done()
		}
	}
	if len(s.topics) == 0 {
		f.fail(f.at, "expected the field topic, or topics")
	}
	return s
}

// span reads a duration of a fixed length.
func (f *fields) span(name string, absent time.Duration) time.Duration {
	n := f.get(name)
	if n == nil {
		return absent
	}
	var zero time.Time
	return f.duration(n).AddTo(zero).Sub(zero)
}

func readAnswer(kind string) func(f *fields) action {
	return func(f *fields) action {
		s := &jobStep{kind: kind}
		s.list, s.index = f.job()
		if kind != "unlock" && kind != "retries" {
			s.worker = f.optional("worker", "the name of a worker")
		}
		switch kind {
		case "finish":
			s.variables = f.variables("variables")
			if n := f.get("result"); n != nil {
				s.result(f, n)
			}
		case "fail":
			s.message = f.optional("message", "a message")
			s.details = f.optional("details", "details")
			s.variables = f.variables("variables")
			s.timeout = f.span("retryTimeout", 0)
			s.retries = f.number("retries")
		case "bpmnError":
			s.code, s.message = f.required("code", "a code"), f.optional("message", "a message")
			s.variables = f.variables("variables")
		case "serviceError":
			s.code, s.message, s.details = f.optional("code", "a code"), f.optional("message", "a message"), f.optional("details", "details")
		case "extend":
			s.newLock = f.span("lock", defaultLock)
		case "retries":
			if s.retries = f.number("retries"); s.retries == nil {
				f.fail(f.at, "expected the field retries: a number from 0")
				s.retries = new(int)
			}
		}
		return s
	}
}

// result reads the result of a worker of process-engine: variables when it is a map, else only token.current.
func (s *jobStep) result(f *fields, n ast.Node) {
	if s.variables != nil {
		f.fail(n, "expected variables or result, not both")
	}
	value := f.value(n, 0)
	if object, ok := value.(map[string]any); ok {
		s.variables = object
	} else {
		s.token = value
	}
}

func (f *fields) number(name string) *int {
	n := f.get(name)
	if n == nil {
		return nil
	}
	value := f.integer(n, 0, "a number from 0")
	return &value
}

// job reads the name of a fetched list, or name[i].
func (f *fields) job() (list string, index int) {
	n := f.get("job")
	text := f.required("job", "the name of a fetched list, or name[i]")
	list, rest, indexed := strings.Cut(text, "[")
	if !indexed {
		return list, 0
	}
	index, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
	if err != nil || index < 0 || !strings.HasSuffix(rest, "]") {
		f.fail(n, "expected the name of a fetched list, or name[i], got %q", text)
	}
	return list, max(index, 0)
}

// expectedJobs are what a fetched list must be.
type expectedJobs struct {
	of    string
	tasks []expectedJob
}

type expectedJob struct {
	topic, element, worker *string
	message, details       *string // of its last failure
	retries, priority      *int
	lockedFor              *time.Duration
	payload                *string // JSON
}

func (f *fields) expectedJobs() *expectedJobs {
	n := f.get("jobs")
	if n == nil {
		return nil
	}
	in := f.fields(n, "of and tasks")
	if in == nil {
		return nil
	}
	e := &expectedJobs{of: in.required("of", "the name of a fetched list"), tasks: []expectedJob{}}
	var tasks ast.Node
	if tasks = in.get("tasks"); tasks == nil {
		in.fail(in.at, "expected the field tasks: a list")
	} else {
		for _, element := range in.reader.list(tasks, "a list of tasks") {
			t := in.fields(element, "topic, element, retries, priority, worker, lockedFor, message, details and payload")
			if t == nil {
				continue
			}
			j := expectedJob{
				topic: t.textOrNil("topic"), element: t.textOrNil("element"), worker: t.textOrNil("worker"),
				retries: t.number("retries"), priority: t.number("priority"), message: t.textOrNil("message"), details: t.textOrNil("details"),
			}
			if n := t.get("payload"); n != nil {
				if payload, err := json.Marshal(t.value(n, 0)); err != nil {
					t.fail(n, "expected a value that JSON has: %v", err)
				} else {
					j.payload = new(string(payload))
				}
			}
			if t.has("lockedFor") {
				lock := t.span("lockedFor", 0)
				j.lockedFor = &lock
			}
			e.tasks = append(e.tasks, j)
			t.done()
		}
	}
	in.done()
	return e
}

func (f *fields) textOrNil(name string) *string {
	n := f.get(name)
	if n == nil {
		return nil
	}
	text := f.text(n, "text")
	return &text
}
