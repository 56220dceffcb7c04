// Package directory knows who may call: senders (the contact points of other States) and the tokens of senders, officers and
// coordinators. It is a log of whole documents, followed in memory; the last document of a subject wins. Secrets are stored as digests
// alone, and a revocation needs no cache to expire: every node follows it.
package directory
