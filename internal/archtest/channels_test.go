package archtest

import (
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

// exercised says which test runs each channel through the conformance suite, by the folder and the function that makes the channel. A test that
// stands for several runs the suite for each.
var exercised = map[string]string{
	"notifier/mail: New":          "TestChannelConforms",
	"notifier/twilio: SMS":        "TestConformance",
	"notifier/twilio: Voice":      "TestConformance",
	"notifier/vonage: SMS":        "TestConformance",
	"notifier/vonage: Voice":      "TestConformance",
	"notifier/webhook: New":       "TestConformance",
	"notifier/webhook: NewBeside": "TestConformanceBesideTheTelephone",
}

func TestEveryChannelIsHeldToTheConformanceSuite(t *testing.T) {
	made := map[string]string{} // what makes a channel → where
	runs := map[string]int{}    // how often a test runs the suite, as it is written
	for _, p := range packages(t) {
		for name, at := range makers(p) {
			made[p.path+": "+name] = at
		}
		for _, f := range p.testFiles {
			for _, d := range f.syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					runs[p.path+": "+fn.Name.Name] += uses(fn, "notifiertest", "Exercise")
				}
			}
		}
	}
	needed := map[string]int{}
	for _, maker := range slices.Sorted(maps.Keys(made)) {
		test, known := exercised[maker]
		if !known {
			t.Errorf("%s makes a channel (%s): run it through notifiertest.Exercise, and say here in which test", made[maker], maker)
			continue
		}
		folder, _, _ := strings.Cut(maker, ":")
		needed[folder+": "+test]++
	}
	for maker := range exercised {
		if made[maker] == "" {
			t.Errorf("%s makes no channel", maker)
		}
	}
	for test, times := range needed {
		if runs[test] < times {
			t.Errorf("%s runs the suite %d times for %d channels", test, runs[test], times)
		}
	}
	if len(made) < 7 {
		t.Errorf("only %d channels were found", len(made))
	}
}

// makers are the exported functions of a package that give a channel: by the name of the interface, or of a type that sends.
func makers(p pkg) map[string]string {
	senders, found := []string{"notifier.Channel"}, map[string]string{}
	functions := func(do func(f file, fn *ast.FuncDecl)) {
		for _, f := range p.files {
			for _, d := range f.syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					do(f, fn)
				}
			}
		}
	}
	functions(func(_ file, fn *ast.FuncDecl) {
		if fn.Recv != nil && fn.Name.Name == "Send" && fn.Type.Results.NumFields() == 1 && written(fn.Type.Results.List[0].Type) == "notifier.Outcome" {
			senders = append(senders, written(fn.Recv.List[0].Type))
		}
	})
	functions(func(f file, fn *ast.FuncDecl) {
		if fn.Name.IsExported() && fn.Type.Results.NumFields() > 0 && slices.Contains(senders, written(fn.Type.Results.List[0].Type)) {
			found[fn.Name.Name] = f.at(fn)
		}
	})
	return found
}

// written is a type as it is named, without its star.
func written(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return written(e.X)
	case *ast.SelectorExpr:
		return written(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// uses counts where a node names a member of a package.
func uses(n ast.Node, packageName, member string) (times int) {
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == member && written(s.X) == packageName {
			times++
		}
		return true
	})
	return times
}
