package bridge

import (
	"errors"
	"fmt"
	"slices"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/rabbitmq/broker"
)

// Config says what is bridged, and as whom the bridge appears to the connectors.
type Config struct {
	Connectors []string // their names, as implementations have them before the last dot, or the whole of one that has none
	Broker     broker.Config
	Prefetch   int // answers that are handled at the same time

	AppName, AppVersion                      string
	ServiceName, ServiceType, ServiceVersion string // the service name is its full name, too
	Separator                                string // between integrationResult and the service name
}

func settings() []connectors.Config {
	return append(broker.Settings("BRIDGE_"),
		connectors.Config{Name: "BRIDGE_RABBITMQ_PREFETCH", Description: "How many answers are handled at the same time.", Value: "20"},
		connectors.Config{Name: "BRIDGE_APP_NAME", Description: "The application, as connectors see it.", Value: "default-app"},
		connectors.Config{Name: "BRIDGE_APP_VERSION", Description: "Its version.", Value: "1"},
		connectors.Config{Name: "BRIDGE_SERVICE_NAME", Description: "The runtime bundle that the bridge stands for.", Value: "waybill"},
		connectors.Config{Name: "BRIDGE_SERVICE_TYPE", Description: "Its type."},
		connectors.Config{Name: "BRIDGE_SERVICE_VERSION", Description: "Its version."},
		connectors.Config{Name: "BRIDGE_DESTINATION_SEPARATOR", Description: "Between integrationResult and the service name.", Value: "_"},
	)
}

// Read makes the configuration for these connectors from environment variables; variable gives their values, "" for none.
func Read(names []string, variable func(name string) (string, error)) (Config, error) {
	s := connectors.NewSettings(&connectors.Definition{Name: "bridge", Config: settings()}, variable)
	b, ok := broker.Read(s, "BRIDGE_")
	b.Name = "waybill bridge"
	c := Config{
		Connectors: slices.Compact(slices.Sorted(slices.Values(names))), Broker: b, Prefetch: s.Int("BRIDGE_RABBITMQ_PREFETCH", 20, 1, 1000),
		AppName: s.Text("BRIDGE_APP_NAME"), AppVersion: s.Text("BRIDGE_APP_VERSION"),
		ServiceName: s.Text("BRIDGE_SERVICE_NAME"), ServiceType: s.Text("BRIDGE_SERVICE_TYPE"), ServiceVersion: s.Text("BRIDGE_SERVICE_VERSION"),
		Separator: s.Text("BRIDGE_DESTINATION_SEPARATOR"),
	}
	var errs []error
	if !ok {
		errs = append(errs, errors.New("BRIDGE_RABBITMQ_URL or BRIDGE_RABBITMQ_HOST is not set"))
	}
	if len(names) == 0 || slices.Contains(names, "") {
		errs = append(errs, errors.New("which connectors are bridged? name them: --bridge orders --bridge billing"))
	}
	for _, name := range c.Connectors {
		if len(name) > maxName {
			errs = append(errs, fmt.Errorf("connector %.20q...: the name has %d bytes, at most %d are possible", name, len(name), maxName))
		}
	}
	for _, destination := range []string{c.resultDestination(), c.errorDestination()} {
		if n := len(c.queue(destination)); n > maxShort {
			errs = append(errs, fmt.Errorf("BRIDGE_SERVICE_NAME makes the name of a queue with %d bytes, at most %d are possible", n, maxShort))
		}
	}
	if err := errors.Join(append(errs, s.Err())...); err != nil {
		return Config{}, fmt.Errorf("bridge: %w", err)
	}
	return c, nil
}

const (
	maxShort = 255 // bytes of the name of a queue or exchange, and of a routing key (AMQP 0-9-1, short string)
	maxName  = 100
)

func (c Config) resultDestination() string { return "integrationResult" + c.Separator + c.ServiceName }

func (c Config) errorDestination() string { return "integrationError" + c.Separator + c.ServiceName }

func (c Config) queue(destination string) string { return destination + "." + c.ServiceName }

// declare sees to it that answers have where to go, as Spring Cloud Stream does for a consumer of the group of the service's name. It comes before
// the first request: a connector may answer at once, and RabbitMQ drops what no queue takes.
func (c Config) declare(ch *amqp.Channel) error {
	for _, destination := range []string{c.resultDestination(), c.errorDestination()} {
		queue := c.queue(destination)
		if err := ch.ExchangeDeclare(destination, "topic", true, false, false, false, nil); err != nil {
			return fmt.Errorf("exchange %s: %w", destination, err)
		}
		if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
			return fmt.Errorf("queue %s: %w", queue, err)
		}
		if err := ch.QueueBind(queue, "#", destination, false, nil); err != nil {
			return fmt.Errorf("bind queue %s: %w", queue, err)
		}
	}
	return nil
}
