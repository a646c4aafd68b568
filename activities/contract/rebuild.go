package contract

import "time"

// Workflows beside those of names.go.
const (
	ArchiveWorkflow = "waybill/archive" // of the Schedule ArchiveScheduleID: takes staged events into the archive
)

// What rebuilds and verifications are told and asked.
const (
	ProgressQuery = "progress" // -> GatherProgress
	AlsoUpdate    = "also"     // of the indexer: IndexTarget -> the number of the pass that is under way, 0 for none (int64)
	AlsoNotUpdate = "also-not" // the same; the target is no longer written to
)

// Activities of rebuilds, verifications and the archive, on RebuildQueue; that of drop-old is on ReportQueue, since who asks waits.
const (
	BeginGatherActivity     = "waybill/begin-gather"     // GatherInput -> GatherBegun
	AlsoIndexActivity       = "waybill/also-index"       // AlsoIndex
	AlsoStandsActivity      = "waybill/also-stands"      // IndexTarget -> whether the indexer still writes to it (bool)
	PlanArchiveActivity     = "waybill/plan-archive"     // ArchivePlanInput -> GatherPlan
	PlanHistoriesActivity   = "waybill/plan-histories"   // HistoryPlanInput -> GatherPlan
	GatherActivity          = "waybill/gather"           // GatherPart -> Gathered
	CompareActivity         = "waybill/compare"          // CompareInput -> Comparison
	CheckArchiveActivity    = "waybill/check-archive"    // CheckArchive -> ArchiveCheck
	SwapGenerationActivity  = "waybill/swap-generation"  // SwapGeneration -> []Generation
	DropGenerationActivity  = "waybill/drop-generation"  // IndexTarget
	DropReplacedActivity    = "waybill/drop-replaced"    // tenant -> DroppedGenerations
	ForgetGatheringActivity = "waybill/forget-gathering" // name of a ledger
	MoveArchiveActivity     = "waybill/move-archive"     // -> MovedArchive
)

// RebuildID is the id of the workflow that rebuilds the indexes of a tenant.
func RebuildID(tenant string) string { return "rebuild/" + Segment(tenant) }

// VerifyID is the id of the workflow that verifies the indexes of a tenant.
func VerifyID(tenant string) string { return "verify/" + Segment(tenant) }

// IndexTarget is a generation of the indexes of a tenant.
type IndexTarget struct {
	Tenant     string `json:"tenant,omitempty"`
	Generation int    `json:"generation"`
}

// AlsoIndex has the indexer write to a generation as well, or no longer, and waits until all it does does so.
type AlsoIndex struct {
	IndexTarget
	Not bool `json:"not,omitempty"`
}

// GatherInput is the input of the workflows of rebuilds and verifications: both go through all that histories and archive have.
type GatherInput struct {
	Tenant string `json:"tenant,omitempty"`
	// Since leaves out what ended, and days of the archive, before. A rebuild then fills in what the present indexes lack.
	Since    time.Time `json:"since,omitzero"`
	Instance string    `json:"instance,omitempty"` // only this one; of a verification
	// HistoriesOnly goes without the archive.
	HistoriesOnly bool `json:"historiesOnly,omitempty"`
	// AllowLoss has documents left behind that are older than histories and in no source. HistoriesOnly does so, too.
	AllowLoss   bool `json:"allowLoss,omitempty"`
	SkipDamaged bool `json:"skipDamaged,omitempty"` // blocks of the archive that are damaged are told and left out
	// SettleMS: what happened this long before the beginning, or later, may still be on its way to the index, and is not compared.
	SettleMS int64 `json:"settleMs"`
	Limit    int   `json:"limit"` // of differences that are named, at most MaxDifferences

	Rebuild bool            `json:"rebuild,omitempty"` // set by the workflow
	State   *GatherProgress `json:"state,omitempty"`   // of an earlier run of the workflow
}

// Stages of a rebuild, in their order; a verification has some of them.
const (
	GatherBegins    = "begin"
	GatherArchive   = "archive"   // reading it
	GatherHistories = "histories" // reading them
	GatherCompare   = "compare"
	GatherLosses    = "losses" // looking for what the present indexes have and no source knows
	GatherCheck     = "check"  // the archive with its manifests
	GatherSwap      = "swap"
	GatherDone      = "done"
	GatherCleans    = "clean up" // after a failure
)

