package events

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Document is an event with whose it is, as indexes, archives, files and exports hold it in JSON.
type Document struct {
	Process
	Definition string `json:"processDefinitionId,omitempty"` // key:version
	Kind       Kind   `json:"kind"`
	Event
	// Thing is the id of a task, of an instance, and of all else that of the document: the field id of Activiti's events.
	Thing   string    `json:"id,omitempty"`
	Created time.Time `json:"createTime,omitzero"` // of a task when it began; of a variable as long as it has its first value

	// The value of a variable, in every field that can hold it.
	Boolean *bool      `json:"booleanValue,omitempty"`
	String  *string    `json:"stringValue,omitempty"`
	Short   *int16     `json:"shortValue,omitempty"`
	Integer *int32     `json:"integerValue,omitempty"`
	Long    *int64     `json:"longValue,omitempty"`
	Double  *float64   `json:"doubleValue,omitempty"`
	Date    *time.Time `json:"dateValue,omitempty"`
	UUID    *string    `json:"uuidValue,omitempty"`
	JSON    *string    `json:"jsonValue,omitempty"` // as text, so that no value adds a field to the index
}

// Documents are those of a batch, in its order.
func (b Batch) Documents() []Document {
	definition := ""
	if b.Key != "" {
		definition = fmt.Sprintf("%s:%d", b.Key, b.DefinitionVersion)
	}
	documents := make([]Document, len(b.Events))
	for i, e := range b.Events {
		d := &documents[i]
		d.Process, d.Definition, d.Kind, d.Event = b.Process, definition, e.Type.Kind(), e
		d.named()
		d.spread()
	}
	return documents
}

// named sets what has a name of its own in Activiti's events.
func (d *Document) named() {
	d.Thing = d.ID()
	switch {
	case d.Kind == KindTask:
		d.Thing, d.Created = cmp.Or(d.TaskID, d.Thing), d.Start
	case d.Type == VariableCreated:
		d.Created = d.Time
	}
}

// ReadDocument reads a document from its JSON. Numbers among values keep all their digits.
func ReadDocument(text []byte) (d Document, err error) {
	from := json.NewDecoder(bytes.NewReader(text))
	from.UseNumber()
	err = from.Decode(&d)
	return d, err
}

// ID is the id of the document in its index: the instance, and with a dot what it is about, of a variable its name. Before the name of a local
// one are its scope and a hash sign: order.total, order.3#total. What follows the last dot has no other dot, hash sign or percent sign, which are
// escaped as in a URL: ids of instances may hold anything, and no two things have the same id.
func (d *Document) ID() string {
	if d.Ref == "" {
		return d.Instance
	}
	if d.Kind == KindVariable {
		if scope, local := strings.CutSuffix(d.Ref, "."+d.Event.Name); local && d.Ref != d.Event.Name {
			return d.Instance + "." + escaped(scope) + "#" + escaped(d.Event.Name)
		}
	}
	return d.Instance + "." + escaped(d.Ref)
}

// escaped is a text without what takes an id apart.
func escaped(text string) string {
	if !strings.ContainsAny(text, ".#%") {
		return text
	}
	return strings.NewReplacer(".", "%2E", "#", "%23", "%", "%25").Replace(text)
}

// sequenceBits are those of the sequence in a version; an instance with more events than that is far beyond what a history can hold.
const sequenceBits = 31

// Version orders the documents of an id: what is later has a higher one, an instance that takes an old id again, too. It is positive.
func (d *Document) Version() int64 {
	return d.Began.Unix()<<sequenceBits | cmp.Or(d.Revision, d.Sequence)
}

// The indexes of a tenant, after its prefix.
const (
	ProcessInstances = "process-instances"
	Tasks            = "tasks"
	Activities       = "activities" // and flows, calls, incidents, mails, external tasks
	Variables        = "variables"
)

// Indexes are all of them.
func Indexes() []string { return []string{ProcessInstances, Tasks, Activities, Variables} }

// Index is the one that the document belongs to.
func (d *Document) Index() string {
	switch d.Kind {
	case KindProcess:
		return ProcessInstances
	case KindTask:
		return Tasks
	case KindVariable:
		return Variables
	}
	return Activities
}
