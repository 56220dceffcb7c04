// Package archtest holds the tree to its design: which package may import which, what pure code keeps out of, that every package says what
// it is, that nothing refers to a file that is not there, and that the Makefile explains itself. It has tests only, and no program imports
// it, so it stands below internal and not among the nouns of the domain.
package archtest

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/dutyline/dutyline"

// A row says what a package may import.
type row struct {
	ours []string // packages of this module
	// pure packages import nothing but these and the standard library, start no goroutine, read no clock and touch no system.
	pure bool
	// tests says that it has tests only, or serves tests only: no production code imports it.
	tests bool
}

// everything stands for all packages that do not serve tests.
var everything = []string{"*"}

// table is the import table of the design. A package that is not in it fails: add its row, with the reason if it is no noun of the design.
var table = map[string]row{
	"request":    {pure: true},
	"roster":     {pure: true},
	"phrase":     {pure: true},
	"notifier":   {pure: true, ours: []string{"request"}},
	"dispatcher": {pure: true, ours: []string{"request", "roster", "notifier"}},

	"dispatcher/node": {ours: []string{"dispatcher", "request", "roster", "notifier"}},
	"eventlog":        {},
	"vault":           {},
	"directory":       {},
	"intake":          {ours: []string{"request", "directory", "vault"}},
	"roster/served":   {ours: []string{"roster"}},
	// The roster on paper: instants are written as the log writes them.
	"roster/sheet": {pure: true, ours: []string{"request", "roster"}},
	// iCalendar comes and goes through libraries, which a pure package does not import.
	"roster/calendar": {ours: []string{"roster"}},
	// It reads calendars with another library than the one that wrote them.
	"roster/calendar/calendartest": {tests: true, ours: []string{"roster/calendar"}},
	// The words, the conversation of a call and the care for an exchange are the same whoever carries them: each provider's package adds its
	// protocol. A text names urgency and reference by request's types.
	"notifier/telephone": {ours: []string{"notifier", "phrase", "request"}},
	// Which voice speaks a language is the provider's, so that phrase's languages are named here too.
	"notifier/twilio": {ours: []string{"notifier", "notifier/telephone", "phrase", "request"}},
	"notifier/vonage": {ours: []string{"notifier", "notifier/telephone", "phrase", "request"}},
	// Says what became of a request, and that somebody is asked, in request's words: the news, and the failures of an attempt.
	"notifier/webhook": {ours: []string{"notifier", "request"}},
	// Writes e-mails that go beside the telephone, in the words of phrase, over any server of SMTP.
	"notifier/mail": {ours: []string{"notifier", "phrase", "request"}},
	// What the doors have in common: bodies, versions, positions, and what an error is for callers.
	"door": {ours: []string{"intake", "plainyaml", "request"}},
	// The door on NATS beside web, the one on HTTP: the same intake, another protocol, and no officers.
	"natsdoor": {ours: []string{"directory", "door", "intake", "request"}},
	// The words of the pages stand with the words of the texts, in phrase.
	"web":        {ours: []string{"directory", "door", "intake", "request", "roster", "roster/calendar", "roster/sheet", "phrase"}},
	"simulation": {ours: []string{"dispatcher", "request", "roster", "notifier"}},
	// Phones know no vendor: the two operators that reach them share them and nothing else, not even with the clients that they judge.
	"phonesim":  {},
	"twiliosim": {ours: []string{"phonesim"}},
	"vonagesim": {ours: []string{"phonesim"}},
	// One way from YAML to JSON for both sides of the interface; it knows neither.
	"plainyaml": {},
	// Which nodes live goes over core NATS and is stored nowhere: it is no log, and knows nothing of the domain.
	"presence": {},

	// What calls the interface of web from outside: the command line, and whoever writes Go. It shares the documents, not the server.
	"client": {ours: []string{"request", "roster"}},
	"config": {},
	// The world's numbering plans, by a library: roster is pure, and web need not know them.
	"numbering": {},
	// Looks at a deployment from outside, before a node runs or beside it; it knows neither logs nor providers.
	"doctor": {},
	"app":    {ours: everything},
	// Plays a night on a whole node and tells it; it is the telephone network and the people.
	"demo": {ours: []string{"app", "client", "config", "request", "roster", "twiliosim"}},
	// Measures a whole node from outside: starts one as a process, calls it, is its provider and its neighbours, writes the histories that it
	// starts with, and measures the log and the duty table beside it. app mints the first token; a role is the directory's, a key the vault's, a
	// book the roster's.
	"bench": {ours: []string{"app", "client", "config", "directory", "eventlog", "request", "roster", "roster/served", "twiliosim", "vault"}},
	// The simulator is a command of its own; token add without HTTP speaks the directory's roles. Other adapters are app's.
	"cmd/dutyline": {ours: []string{"app", "bench", "client", "config", "demo", "directory", "doctor", "plainyaml", "request", "roster", "simulation", "twiliosim"}},

	"eventlog/eventlogtest":    {tests: true, ours: []string{"eventlog"}},
	"notifier/notifiertest":    {tests: true, ours: []string{"notifier", "phrase", "phrase/phrasetest", "request"}},
	"notifier/mail/mailtest":   {tests: true, ours: []string{"notifier/mail", "notifier/notifiertest"}},
	"phrase/phrasetest":        {tests: true},
	"roster/rostertest":        {tests: true, ours: []string{"roster"}},    // draws rosters
	"roster/served/servedtest": {tests: true},                              // a redis-server of a test's own
	"e2e":                      {tests: true, ours: []string{"vonagesim"}}, // real processes
	"scenario":                 {tests: true},                              // whole nodes in one process, in synctest bubbles
	"internal/archtest":        {tests: true},
	"internal/fuzztest":        {tests: true}, // what fuzz targets keep, read by the tests of each package
}

