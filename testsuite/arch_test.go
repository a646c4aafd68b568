package testsuite_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/waybill-io/waybill"

// rooms say which rooms of this module each room may import, beside its own folders. The most specific entry of a
// package counts. What is not listed may not be imported: a new arrow is a decision about the design, made here.
var rooms = map[string][]string{
	// Pure: the machine and what it reads.
	"juel":   {},
	"quartz": {},
	"bpmn":   {"juel"},
	"events": {},
	"engine": {"bpmn", "events", "juel"},
	// How histories hold events, for all who write and read them.
	"events/marker": {"events"},
	// What workflows that are written by hand record.
	"events/record": {"activities/contract", "events", "events/marker"},
	// What workflows and activities agree on.
	"activities/contract": {"events"},
	"definition":          {"activities/contract", "bpmn"},
	// What those who deploy and those who call agree on.
	"activities/binding": {"activities/contract", "connectors"},
	// Workflow code never imports what touches the world.
	"script": {"bpmn", "engine", "juel"},

	"workflows": {"activities/contract", "bpmn", "definition", "engine", "events", "events/marker", "script"},
	// Rules of alerts: what becomes of one, pure.
	"alerts": {"activities/contract", "connectors"},
	// The world, which knows nothing of workflows.
	"retryafter": {},
	"mail":       {"freemarker", "retryafter"},
	// Documents of events: indexes, archives, reports.
	"analytics": {"events", "mail", "retryafter"},
	// Pictures of reports, for those who ask for one: no worker draws.
	"analytics/chart": {"analytics", "bpmn"},
	// The language of templates, which mails and messages of connectors share. Of the connectors it has how names are suggested, alone.
	"freemarker": {"connectors/suggest", "juel"},
	// The contract of connectors, and what several of them share.
	"connectors": {"juel", "mail"},
	// The settings of a worker, read and checked.
	"configuration": {"activities/contract", "analytics", "connectors", "mail"},
	// Each connector stands alone: none knows of another. What two need goes into a folder of the room above.
	"connectors/email":    {"connectors", "freemarker", "mail"},
	"connectors/files":    {"connectors"},
	"connectors/rabbitmq": {"connectors", "connectors/rabbitmq/broker"},
	"connectors/rest":     {"connectors", "mail", "retryafter"},
	"connectors/script":   {"connectors", "engine", "script"}, // runs the JavaScript that script tasks do
	"connectors/slack":    {"connectors", "freemarker", "mail"},
	"connectors/sql":      {"connectors", "mail"},
	"connectors/twilio":   {"connectors", "mail", "retryafter"},
	// The connection to a broker, which the bridge has, too.
	"connectors/rabbitmq/broker": {"connectors", "mail"},
	"connectors/catalog": {
		"connectors", "connectors/email", "connectors/files", "connectors/rabbitmq", "connectors/rest", "connectors/script", "connectors/slack",
		"connectors/sql", "connectors/twilio", "mail",
	},
	"activities": {
		"alerts", "activities/binding", "activities/contract", "analytics", "bpmn", "client", "connectors", "connectors/rabbitmq/broker", "definition", "engine",
		"events", "events/marker", "juel", "mail", "quartz", "script",
	},
	// The way in.
	"client":  {"activities/contract", "connectors", "definition", "engine", "events", "events/marker", "mail", "script"},
	"project": {"activities/binding", "activities/contract", "bpmn", "connectors", "definition", "freemarker", "mail", "script"},
	"gateway": {
		"activities/contract", "analytics/chart", "analytics/report", "bpmn", "client", "connectors", "external", "gateway/access", "gateway/camunda", "gateway/flowable", "gateway/processengine", "mail",
		"project",
	},
	// Who may call, and the file that says so, which those write who make tokens.
	"gateway/access":           {"external", "mail", "gateway/access/tokenfile"},
	"gateway/access/tokenfile": {},
	// The leases of external tasks, and what each wire contract makes of them. No contract knows of another.
	"external":              {"activities/contract", "client", "events"},
	"gateway/camunda":       {"activities/contract", "client", "external", "juel"},
	"gateway/flowable":      {"activities/contract", "bpmn", "external", "juel"},
	"gateway/processengine": {"activities/contract", "external"},
	// The programs. Only development and scenario files need what the test suite has.
	"worker": {
		"alerts", "activities", "activities/contract", "analytics", "client", "configuration", "connectors", "connectors/catalog", "connectors/script", "definition", "gateway", "gateway/access", "mail", "worker/dev",
		"workflows",
	},
	"worker/dev": {
		"activities", "activities/contract", "client", "connectors", "connectors/catalog", "connectors/email", "examples", "gateway", "mail", "project", "worker", "workflows",
		"testsuite/mailserver", "testsuite/temporalserver",
	},
	"starter":  {"alerts", "activities/binding", "activities/contract", "analytics", "analytics/chart", "bpmn", "client", "connectors", "connectors/catalog", "events", "external", "gateway/access/tokenfile", "mail", "project", "testsuite/scenario"},
	"examples": {},
	"bench": {
		"alerts", "activities", "activities/contract", "analytics", "bpmn", "client", "connectors", "connectors/email", "connectors/files", "connectors/rest", "connectors/sql", "engine", "events", "events/marker", "gateway", "mail", "project", "testsuite", "worker", "worker/dev",
		"workflows",
	},
	"testsuite": {
		"alerts", "activities", "activities/contract", "analytics", "bpmn", "client", "connectors", "connectors/catalog", "definition", "engine", "events", "events/marker", "external", "juel", "mail",
		"project", "script", "worker", "worker/dev", "workflows",
	},
	// What tests of external tasks have in common, whatever their contract.
	"testsuite/externaltest": {"activities/contract", "bpmn", "client", "definition", "external", "testsuite", "worker"},
}