// GatherProgress is how far a rebuild or a verification has come, and in the end its result.
type GatherProgress struct {
	Tenant     string    `json:"tenant"`
	Ledger     string    `json:"ledger"`
	Stage      string    `json:"stage"`
	Began      time.Time `json:"began"`
	StageBegan time.Time `json:"stageBegan"`
	Late       time.Time `json:"late"` // what happened then or later is not compared
	GatherBegun
	Archived   int64          `json:"archived"`   // documents of the archive that have been read
	Executions int64          `json:"executions"` // whose histories have been read
	Parts      int            `json:"parts"`
	Again      int            `json:"again,omitempty"` // how often histories were read again, since the indexer was not the same any more
	Cursor     *GatherCursor  `json:"cursor,omitempty"`
	Share      int            `json:"share"`
	Shares     int            `json:"shares"`
	Counts     []IndexCounted `json:"counts,omitempty"`
	// BeyondCount counts documents of the indexes before that are older than Beyond and in no source, so that they are not in the new ones.
	BeyondCount int64 `json:"beyondCount,omitempty"`
	// Differences are some of them; Counts has all.
	Differences []IndexDifference `json:"differences,omitempty"`
	Archive     *ArchiveCheck     `json:"archive,omitempty"`
	Generations []Generation      `json:"generations,omitempty"`
	Gathered
}

// Generation is one of the generations of the indexes of a tenant.
type Generation struct {
	Number    int              `json:"number"`
	Current   bool             `json:"current"`
	Documents map[string]int64 `json:"documents"` // by index
	Bytes     int64            `json:"bytes"`
}

// GatherBegun is what there is to do.
type GatherBegun struct {
	Generation    int       `json:"generation,omitempty"` // new; 0: the current one is written, or nothing is
	Replaces      int       `json:"replaces,omitempty"`   // 0: there was none
	ArchiveTotal  int64     `json:"archiveTotal"`         // documents
	HistoryTotal  int64     `json:"historyTotal"`         // executions
	Beyond        time.Time `json:"beyond,omitzero"`      // the sources do not go back further
	RetentionMS   int64     `json:"retentionMs"`          // how long Temporal keeps histories of what has ended
	BlockSize     int       `json:"blockSize"`
	Parallel      int       `json:"parallel"`
	SkipArchive   bool      `json:"skipArchive,omitempty"`
	ArchiveIsKept bool      `json:"archiveIsKept"`
	NoIndex       bool      `json:"noIndex,omitempty"` // the tenant has none; of a verification
}

// GatherCursor is where plans are.
type GatherCursor struct {
	Query int    `json:"query,omitempty"`
	Token []byte `json:"token,omitempty"` // of visibility
	After string `json:"after,omitempty"` // staged file, or day
	Skip  int    `json:"skip,omitempty"`  // blocks of the day
}

// ArchivePlanInput asks which blocks of the archive are next.
type ArchivePlanInput struct {
	Tenant string        `json:"tenant,omitempty"`
	Since  time.Time     `json:"since,omitzero"`
	Cursor *GatherCursor `json:"cursor,omitempty"`
}

// HistoryPlanInput asks which executions are next.
type HistoryPlanInput struct {
	Since     time.Time     `json:"since,omitzero"`
	Instance  string        `json:"instance,omitempty"`
	BlockSize int           `json:"blockSize"`
	Cursor    *GatherCursor `json:"cursor,omitempty"`
}

// GatherPlan is what is to be read next.
type GatherPlan struct {
	Parts []GatherPart  `json:"parts,omitempty"`
	Next  *GatherCursor `json:"next,omitempty"` // nil: that was all
}

// GatherPart is what one activity reads: files of the archive, or histories.
type GatherPart struct {
	Name       string         `json:"name"` // set by the workflow
	Staged     []string       `json:"staged,omitempty"`
	Blocks     []ArchiveBlock `json:"blocks,omitempty"`
	Executions []Execution    `json:"executions,omitempty"`
	GatherTarget
}

// GatherTarget says what becomes of what is read. It is set by the workflow.
type GatherTarget struct {
	Tenant      string    `json:"tenant,omitempty"`
	Instance    string    `json:"instance,omitempty"`
	Ledger      string    `json:"ledger"`
	Late        time.Time `json:"late"`
	Since       time.Time `json:"since,omitzero"`       // documents of the archive from before are left out
	Write       bool      `json:"write,omitempty"`      // to the index
	Generation  int       `json:"generation,omitempty"` // 0: the current one
	SkipDamaged bool      `json:"skipDamaged,omitempty"`
}

// ArchiveBlock names a block of the archive.
type ArchiveBlock struct {
	Day       string `json:"day"`
	Name      string `json:"name"`
	SHA256    string `json:"sha256"`
	Documents int    `json:"documents"`
}

