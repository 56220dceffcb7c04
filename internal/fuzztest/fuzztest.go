// Package fuzztest reads the files that fuzz targets keep below testdata/fuzz, so that a test can say what each of them is an example of.
package fuzztest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Names lists the files of a target of the package under test. A target without any fails the test.
func Names(t testing.TB, target string) []string {
	t.Helper()
	files, err := os.ReadDir(filepath.Join("testdata", "fuzz", target))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s keeps no input: %v", target, err)
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name()
	}
	return names
}

// Read gives the arguments of one file: texts and bytes as string, all else as it is written.
func Read(t testing.TB, target, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "fuzz", target, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if lines[0] != "go test fuzz v1" {
		t.Fatalf("%s/%s is no input of a fuzz target", target, name)
	}
	var args []string
	for _, line := range lines[1:] {
		arg, err := argument(line)
		if err != nil {
			t.Fatalf("%s/%s: %v", target, name, err)
		}
		args = append(args, arg)
	}
	return args
}

// argument reads a conversion as the corpus has it: []byte("x"), string("x"), int64(-1).
func argument(line string) (string, error) {
	expr, err := parser.ParseExpr(line)
	if err != nil {
		return "", err
	}
	call, ok := expr.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", fmt.Errorf("%s is no argument", line)
	}
	value := line[call.Lparen : call.Rparen-1]
	if literal, ok := call.Args[0].(*ast.BasicLit); ok && (literal.Kind == token.STRING || literal.Kind == token.CHAR) {
		return strconv.Unquote(literal.Value)
	}
	return value, nil
}