// impure are the parts of the standard library through which a package would touch the system; net/url and net/netip only compute.
var impure = []string{"database/sql", "log", "net", "net/http", "os", "os/exec", "os/signal", "os/user", "plugin", "syscall"}

// clocks are the functions of package time that read or wait for the clock.
var clocks = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

func TestImportsFollowTheDesign(t *testing.T) {
	for _, p := range packages(t) {
		allowed, known := table[p.path]
		if !known {
			t.Errorf("%s: it is not in the table of the design: add its row, and say why it is a package of its own", p.path)
			continue
		}
		for _, f := range p.files {
			for _, spec := range f.syntax.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if trouble := judge(allowed, path); trouble != "" {
					t.Errorf("%s: imports %s: %s", f.name, path, trouble)
				}
			}
		}
	}
}

// judge says what is wrong with an import, "" when nothing is.
func judge(importer row, path string) string {
	ours, isOurs := strings.CutPrefix(path, module+"/")
	switch {
	case isOurs && table[ours].tests && !importer.tests:
		return "it serves tests only"
	case isOurs && !slices.Contains(importer.ours, ours) && !slices.Contains(importer.ours, "*"):
		return "the table of the design does not allow it"
	case isOurs || !importer.pure:
		return ""
	case strings.Contains(strings.Split(path, "/")[0], "."):
		return "a pure package imports the standard library only"
	case slices.Contains(impure, path):
		return "a pure package does not touch the system"
	}
	return ""
}

func TestPurePackagesOnlyCompute(t *testing.T) {
	for _, p := range packages(t) {
		if !table[p.path].pure {
			continue
		}
		for _, f := range p.files {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: starts a goroutine: a pure package decides and returns", f.at(n))
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
						t.Errorf("%s: calls time.%s: a pure package takes now", f.at(n), n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestEveryPackageHasOneDocComment(t *testing.T) {
	for _, p := range packages(t) {
		files := p.files
		if len(files) == 0 {
			files = p.testFiles
		}
		var documented []string
		for _, f := range files {
			if f.syntax.Doc == nil {
				continue
			}
			documented = append(documented, f.name)
			want := "Package " + strings.TrimSuffix(f.syntax.Name.Name, "_test") + " "
			if f.syntax.Name.Name == "main" {
				want = "Command "
			}
			if !strings.HasPrefix(f.syntax.Doc.Text(), want) {
				t.Errorf("%s: the package's comment does not begin with %q", f.name, want)
			}
		}
		if len(documented) != 1 {
			t.Errorf("%s: %d package comments, in %v: write exactly one, in doc.go when it is long", p.path, len(documented), documented)
		}
	}
}
