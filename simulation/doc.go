// Package simulation plays nights: deterministic ones, each from a seed, over the very machine, fold, lanes, policy and roster that page officers.
package simulation
