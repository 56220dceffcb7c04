// Package client calls Dutyline's HTTP interface, for the command line and for programs in Go.
//
// Every answer with an error status comes back as a [*Problem]; everything else is an error of the connection, or [ErrAddress]. A program
// that ends with the exit statuses of the command line asks in this order: [Refused] is 3, [Unavailable] is 4, [ErrAddress] is 2, any other
// error is 1. A [Client] remembers the position of its last write and presents it with its reads: it always sees its own writes, whichever
// node answers. It reads no files and no environment, repeats no call by itself and follows no redirection; streams are opened again.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dutyline/dutyline/request"
)

// maxAnswer is the largest document that is read, in bytes. Streams have no bound.
const maxAnswer = 64 << 20

// A Client is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client

	mu       sync.Mutex
	position string
}

// New makes a client of the server at base, as http://localhost:8080. The token may be "" for the calls that need none.
func New(base, token string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	return &Client{base: strings.TrimRight(base, "/"), token: token, http: &http.Client{
		Transport: transport,
		// A redirected POST would become a GET: what the answer then says is not about the call.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ErrAddress says that the client was made with something that is no address of a server.
var ErrAddress = errors.New("this is no address of a server: write it as in http://localhost:8080")

// A Problem is an error answer of the server.
type Problem struct {
	Status     int                  `json:"status"`
	Code       string               `json:"code"`
	Title      string               `json:"title"`
	Detail     string               `json:"detail"`
	Errors     []request.FieldError `json:"errors"`
	RetryAfter time.Duration        `json:"-"` // 0: the server asked for none
}

// Error says what is wrong and what to do, field by field.
func (p *Problem) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%d %s)", p.Detail, p.Status, p.Code)
	for _, e := range p.Errors {
		fmt.Fprintf(&out, "\n  %s: %s %s", e.Field, e.Detail, e.Fix)
	}
	return out.String()
}

// codeFailedSignIns is how the server says that too many wrong tokens came from here. A valid token never meets it.
const codeFailedSignIns = "too_many_failed_sign_ins"

// Refused reports whether the server understood the call and will not do it, now or later: the caller must change something.
func Refused(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Status >= 400 && p.Status < 500 && !Unavailable(err)
}

// Unavailable reports whether the call may be repeated as it is: the server, or the way to it, cannot serve it now. A write may have been
// stored all the same; repeating it with the same key or version is safe.
func Unavailable(err error) bool {
	if p, ok := errors.AsType[*Problem](err); ok {
		switch p.Status {
		case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
			return true
		case http.StatusTooManyRequests: // from a proxy; the server itself says so to wrong tokens alone
			return p.Code != codeFailedSignIns
		}
		return false
	}
	_, ok := errors.AsType[*url.Error](err)
	return ok && !errors.Is(err, context.Canceled) // who left does not want it repeated
}

// A call is one call to the interface.
type call struct {
	method, path string
	body         any // []byte as it is, anything else as JSON; nil: none
	kind         string
	header       map[string]string
	ok           []int // further statuses that are no error
}

// do makes a call and decodes its answer into out, unless that is nil.
func (c *Client) do(ctx context.Context, in call, out any) (http.Header, error) {
	response, err := c.send(ctx, in)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	c.remember(response)
	if out == nil || response.StatusCode == http.StatusNoContent {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer)) // so that the connection is used again
		return response.Header, nil
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", &url.Error{Op: in.method, URL: c.base + in.path, Err: err}) // as other errors of the connection
	}
	if err := json.Unmarshal(data, out); err != nil {
		if response.StatusCode >= 300 { // of some proxy
			return nil, problemFrom(response, data)
		}
		return nil, fmt.Errorf("%s %s: read the answer: %w", in.method, in.path, err)
	}
	return response.Header, nil
}

// send makes a call; the caller closes the body. An error status comes back as a [*Problem].
func (c *Client) send(ctx context.Context, in call) (*http.Response, error) {
	var body io.Reader
	if in.body != nil {
		data, ok := in.body.([]byte)
		if !ok {
			var err error
			if data, err = json.Marshal(in.body); err != nil {
				return nil, fmt.Errorf("%s %s: write the body: %w", in.method, in.path, err)
			}
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, in.method, c.base+in.path, body)
	if err != nil || (r.URL.Scheme != "http" && r.URL.Scheme != "https") || r.URL.Host == "" {
		return nil, ErrAddress
	}
	if body != nil {
		r.Header.Set("Content-Type", in.kind)
		if in.kind == "" {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if position := c.lastPosition(); position != "" {
		r.Header.Set("Dutyline-Position", position)
	}
	for name, value := range in.header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("call the server: %w", err)
	}
	if response.StatusCode < 300 || slices.Contains(in.ok, response.StatusCode) {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	return nil, problemOf(response)
}

// problemOf reads an error answer, also one that some proxy gave.
func problemOf(response *http.Response) *Problem {
	data, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return problemFrom(response, data)
}

func problemFrom(response *http.Response, data []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(data, p) != nil || p.Code == "" {
		p = &Problem{Code: "http_" + strconv.Itoa(response.StatusCode), Title: response.Status, Detail: "The server answered " + response.Status + "."}
	}
	p.Status = response.StatusCode
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}

func (c *Client) remember(response *http.Response) {
	if position := response.Header.Get("Dutyline-Position"); position != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.position = position
	}
}

func (c *Client) lastPosition() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.position
}
