package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dutyline/dutyline/client"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"dutyline": main}) }

// patience bounds how long a script waits for a process; nothing is concluded from how long it took.
const patience = 60 * time.Second

// TestScript runs testdata/script/*.txtar, each with processes and a directory of its own. Beside testscript's commands there are
//
//	status N COMMAND …       the command ends with this exit status
//	waitfor FILE             until another process has written it
//	capture NAME REGEXP      NAME is the first group's match in the last output
//	jsonlines N              the last output is N JSON documents, one a line
//	acknowledge REF          takes a request as the officer of data/client.json
//	mode FILE MODE           FILE has these permissions, octal
func TestScript(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", examples)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": func(ts *testscript.TestScript, _ bool, args []string) {
				got := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					failed, ok := errors.AsType[*exec.ExitError](err)
					if !ok {
						ts.Fatalf("%v", err)
					}
					got = failed.ExitCode()
				}
				if strconv.Itoa(got) != args[0] {
					ts.Fatalf("exit status %d, want %s", got, args[0])
				}
			},
			"waitfor": func(ts *testscript.TestScript, _ bool, args []string) {
				until := time.Now().Add(patience)
				for {
					if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && len(data) > 0 {
						return
					}
					if time.Now().After(until) {
						ts.Fatalf("%s was not written", args[0])
					}
					time.Sleep(10 * time.Millisecond)
				}
			},
			"capture": func(ts *testscript.TestScript, _ bool, args []string) {
				found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
				if len(found) < 2 {
					ts.Fatalf("%s does not match", args[1])
				}
				ts.Setenv(args[0], found[1])
			},
			"jsonlines": func(ts *testscript.TestScript, _ bool, args []string) {
				out := []byte(ts.ReadFile("stdout"))
				lines := bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n"))
				if strconv.Itoa(len(lines)) != args[0] {
					ts.Fatalf("%d lines, want %s", len(lines), args[0])
				}
				for _, line := range lines {
					if !json.Valid(line) {
						ts.Fatalf("no JSON: %s", line)
					}
				}
			},
			"acknowledge": func(ts *testscript.TestScript, _ bool, args []string) {
				var file struct {
					URL    string
					Tokens map[string]string
				}
				ts.Check(json.Unmarshal([]byte(ts.ReadFile("data/client.json")), &file))
				_, err := client.New(file.URL, file.Tokens["officer"]).Acknowledge(t.Context(), args[0])
				ts.Check(err)
			},
			"mode": func(ts *testscript.TestScript, _ bool, args []string) {
				info, err := os.Stat(ts.MkAbs(args[0]))
				ts.Check(err)
				if got := strconv.FormatInt(int64(info.Mode().Perm()), 8); got != args[1] {
					ts.Fatalf("%s has mode %s", args[0], got)
				}
			},
		},
	})
}
