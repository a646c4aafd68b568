package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/connectors/trigger/mailevent"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/project"
)

// maxTried bounds a mail or an event that triggers are tried with.
const maxTried = 50 << 20

// tried is an event that triggers are tried with.
type tried struct {
	source  string // "": all but those of mail
	mail    string // the event of mail that it is beside EMAIL_RECEIVED; "" for none
	isMail  bool
	outputs map[string]any
	to      string // whom an echo would go to
}

// verdict is what a trigger would do.
type verdict struct {
	Trigger string          `json:"trigger"`
	Source  string          `json:"source"`
	Matches bool            `json:"matches"`
	Why     string          `json:"why,omitempty"`   // not
	Error   string          `json:"error,omitempty"` // it would be a dead letter
	Groups  map[string]any  `json:"matchGroups,omitempty"`
	Action  *trigger.Action `json:"action,omitempty"`
	Status  int             `json:"status,omitempty"` // of the answer to a webhook
	Body    any             `json:"body,omitempty"`
	Echo    string          `json:"echo,omitempty"`
	EchoTo  string          `json:"echoTo,omitempty"`
}

func (a *app) triggerTestCommand() *cobra.Command {
	var eml, event string
	cmd := &cobra.Command{
		Use:   "test FILE...|FOLDER... --eml MAIL|--event EVENT",
		Short: "Show which triggers a mail or an event fires, and what they would do",
		Long: "test matches the triggers of the files with a mail (--eml, as `Save as` of mail programs writes it) or an event (--event, a\n" +
			"CloudEvent as POST /api/events takes it, or its data alone, which is tried with every trigger that is not of mail). It\n" +
			"shows the groups of the pattern and what would be sent, or why a trigger does not fire. Nothing is sent; no server is needed.\n" +
			"It exits with 0 when a trigger matches, with 1 when none does.",
		Example: `  starter trigger test examples/support-desk --eml question.eml
  starter trigger test triggers/order.json --event sold.json --output json`,
		Args: need("FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (eml == "") == (event == "") {
				return usage(errors.New("--eml or --event is expected"))
			}
			p, err := load(args, loading{mapDefault: string(bpmn.MapNone)})
			if err != nil {
				return err
			}
			for _, warning := range p.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
			}
			read, file := triedEvent, event
			if eml != "" {
				read, file = triedMail, eml
			}
			data, err := readTried(file)
			if err != nil {
				return err
			}
			e, err := read(data)
			if err != nil {
				return usage(fmt.Errorf("%s: %w", file, err))
			}
			all, matched := e.judge(p.Triggers)
			if err := a.print(cmd, list(all), func(w io.Writer) { printVerdicts(w, all) }); err != nil {
				return err
			}
			if !matched {
				return errors.New("no trigger matches")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&eml, "eml", "", "file with a mail")
	cmd.Flags().StringVar(&event, "event", "", "file with an event, JSON")
	return cmd
}

func readTried(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTried+1))
	if err == nil && len(data) > maxTried {
		err = fmt.Errorf("%s has more than %d bytes", name, maxTried)
	}
	return data, err
}

func triedMail(data []byte) (tried, error) {
	var attachments []any
	m, err := message.Parse(bytes.NewReader(data), message.Limits{}, func(a message.Attachment, content io.Reader) error {
		size, err := io.Copy(io.Discard, content)
		attachments = append(attachments, map[string]any{"name": a.Name, "mediaType": a.ContentType, "size": size, "uri": "mail/" + a.Name})
		return err
	})
	if err != nil {
		return tried{}, err
	}
	return tried{
		isMail: true, mail: mailevent.Name(message.Classify(m)), outputs: mailevent.Outputs(m, time.Time{}, "mail/raw.eml", attachments), to: mailevent.AnswerTo(m),
	}, nil
}

