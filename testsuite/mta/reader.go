package mta

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/waybill-io/waybill/testsuite/process"
)

//go:embed read.py
var reader string

// python is Debian's, which has the modules of Debian's packages.
const python = "/usr/bin/python3"

// Mail is a mail as an independent parser reads it: that of Python, which knows nothing of ours.
type Mail struct {
	Subject    string    `json:"subject"`
	From       []Address `json:"from"`
	To         []Address `json:"to"`
	Cc         []Address `json:"cc"`
	Bcc        []Address `json:"bcc"`
	ReplyTo    []Address `json:"replyTo"`
	Text       string    `json:"text"` // lines end with "\n"
	HTML       string    `json:"html"`
	Files      []File    `json:"files"` // in their order
	MessageID  string    `json:"messageId"`
	InReplyTo  string    `json:"inReplyTo"`
	References []string  `json:"references"`
	Defects    []string  `json:"defects"` // what the parser found wrong
}

// Address is one of a field.
type Address struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// File is an attachment, or a file that HTML shows.
type File struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Disposition string `json:"disposition"` // attachment or inline
	ID          string `json:"id"`          // Content-ID
	SHA256      string `json:"sha256"`      // in hexadecimal
}

// Read reads mails.
func Read(t testing.TB, mails ...Delivered) []Mail {
	t.Helper()
	return ask[Mail](t, mails, nil)
}

// Verify checks every DKIM signature of mails with dkimpy, which knows nothing of ours. Records are what the DNS says, by its names, such as
// "selector._domainkey.example.com". Of each mail it returns for each signature what is wrong with it, "" for nothing.
func Verify(t testing.TB, records map[string]string, mails ...Delivered) [][]string {
	t.Helper()
	if err := exec.Command(python, "-c", "import dkim, nacl").Run(); err != nil {
		process.Missing(t, "dkimpy is not installed (Debian: apt-get install python3-dkim python3-nacl)")
	}
	return ask[[]string](t, mails, records)
}

func ask[Answer any](t testing.TB, mails []Delivered, records map[string]string) (answers []Answer) {
	t.Helper()
	raws := [][]byte{}
	for _, m := range mails {
		raws = append(raws, m.Raw)
	}
	question, err := json.Marshal(map[string]any{"mails": raws, "records": records})
	process.Check(t, err)
	c := exec.Command(python, "-c", reader)
	c.Stdin = bytes.NewReader(question)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	output, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", python, err, &stderr)
	}
	process.Check(t, json.Unmarshal(output, &answers))
	return answers
}
