// Package bench measures whole nodes against what their disk and their log can do at best in the same run. A node is a process of its own, as
// in operation; this one plays its clients, the telephone provider, and where it is said the servers of NATS and Redis, all on loopback.
//
// Every part makes the node that it needs in a directory of its own, and leaves nothing behind. What each figure means is said where it is
// made, and for readers in docs/performance.md.
package bench