// Gathered counts what was read.
type Gathered struct {
	Documents int64    `json:"documents"` // of this tenant, which may be there more than once
	Written   int64    `json:"written"`
	Known     int64    `json:"known"`
	Dead      int64    `json:"dead"`               // documents that the index refused, and histories that cannot be read
	Gone      int64    `json:"gone"`               // executions that Temporal has deleted meanwhile
	Damaged   []string `json:"damaged,omitempty"`  // files of the archive, at most MaxDamaged
	Damages   int      `json:"damages,omitempty"`  // all of them
	Archived  int64    `json:"archived,omitempty"` // documents of the archive, of all tenants
}

// MaxDifferences bounds the differences that are named.
const MaxDifferences = 500

// MaxDamaged bounds the damaged files that are named.
const MaxDamaged = 20

// Add adds what another part counted, but for Archived.
func (g *Gathered) Add(o Gathered) {
	g.Documents += o.Documents
	g.Written += o.Written
	g.Known += o.Known
	g.Dead += o.Dead
	g.Gone += o.Gone
	g.Damages += o.Damages
	g.Damaged = append(g.Damaged, o.Damaged...)
	g.Damaged = g.Damaged[:min(len(g.Damaged), MaxDamaged)]
}

// CompareInput asks for a share of the comparison of a ledger with indexes.
type CompareInput struct {
	GatherTarget
	Beyond time.Time `json:"beyond,omitzero"` // what is older and in no source is no difference
	Share  int       `json:"share"`
	Shares int       `json:"shares"`
	Limit  int       `json:"limit"`
}

// Comparison is what was found.
type Comparison struct {
	Counts      []IndexCounted    `json:"counts"`
	Differences []IndexDifference `json:"differences,omitempty"`
}

// IndexCounted counts documents of an index. Sums are over their ids and versions, in any order.
type IndexCounted struct {
	Index     string `json:"index"`
	Expected  int64  `json:"expected"`
	Sum       uint64 `json:"sum,string"`
	Held      int64  `json:"held"`
	HeldSum   uint64 `json:"heldSum,string"`
	Missing   int64  `json:"missing"`
	Extra     int64  `json:"extra"`
	Different int64  `json:"different"`
	Late      int64  `json:"late"`   // moved too late to be compared
	Beyond    int64  `json:"beyond"` // older than the sources go back
}

// Add adds what another share counted.
func (c *IndexCounted) Add(o IndexCounted) {
	c.Expected += o.Expected
	c.Sum += o.Sum
	c.Held += o.Held
	c.HeldSum += o.HeldSum
	c.Missing += o.Missing
	c.Extra += o.Extra
	c.Different += o.Different
	c.Late += o.Late
	c.Beyond += o.Beyond
}

// IndexDifference is a document that is not as it should be.
type IndexDifference struct {
	Kind   string `json:"kind"` // missing, extra, different
	Index  string `json:"index"`
	ID     string `json:"id"`
	Detail string `json:"detail,omitempty"`
}

// CheckArchive asks for a comparison of the archive with its manifests.
type CheckArchive struct {
	Tenant string    `json:"tenant,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// ArchiveCheck is what it found.
type ArchiveCheck struct {
	Days      int      `json:"days"`
	Blocks    int      `json:"blocks"`
	Documents int      `json:"documents"`
	Bytes     int64    `json:"bytes"`  // of text
	Packed    int64    `json:"packed"` // of files
	Wrong     int      `json:"wrong"`
	Errors    []string `json:"errors,omitempty"`
	Unlisted  []string `json:"unlisted,omitempty"`
}

// SwapGeneration has searches see another generation.
type SwapGeneration struct {
	Tenant string `json:"tenant,omitempty"`
	From   int    `json:"from"` // 0: there was none
	To     int    `json:"to"`
}

// DroppedGenerations are those that were replaced and are gone now.
type DroppedGenerations struct {
	Current int          `json:"current"`
	Dropped []Generation `json:"dropped"`
}

// MovedArchive is what was taken into the archive.
type MovedArchive struct {
	Staged    int      `json:"staged"`
	Documents int      `json:"documents"`
	Repeated  int      `json:"repeated"`
	Blocks    int      `json:"blocks"`
	Bytes     int64    `json:"bytes"`
	Packed    int64    `json:"packed"`
	Damaged   []string `json:"damaged,omitempty"` // staged files that stay where they are, at most MaxDamaged
	Waiting   int      `json:"waiting"`           // files that are staged still, damaged and new ones; it counts to StagedCounted
}

// StagedCounted bounds how far staged files are counted.
const StagedCounted = 10_000

// ArchiveFailing is the code of the alert that nothing gets into the archive; what is staged waits.
const ArchiveFailing = "ARCHIVE_FAILING"

// Types of errors that are for people.
const (
	RebuildRefused = "rebuild-refused"
	RebuildDiffers = "rebuild-differs" // the new generation is not what its sources are
	ArchiveDamaged = "archive-damaged"
)
