package main

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// history is the size of an instance's history: the most and the fewest events of those read, and their mean size.
type history struct {
	MinEvents int `json:"minEvents"`
	MaxEvents int `json:"maxEvents"`
	Bytes     int `json:"bytes"`
}

func (p *place) histories(ctx context.Context, ids []string) (history, error) {
	if len(ids) == 0 {
		return history{}, errors.New("no instance to read the history of")
	}
	var h history
	for _, id := range ids {
		run, err := p.client.History(ctx, id, "")
		if err != nil {
			return h, err
		}
		n := len(run.Events)
		if h.MinEvents == 0 || n < h.MinEvents {
			h.MinEvents = n
		}
		h.MaxEvents = max(h.MaxEvents, n)
		h.Bytes += proto.Size(run)
	}
	h.Bytes /= len(ids)
	return h, nil
}

func (h history) events() string {
	if h.MinEvents == h.MaxEvents {
		return fmt.Sprint(h.MaxEvents)
	}
	return fmt.Sprintf("%d to %d", h.MinEvents, h.MaxEvents)
}
