package app

import (
	"context"
	"strconv"

	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster/served"
	"github.com/dutyline/dutyline/vault"
	"github.com/dutyline/dutyline/web"
)

// alarms says how a node raises alarms: under references that every node of the deployment derives alike.
func alarms(key vault.Key, duty *served.Service, clock *node.Clock) node.Alarms {
	return node.Alarms{
		Reference: alarmReferences(key),
		Redis:     func(ctx context.Context) error { return duty.Health(ctx).Redis },
		Offset:    clock.Offset,
	}
}

// alarmReferences gives the digest of which the reference of a log of operations is made.
func alarmReferences(key vault.Key) func(kind, cause string, i int) []byte {
	references := key.Derive("alarm")
	return func(kind, cause string, i int) []byte { return references.MAC(kind, cause, strconv.Itoa(i)) }
}

// Alarms lists those that stand and those of the last two days.
func (s states) Alarms() []*request.State { return s.node.Alarms() }

// Handovers lists those that are open and those of the last two days.
func (s states) Handovers() []*request.State { return s.node.Matters(request.OpsHandover) }

// alarmPart tells whether alarms reach somebody. A node that pages officers serves, all the same.
func alarmPart(n *node.Node) web.Part {
	part := web.Part{Name: "alarms", OK: true}
	if len(n.AlarmTargets()) == 0 {
		part.Detail = "nobody can be paged for an alarm: name people in alarm_to, or make a team coordinators in the roster"
	}
	return part
}
