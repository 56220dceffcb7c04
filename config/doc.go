// Package config holds what an operator sets, and reads it from a YAML file and the environment.
//
// Every key stands in one table (keys.go): nats.url in the file is DUTYLINE_NATS_URL in the environment, and a secret can be given as the
// path of a file that holds it (redis.url_file, DUTYLINE_REDIS_URL_FILE). The environment wins over the file. Lists stand in a variable with
// commas in between. An empty variable counts as absent. What is not known is an error, with the nearest known key; all errors are told
// at once, each with its place and the fix, and none quotes a value that may be secret.
package config
