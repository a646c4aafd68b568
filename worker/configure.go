package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/configuration"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/workflows"
)

// sources are where the settings of a worker come from, beside the environment.
type sources struct {
	file string
	set  []string
}

func (o *sources) flags(f *pflag.FlagSet) {
	f.StringVar(&o.file, "config", "", "file of settings, .yaml or .properties, such as an activiti-app.properties; see docs/configuration.md")
	f.StringArrayVar(&o.set, "set", nil, "a setting, KEY=VALUE, such as email.host=mail.example.com; may be given more than once, and weighs more than file and environment")
}

// settings are what they say.
type settings struct {
	*configuration.Settings
	email     service.Config
	alerts    activities.AlertSettings
	analytics configuration.Analytics
}

// misconfigured is an error of the settings: the program exits with 2.
type misconfigured struct{ error }

func (m misconfigured) Unwrap() error { return m.error }

// read reads and checks the settings. It opens nothing but files.
func (o *sources) read() (*settings, error) {
	var variables []string
	for _, text := range os.Environ() {
		name, _, _ := strings.Cut(text, "=")
		variables = append(variables, name)
	}
	s, err := configuration.Read(configuration.Options{File: o.file, Set: o.set, Environment: os.LookupEnv, Variables: variables, Secret: activities.Secret})
	if err != nil {
		return nil, misconfigured{err}
	}
	email, err := s.Email()
	if err != nil {
		return nil, misconfigured{err}
	}
	alerts, err := alertSettings(s)
	if err != nil {
		return nil, misconfigured{err}
	}
	analytics, err := s.Analytics()
	if err != nil {
		return nil, misconfigured{err}
	}
	if err := checkExpressions(s); err != nil {
		return nil, misconfigured{err}
	}
	return &settings{s, email, alerts, analytics}, nil
}

// alertSettings are what alerts must know.
func alertSettings(s *configuration.Settings) (activities.AlertSettings, error) {
	a := activities.AlertSettings{UIURL: strings.TrimRight(s.Text("alert.ui.url"), "/"), BaseURL: strings.TrimRight(s.Text("email.base.url"), "/")}
	for address := range strings.SplitSeq(s.Text("alert.to"), ",") {
		if address = strings.TrimSpace(address); address == "" {
			continue
		}
		if err := alerts.CheckAddress(address); err != nil {
			return a, fmt.Errorf("%s: alert.to: %w", s.From("alert.to"), err)
		}
		a.To = append(a.To, address)
	}
	return a, nil
}

// mails is the email service. tokens gives the tokens of credentials.
func (s *settings) mails(tokens service.Tokens) (*service.Service, error) {
	mails, err := service.Open(s.email, tokens)
	if err != nil {
		return nil, misconfigured{err}
	}
	return mails, nil
}

// recording says whether processes record events.
func (s *settings) recording() workflows.Recording {
	return workflows.Recording{Off: !s.Bool("event.generation.enabled")}
}

// warnings are what may be wrong with the settings.
func (s *settings) warnings() []string {
	list := slices.Concat(s.Warnings(), s.email.Warnings(), s.analytics.Warnings())
	if s.recording().Off {
		list = append(list, fmt.Sprintf("event.generation.enabled is false (%s): THE EVENTS OF ALL INSTANCES THAT START NOW ARE LOST FOR ANALYTICS, FOR GOOD. "+
			"Nothing can add them later. To keep them and index nothing, set elastic-search.server.type=none", s.From("event.generation.enabled")))
	}
	return list
}

// tell says what is noteworthy of the settings, once.
func (s *settings) tell(logger *slog.Logger) {
	for _, text := range s.warnings() {
		logger.Warn(text)
	}
	for _, text := range s.Notes() {
		logger.Info(text)
	}
}

// print shows the settings that count and where each comes from, and all that tell says.
func (s *settings) print(w io.Writer) error {
	_, err := fmt.Fprint(w, s.Table())
	for _, text := range append(s.warnings(), s.Notes()...) {
		_, failed := fmt.Fprintln(w, "note: "+text)
		err = errors.Join(err, failed)
	}
	return err
}
