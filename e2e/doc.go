// Package e2e holds tests of whole processes: nodes that are killed, disks that are watched. It has no code of its own.
package e2e
