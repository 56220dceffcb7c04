// Package app wires a node together, in one straight function ([Run]). It is the one place that knows every adapter: the packages of the
// domain say in interfaces of their own what they need, and the small types of this package give it to them.
package app
