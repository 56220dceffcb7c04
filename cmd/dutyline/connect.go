package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/config"
)

// A role is whose token a command needs.
type role string

const (
	nobody      role = ""
	sender      role = "sender"
	coordinator role = "coordinator"
)

// A clientFile is what a standalone node leaves for the command line (CONTRACT: CLIENT).
type clientFile struct {
	URL    string          `json:"url"`
	Tokens map[role]string `json:"tokens"`
}

// connect makes a client: address and token from the flags, else from the environment, else from client.json.
func (c *console) connect(who role) (*client.Client, error) {
	address := c.flags.URL
	if address == "" {
		address = c.getenv("DUTYLINE_URL")
	}
	token, err := c.givenToken()
	if err != nil {
		return nil, err
	}
	if address == "" || (token == "" && who != nobody) {
		file, path, err := c.readClientFile()
		switch {
		case err == nil && address == "":
			address = file.URL
		case errors.Is(err, fs.ErrNotExist) && address == "":
			return nil, usage("no server is known: %s does not exist\nStart one with dutyline run, or name one with --url or DUTYLINE_URL and its token with DUTYLINE_TOKEN or --token-file.", path)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		// A token goes to the server that it is for, and to no other.
		if token == "" && strings.TrimRight(file.URL, "/") == strings.TrimRight(address, "/") {
			token = file.Tokens[who]
		}
		if token == "" && who != nobody {
			return nil, usage("no token of a %s for %s is known\nGive it with DUTYLINE_TOKEN, DUTYLINE_TOKEN_FILE or --token-file; dutyline token add makes one.", who, address)
		}
	}
	parsed, err := url.Parse(address)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, usage("%q is no address of a server: write http:// or https://, the host and perhaps a port", address)
	}
	return client.New(address, token), nil
}

// givenToken is the token that a flag or the environment gives, "" when neither does.
func (c *console) givenToken() (string, error) {
	token, path := c.getenv("DUTYLINE_TOKEN"), c.getenv("DUTYLINE_TOKEN_FILE")
	switch {
	case c.flags.TokenFile != "":
		path = c.flags.TokenFile
	case token != "" && path != "":
		return "", usage("DUTYLINE_TOKEN and DUTYLINE_TOKEN_FILE are both set: keep one of them")
	case path == "":
		return checkToken("DUTYLINE_TOKEN", token)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", usage("read the token: %w", err)
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return "", usage("read the token: %s is empty", path)
	}
	return checkToken(path, string(data))
}

// checkToken refuses what a header cannot carry, without quoting it.
func checkToken(from, text string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usage("what %s holds is no token: copy it again, in one line", from)
	}
	return text, nil
}

// readClientFile reads what a standalone node left in its data directory.
func (c *console) readClientFile() (clientFile, string, error) {
	dir := c.getenv("DUTYLINE_DATA_DIR")
	if dir == "" {
		dir = config.DefaultDataDir
	}
	path := filepath.Join(dir, "client.json")
	var file clientFile
	data, err := os.ReadFile(path)
	if err != nil {
		return file, path, fmt.Errorf("read the client file: %w", err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return file, path, usage("%s is not readable: start dutyline run again, it writes it anew", path)
	}
	return file, path, nil
}
