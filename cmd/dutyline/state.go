package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

type alarmCommand struct {
	List listAlarmsCommand `cmd:"" help:"List the alarms that stand, and those of the last two days, the oldest first."`
}

type listAlarmsCommand struct{}

// Run lists the alarms.
func (listAlarmsCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(coordinator)
	if err != nil {
		return err
	}
	alarms, err := line.Alarms(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		return c.printJSON(alarms)
	}
	if len(alarms) == 0 {
		return c.print("no alarm stands\n")
	}
	t := table{head: []string{"REFERENCE", "SINCE", "CLEARED", "ALARM", "PAGED", "CAUSE"}}
	for _, a := range alarms {
		t.add(a.Reference, moment(a.Since), moment(a.ClearedAt), string(a.Kind), words(a.Paged), dash(a.Cause))
	}
	return t.write(c.out, "")
}

type healthCommand struct{}

// Run asks the server how it is. A part that does not work is told by the exit status, too.
func (healthCommand) Run(ctx context.Context, c *console) error {
	line, err := c.connect(nobody)
	if err != nil {
		return err
	}
	health, err := line.Health(ctx)
	if err != nil {
		return err
	}
	if c.flags.JSON {
		err = c.printJSON(health)
	} else {
		t := columns(3)
		for _, p := range health.Parts {
			state := "ok"
			if !p.OK {
				state = "not ok"
			}
			t.add(p.Name, state, p.Detail)
		}
		err = t.write(c.out, "")
	}
	if err == nil && !health.OK {
		return errNotHealthy
	}
	return err
}

// version is set when a release is built.
var version = "devel"

type versionCommand struct{}

// A versionDocument says which program this is.
type versionDocument struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run prints the version.
func (versionCommand) Run(c *console) error {
	v := versionDocument{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if c.flags.JSON {
		return c.printJSON(v)
	}
	parts := []string{"dutyline " + v.Version}
	if v.Revision != "" {
		parts = append(parts, v.Revision)
	}
	return c.print("%s\n", strings.Join(append(parts, fmt.Sprintf("%s %s", v.Go, v.Platform)), ", "))
}
