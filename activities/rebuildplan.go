package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/archive"
	"github.com/waybill-io/waybill/client"
)

const (
	// partDocuments is how many documents of the archive one activity reads, or a few more.
	partDocuments = 20_000
	// partFiles bounds its files.
	partFiles = 100
	// planParts bounds the parts of a plan, so that it stays small.
	planParts = 16
)

// PlanArchive finds the next files of the archive to read. What is staged comes first, and blocks are only listed when that has been read: what is
// taken into the archive meanwhile is then found in it.
func (b *Rebuilder) PlanArchive(ctx context.Context, in contract.ArchivePlanInput) (contract.GatherPlan, error) {
	defer keepAlive(ctx, nil)()
	p := archivePlan{}
	c := contract.GatherCursor{}
	if in.Cursor != nil {
		c = *in.Cursor
	}
	if c.Query == 0 {
		for key, err := range b.archive.Staged(ctx) {
			if err != nil {
				return p.GatherPlan, err
			}
			if key <= c.After {
				continue
			}
			if p.full() {
				p.Next = &c
				return p.GatherPlan, nil
			}
			last := p.part(0)
			last.Staged = append(last.Staged, key)
			c.After = key
		}
		c = contract.GatherCursor{Query: 1}
		if len(p.Parts) > 0 {
			p.Next = &c
			return p.GatherPlan, nil
		}
	}
	skip := c.Skip
	from := in.Since
	if c.After != "" {
		day, err := time.Parse(time.DateOnly, c.After)
		if err != nil {
			return p.GatherPlan, fmt.Errorf("plan the reading of the archive: %w", err)
		}
		from = day
	}
	for block, err := range b.archive.Blocks(ctx, in.Tenant, archive.Range{From: from}) {
		if errors.Is(err, archive.ErrDamaged) {
			return p.GatherPlan, damagedArchive(err)
		}
		if err != nil {
			return p.GatherPlan, err
		}
		if block.Day != c.After {
			c.After, c.Skip, skip = block.Day, 0, 0
		}
		if skip > 0 {
			skip--
			continue
		}
		if p.full() {
			p.Next = &c
			return p.GatherPlan, nil
		}
		last := p.part(block.Documents)
		last.Blocks = append(last.Blocks, contract.ArchiveBlock{Day: block.Day, Name: block.Name, SHA256: block.SHA256, Documents: block.Documents})
		c.Skip++
	}
	return p.GatherPlan, nil
}

// archivePlan is a plan that is being made.
type archivePlan struct {
	contract.GatherPlan
	documents int // of the last part
}

// part is the one that the next file, with so many documents, goes into.
func (p *archivePlan) part(documents int) *contract.GatherPart {
	if n := len(p.Parts); n == 0 || p.closed() {
		p.Parts = append(p.Parts, contract.GatherPart{})
		p.documents = 0
	}
	p.documents += documents
	return &p.Parts[len(p.Parts)-1]
}

func (p *archivePlan) closed() bool {
	last := p.Parts[len(p.Parts)-1]
	return p.documents >= partDocuments || len(last.Staged)+len(last.Blocks) >= partFiles
}

func (p *archivePlan) full() bool { return len(p.Parts) >= planParts && p.closed() }

// PlanHistories finds the next executions to read: those that run, and then those that have ended, so that one that ends meanwhile is among
// these. What starts meanwhile the indexer writes.
func (b *Rebuilder) PlanHistories(ctx context.Context, in contract.HistoryPlanInput) (contract.GatherPlan, error) {
	defer keepAlive(ctx, nil)()
	var p contract.GatherPlan
	c := contract.GatherCursor{}
	if in.Cursor != nil {
		c = *in.Cursor
	}
	for ; c.Query < 2; c = (contract.GatherCursor{Query: c.Query + 1}) {
		for {
			if len(p.Parts) >= planParts {
				p.Next = &c
				return p, nil
			}
			listed, next, err := b.reader.list(ctx, historyQuery(c.Query, in.Since, in.Instance), c.Token, max(in.BlockSize, 1))
			if err != nil {
				return p, err
			}
			found := executions(listed)
			if len(found) > 0 {
				p.Parts = append(p.Parts, contract.GatherPart{Executions: found})
			}
			if c.Token = next; len(next) == 0 {
				break
			}
		}
	}
	return p, nil
}

// historyQuery lists what runs (0), or what has ended, of those that may hold events.
func historyQuery(n int, since time.Time, instance string) string {
	q := recording
	if instance != "" {
		q += fmt.Sprintf(" AND (WorkflowId = %s OR %s = %s)", client.Literal(instance), contract.InstanceAttribute, client.Literal(instance))
	}
	if n == 0 {
		return q + " AND ExecutionStatus = 'Running'"
	}
	q += " AND ExecutionStatus != 'Running'"
	if !since.IsZero() {
		q += fmt.Sprintf(" AND CloseTime >= '%s'", since.UTC().Format(time.RFC3339Nano))
	}
	return q
}

func (b *Rebuilder) countHistories(ctx context.Context, since time.Time, instance string) (n int64, err error) {
	for query := range 2 {
		counted, err := b.client.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: historyQuery(query, since, instance)})
		if err != nil {
			return 0, fmt.Errorf("count executions: %w", err)
		}
		n += counted.GetCount()
	}
	return n, nil
}
