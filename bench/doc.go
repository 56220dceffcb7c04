// Package bench measures a whole node, as it runs standalone, against what its disk and its log can do at best in the same run. It speaks to
// the node by HTTP and is itself the telephone provider, on loopback.
package bench
