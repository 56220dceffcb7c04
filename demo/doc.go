// Package demo plays one night on a whole node and tells it as it happens: a text that nobody answers, a call that reaches an answering
// machine, the next level, a key that is pressed, a sender who is told. The node is the one that runs in production; only the telephone
// network is simulated, and the times of the policy are divided. How it ended is read from the node's log and from the simulator's
// record, which must agree.
package demo