func triedEvent(data []byte) (tried, error) {
	var event struct {
		SpecVersion string             `json:"specversion"`
		Source      string             `json:"source"`
		Type        string             `json:"type"`
		Data        contract.Variables `json:"data"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return tried{}, fmt.Errorf("a JSON object is expected: %w", err)
	}
	if event.SpecVersion != "" {
		if event.Data == nil {
			event.Data = contract.Variables{}
		}
		return tried{source: event.Source + "." + event.Type, outputs: event.Data, to: "the sender"}, nil
	}
	var outputs contract.Variables
	if err := json.Unmarshal(data, &outputs); err != nil {
		return tried{}, err
	}
	return tried{outputs: outputs, to: "the sender"}, nil
}

// concerns tells why a trigger is of another event; "" when it is not.
func (e tried) concerns(t *trigger.Trigger) string {
	switch {
	case e.isMail && (!t.OfMail() || t.Event() != trigger.EmailReceived && t.Event() != e.mail):
		return "it is of another event than this mail"
	case !e.isMail && (e.source != "" && t.Source != e.source || t.OfMail()):
		return "it is of another event"
	}
	return ""
}

func (e tried) judge(triggers []project.Trigger) (all []verdict, matched bool) {
	for _, deployed := range triggers {
		t := deployed.Read
		v := verdict{Trigger: t.Name, Source: t.Source, Why: e.concerns(t)}
		if v.Why == "" {
			v = e.judgeOne(t)
		}
		matched = matched || v.Matches
		all = append(all, v)
	}
	return all, matched
}

func (e tried) judgeOne(t *trigger.Trigger) verdict {
	v := verdict{Trigger: t.Name, Source: t.Source}
	var err error
	if v.Groups, v.Why, err = t.Explain(e.outputs); err != nil {
		v.Error = err.Error()
		return v
	}
	if v.Matches = v.Why == ""; !v.Matches {
		return v
	}
	action, err := t.Action(e.outputs, v.Groups)
	if err == nil {
		v.Action = &action
	} else {
		v.Error = err.Error()
	}
	if answer, ok, err := t.Answer(e.outputs, v.Groups); ok && err == nil {
		v.Status, v.Body = answer.Status, answer.Body
	}
	if text, err := t.Echo(e.outputs, v.Groups, v.Error != ""); err == nil && text != "" && e.to != "" {
		v.Echo, v.EchoTo = text, e.to
	}
	return v
}

func printVerdicts(w io.Writer, all []verdict) {
	for _, v := range all {
		fmt.Fprintf(w, "trigger %s of %s: ", v.Trigger, v.Source)
		switch {
		case v.Error != "":
			fmt.Fprintf(w, "fails: %s\n", oneLine(v.Error))
		case !v.Matches:
			fmt.Fprintf(w, "does not match: %s\n", v.Why)
		default:
			fmt.Fprintln(w, "matches")
		}
		for _, line := range v.lines() {
			fmt.Fprintln(w, "  "+line)
		}
	}
}

// lines are what a trigger would do, for people.
func (v verdict) lines() []string {
	var out []string
	line := func(name string, value any) {
		var text bytes.Buffer
		if encode(&text, value) == nil {
			out = append(out, name+": "+strings.TrimSpace(text.String()))
		}
	}
	if len(v.Groups) > 0 {
		line("groups", v.Groups)
	}
	if a := v.Action; a != nil {
		if a.Implementation != "" {
			out = append(out, "calls "+a.Implementation)
		} else {
			out = append(out, a.PayloadType)
		}
		for _, field := range [][2]string{{"process", a.ProcessDefinitionKey}, {"name", a.Name}, {"business key", a.BusinessKey}, {"correlation key", a.CorrelationKey}} {
			if field[1] != "" {
				out = append(out, field[0]+": "+oneLine(field[1]))
			}
		}
		var text bytes.Buffer
		variables(&text, a.Variables)
		if text.Len() > 0 {
			written := strings.TrimSpace(text.String())
			if a.Implementation != "" {
				written = "inputs" + strings.TrimPrefix(written, "variables")
			}
			out = append(out, strings.Split(written, "\n")...)
		}
	}
	if v.Status != 0 {
		line("status", v.Status)
	}
	if v.Body != nil {
		line("body", v.Body)
	}
	if v.Echo != "" {
		line("echo to "+oneLine(v.EchoTo), v.Echo)
	}
	return out
}
