package configuration

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/ndjson"
	"github.com/waybill-io/waybill/mail"
)

const serverType = "elastic-search.server.type"

// embedded are server types of earlier versions of the old product.
var embedded = []string{"client", "embedded"}

// Analytics says where a worker indexes events. At most one of them is set; none: nowhere.
type Analytics struct {
	Elasticsearch *analytics.Config
	Files         *ndjson.Config
}

// Warnings are what was probably meant otherwise.
func (a Analytics) Warnings() []string {
	if a.Elasticsearch == nil {
		return nil
	}
	return a.Elasticsearch.Warnings()
}

// Analytics is where events are indexed, with its secrets; nowhere when event.processing.enabled is false. It reads the trust store. The
// error has every mistake, with its place.
func (s *Settings) Analytics() (Analytics, error) {
	if !s.Bool("event.processing.enabled") {
		return Analytics{}, nil
	}
	names := analytics.Names{Prefix: s.Text("elastic-search.default.index.name"), TenantPrefix: s.Text("elastic-search.tenant.index.prefix")}
	var errs []error
	if err := names.Check(); err != nil {
		errs = append(errs, s.at("elastic-search.default.index.name", err))
	}
	switch strings.ToLower(s.Text(serverType)) {
	case "rest":
		c, err := s.elasticsearch(names)
		return Analytics{Elasticsearch: &c}, errors.Join(append(errs, err)...)
	case "file":
		c := ndjson.Config{Folder: s.Text("elastic-search.file.path"), Size: int64(s.Int("elastic-search.file.size")) << 20, Names: names}
		if c.Folder == "" {
			errs = append(errs, s.at(serverType, errors.New("it is file, and elastic-search.file.path is not set")))
		} else if err := c.Check(); err != nil && len(errs) == 0 {
			errs = append(errs, s.at("elastic-search.file.path", err))
		}
		return Analytics{Files: &c}, errors.Join(errs...)
	}
	return Analytics{}, nil
}

// at is an error of a setting, with its place.
func (s *Settings) at(name string, err error) error {
	return fmt.Errorf("%s: %s: %w", s.From(name), name, err)
}

func (s *Settings) elasticsearch(names analytics.Names) (analytics.Config, error) {
	c := analytics.Config{
		ConnectTimeout: s.millis(elastic + "connect-timeout"), SocketTimeout: s.millis(elastic + "socket-timeout"), Names: names,
		Shards: s.Int("elastic-search.index.shards"), Retention: time.Duration(s.Int("elastic-search.index.retention")) * 24 * time.Hour,
	}
	if name := "elastic-search.index.replicas"; s.Given(name) {
		c.Replicas = new(s.Int(name))
	}
	for host := range strings.SplitSeq(s.Text(elastic+"address"), ",") {
		c.Addresses = append(c.Addresses, strings.ToLower(s.Text(elastic+"schema"))+"://"+net.JoinHostPort(strings.TrimSpace(host), s.Text(elastic+"port")))
	}
	var errs []error
	secret := func(name string) mail.Secret {
		text, err := s.Secret(name)
		errs = append(errs, err)
		return text
	}
	wrong := func(name, format string, values ...any) {
		errs = append(errs, s.at(elastic+name, fmt.Errorf(format, values...)))
	}
	login := elastic + "auth.enabled"
	switch {
	case s.Given(elastic + "api-key"):
		if s.Given(login) && !s.Bool(login) {
			wrong("api-key", "it is set, and %s is false", login)
		}
		if s.Bool(login) && (s.Given(elastic+"username") || s.Given(elastic+"password")) {
			wrong("api-key", "it is set, and an account is, too; keep one")
		}
		c.APIKey = secret(elastic + "api-key")
	case s.Bool(login):
		for _, name := range []string{"username", "password"} {
			if !s.Given(elastic + name) {
				wrong(name, "it is not set, and %s is true", login)
			}
		}
		c.Username, c.Password = s.Text(elastic+"username"), secret(elastic+"password")
	case !s.Given(login):
		for _, name := range []string{"username", "password"} {
			if s.Given(elastic + name) {
				wrong(name, "it is set, and %s is not: true logs in, false does not", login)
			}
		}
	}
	if s.Given(elastic + "keystore") {
		c.Trust = analytics.Trust{
			File: s.Text(elastic + "keystore"), Type: strings.ToLower(s.Text(elastic + "keystore.type")), Password: secret(elastic + "keystore.password"),
		}
		if err := c.Trust.Check(); err != nil {
			wrong("keystore", "%w", err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return c, err
	}
	if err := c.Check(); err != nil && names.Check() == nil {
		return c, s.at(serverType, err)
	}
	return c, nil
}

func (s *Settings) millis(name string) time.Duration {
	return time.Duration(s.Int(name)) * time.Millisecond
}
