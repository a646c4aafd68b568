package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) messageCommand() *cobra.Command {
	var (
		vars              variableFlags
		m                 contract.Message
		instance, element string
	)
	cmd := &cobra.Command{
		Use:   "message [NAME]",
		Short: "Publish a message to the instance that waits for it, or to a process that begins with it",
		Long: "message hands a message to the instance that waits for its name and correlation key, or starts a process whose start\n" +
			"event has this message, or keeps it for --ttl. It is refused when nobody waits and there is no --ttl.\n" +
			"With --instance it goes to that instance alone; without NAME it wakes a receive task that waits for no message.",
		Example: `  starter message payment-received --key ORDER-12 --var amount=250
  starter message payment-received --key ORDER-12 --ttl 24h --id bank-line-88
  starter message --instance order/k3v9q2 --element wait-for-goods`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) > 0 {
				m.Name = args[0]
			}
			if m.Name == "" && (instance == "" || element == "") {
				return usage(errors.New("NAME is missing (or --instance and --element, for a receive task that waits for no message)"))
			}
			if m.TTL < 0 {
				return usage(errors.New("--ttl must not be negative"))
			}
			if m.Variables, err = vars.read(cmd); err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if instance != "" {
					r := contract.PublishResult{Delivered: instance}
					if err := c.Catch(ctx, instance, contract.CatchMessage{Name: m.Name, Element: element, Variables: m.Variables}); err != nil {
						return err
					}
					return a.print(cmd, r, func(w io.Writer) { fmt.Fprintln(w, published(r)) })
				}
				r, err := c.Publish(ctx, m)
				if err != nil {
					return err
				}
				return a.print(cmd, r, func(w io.Writer) { fmt.Fprintln(w, published(r)) })
			})
		},
	}
	vars.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&m.Key, "key", "", "correlation key")
	flags.StringVar(&instance, "instance", "", "hand it to this instance alone")
	flags.StringVar(&element, "element", "", "with --instance: the element that waits")
	flags.StringVar(&m.BusinessKey, "business-key", "", "business key of a process that the message starts")
	flags.DurationVar(&m.TTL, "ttl", 0, "how long the message is kept when nobody waits for it")
	flags.StringVar(&m.ID, "id", "", "id of the message: a second one with the same id is dropped")
	return cmd
}

func published(r contract.PublishResult) string {
	switch {
	case r.Duplicate:
		return "dropped: a message with this id was published before"
	case r.Delivered != "":
		return "delivered to " + r.Delivered
	case r.Started != "":
		return "started " + r.Started
	}
	return "kept: nobody waits for it yet"
}