// restriction keeps packages of other modules and of the standard library out of rooms. "net/..." is net and all below.
type restriction struct {
	rooms  []string
	banned []string
	why    string
}

var restrictions = []restriction{
	{
		rooms: []string{"bpmn", "engine", "events", "juel", "definition", "quartz"},
		banned: []string{
			"os/...", "net/...", "io/fs", "io/ioutil", "embed", "log/...", "syscall", "path/filepath", "database/...", "context", "sync/atomic", "testing",
			"math/rand/...", "crypto/rand",
		},
		why: "it is pure: the same input gives the same output, in every replay of a history",
	},
	{
		rooms:  append([]string{"analytics", "bpmn", "engine", "events", "juel", "definition", "freemarker", "mail", "project", "activities/contract"}, roomsIn("connectors")...),
		banned: []string{"go.temporal.io/..."},
		why:    "it knows nothing of Temporal",
	},
	{
		rooms:  []string{"workflows"},
		banned: []string{"os/...", "net/...", "io/fs", "io/ioutil", "math/rand/...", "crypto/rand", "go.temporal.io/sdk/client", "go.temporal.io/sdk/activity"},
		why:    "workflow code touches the world through activities only",
	},
}

// clock is what makes a result depend on when it was computed.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestImports(t *testing.T) {
	for _, p := range load(t) {
		room, ok := roomOf(p.name)
		if !ok {
			t.Errorf("%s: a new room; say in this test what it may import", p.name)
			continue
		}
		for _, imported := range p.Imports {
			if inside, ok := strings.CutPrefix(imported, module+"/"); ok {
				if !mayImport(room, inside) {
					t.Errorf("%s imports %s: %s may import, beside itself, only %q", p.name, inside, room, rooms[room])
				}
				continue
			}
			for _, r := range restrictions {
				if slices.Contains(r.rooms, room) && slices.ContainsFunc(r.banned, func(b string) bool { return matches(imported, b) }) {
					t.Errorf("%s imports %s: %s", p.name, imported, r.why)
				}
			}
		}
	}
}

// A connector without a room of its own would be in that of what connectors share, where all may import it.
func TestEveryConnectorHasARoom(t *testing.T) {
	const catalog = "connectors/catalog"
	for _, p := range load(t) {
		if p.name != catalog {
			continue
		}
		for _, imported := range p.Imports {
			inside, ours := strings.CutPrefix(imported, module+"/")
			if ours && within(inside, "connectors") && inside != "connectors" && inside != "connectors/suggest" && !isRoom(inside) {
				t.Errorf("%s has no room; say in this test what it may import", inside)
			}
		}
		return
	}
	t.Error("there is no package " + catalog)
}

func TestPurePackagesReadNoClock(t *testing.T) {
	pure := restrictions[0]
	for _, p := range load(t) {
		if room, _ := roomOf(p.name); !slices.Contains(pure.rooms, room) {
			continue
		}
		p.inspect(func(n ast.Node) {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clock, s.Sel.Name) && p.from(s.X, "time") {
				t.Errorf("%s uses time.%s: %s", p.position(n), s.Sel.Name, pure.why)
			}
		})
	}
}

// TestNoGlobalState finds init functions and package-level variables that functions change. Registries are lists that
// a main program hands down.
func TestNoGlobalState(t *testing.T) {
	for _, p := range load(t) {
		p.inspect(func(n ast.Node) {
			var changed []ast.Expr
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: an init function; register in an explicit list, called from a main program", p.position(n))
				}
			case *ast.AssignStmt:
				changed = n.Lhs
			case *ast.IncDecStmt:
				changed = []ast.Expr{n.X}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear"}, id.Name) {
					changed = n.Args[:1]
				}
			case *ast.ValueSpec:
				if lock, ok := n.Type.(*ast.SelectorExpr); ok && p.packageLevel(n.Names[0]) && p.from(lock.X, "sync", "sync/atomic") {
					t.Errorf("%s: state of the whole process; make it a field of what is constructed", p.position(n))
				}
			}
			for _, e := range changed {
				if id := root(e); id != nil && p.packageLevel(id) {
					t.Errorf("%s changes the package-level variable %s; make it a field of what is constructed", p.position(n), id.Name)
				}
			}
		})
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range load(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment: what it owns, what it must not know, the algorithm if there is one", p.name)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, p := range load(t) {
		for _, file := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			require.NoError(t, err)
			if n := strings.Count(string(text), "\n"); n > 500 {
				t.Errorf("%s/%s has %d lines: a file is one thing, 500 lines are the most", p.name, file, n)
			}
		}
	}
}

// roomOf finds the most specific entry of rooms for a package.
func roomOf(name string) (room string, ok bool) {
	for room = name; room != "."; room = path.Dir(room) {
		if isRoom(room) {
			return room, true
		}
	}
	return "", false
}

// mayImport takes an entry that is a room for that room alone, without the rooms inside it, and one that is none for
// a folder.
func mayImport(room, imported string) bool {
	target, _ := roomOf(imported)
	return target == room || slices.ContainsFunc(rooms[room], func(entry string) bool {
		return target == entry || !isRoom(entry) && within(imported, entry)
	})
}

// roomsIn are a folder's room and those inside it.
func roomsIn(folder string) (all []string) {
	for room := range rooms {
		if within(room, folder) {
			all = append(all, room)
		}
	}
	return all
}

func isRoom(name string) bool { _, ok := rooms[name]; return ok }

func within(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

func matches(imported, pattern string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return within(imported, tree)
	}
	return imported == pattern
}
