package archtest

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the repository, seen from here.
const root = "../.."

// A pkg is a folder with Go files.
type pkg struct {
	path             string // below the module, as dispatcher/node
	files, testFiles []file
}

// A file is one that this platform builds.
type file struct {
	name   string // below the root
	set    *token.FileSet
	syntax *ast.File
}

func (f file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.set.Position(n.Pos()).Line)
}

// walked is the tree, read once.
var walked = sync.OnceValues(walk)

func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := walked()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("only %d packages found: the test looks in the wrong place", len(all))
	}
	return all
}

func walk() ([]pkg, error) {
	byPath := map[string]*pkg{}
	err := eachFile(func(name string) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		folder := path.Dir(name)
		if match, err := build.Default.MatchFile(path.Join(root, folder), path.Base(name)); err != nil || !match {
			return err
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, path.Join(root, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p := byPath[folder]
		if p == nil {
			p = &pkg{path: folder}
			byPath[folder] = p
		}
		if f := (file{name, set, syntax}); strings.HasSuffix(name, "_test.go") {
			p.testFiles = append(p.testFiles, f)
		} else {
			p.files = append(p.files, f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []pkg
	for _, folder := range slices.Sorted(maps.Keys(byPath)) {
		all = append(all, *byPath[folder])
	}
	return all, nil
}

// made are folders that work leaves in the tree.
var made = []string{"bin", "data", "secrets"}

// eachFile calls fn for every file of the repository, by its path below the root. Hidden folders but .ci, what is made and testdata are left out.
func eachFile(fn func(name string) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return fn(name)
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "." && name != ".ci"
		if hidden || entry.Name() == "testdata" || slices.Contains(made, name) {
			return fs.SkipDir
		}
		return nil
	})
}
