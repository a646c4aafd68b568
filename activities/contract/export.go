package contract

import (
	"encoding/json"
	"time"
)

// ExportActivity is on ReportQueue.
const ExportActivity = "waybill/export-events" // ExportInput -> ExportPage

// ExportInput asks for documents of a tenant, page by page.
type ExportInput struct {
	Tenant  string    `json:"tenant,omitempty"`
	From    time.Time `json:"from,omitzero"` // of the event
	To      time.Time `json:"to,omitzero"`   // before it
	Index   string    `json:"index"`         // process-instances, tasks, activities or variables; of the archive "" for all
	Kind    string    `json:"kind,omitempty"`
	Archive bool      `json:"archive,omitempty"` // every document that was archived, older ones of a thing, too
	Cursor  string    `json:"cursor,omitempty"`  // of the page before
}

// ExportPage is some of them, in their order: those of an index by time, those of the archive as they are in it.
type ExportPage struct {
	Documents []json.RawMessage `json:"documents"`
	Total     int64             `json:"total,omitempty"`  // on the first page, of an index
	Cursor    string            `json:"cursor,omitempty"` // "": that was all
}

// MaxExportPage bounds the documents of a page, in bytes.
const MaxExportPage = 900 << 10
