package vonage

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// tokenWindow is how far the time of a token may be from now. The vendor makes one for each webhook, and waits for seconds.
	tokenWindow = 5 * time.Minute
	// textWindow is how old a webhook about a text may be: the vendor repeats what nobody took for a day.
	textWindow = 24*time.Hour + tokenWindow
)

// webhookClaims are what the token of a webhook says.
type webhookClaims struct {
	jwt.RegisteredClaims

	PayloadHash   string `json:"payload_hash"`
	APIKey        string `json:"api_key"`
	ApplicationID string `json:"application_id"`
}

// genuine reports whether the vendor signed a webhook about a call: with our secret, now, over this body, for our account and application.
func (c *Client) genuine(r *http.Request, body []byte) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	keys := jwt.VerificationKeySet{}
	for _, secret := range c.secrets {
		keys.Keys = append(keys.Keys, secret)
	}
	var claims webhookClaims
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(c.now)).ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return keys, nil })
	switch {
	case err != nil, claims.IssuedAt == nil, !c.near(claims.IssuedAt.Time, tokenWindow):
		return false
	case claims.APIKey != c.opts.APIKey, claims.ApplicationID != "" && !strings.EqualFold(claims.ApplicationID, c.opts.ApplicationID):
		return false
	}
	return hashes(claims.PayloadHash, body)
}

// near reports whether a time of the vendor's is no longer ago than window, and not in the future but for clocks that differ.
func (c *Client) near(t time.Time, window time.Duration) bool {
	age := c.now().Sub(t)
	return age <= window && age >= -tokenWindow
}

// hashes reports whether a hash is that of a body, as it came or without the blanks between its members: the vendor's description has the
// hash made of the latter.
func hashes(hash string, body []byte) bool {
	want, err := hex.DecodeString(hash)
	if err != nil {
		return false
	}
	is := func(data []byte) bool {
		sum := sha256.Sum256(data)
		return hmac.Equal(sum[:], want)
	}
	var compact bytes.Buffer
	return is(body) || (json.Compact(&compact, body) == nil && is(compact.Bytes()))
}

// genuineText reads a webhook about a text that the vendor signed over its members: with our secret, lately, for our account. The signature
// is SHA-256 HMAC; the vendor's other methods are refused.
func (c *Client) genuineText(body []byte) (params map[string]string, err error) {
	params, err = flat(body)
	if err != nil {
		return nil, err
	}
	signature, err := hex.DecodeString(params["sig"])
	if err != nil {
		return nil, errors.New("the signature is not hexadecimal")
	}
	delete(params, "sig")
	if !slices.ContainsFunc(c.secrets, func(secret []byte) bool { return hmac.Equal(signature, textSignature(secret, params)) }) {
		return nil, errors.New("the signature is not valid")
	}
	seconds, err := strconv.ParseInt(params["timestamp"], 10, 64)
	if err != nil || !c.near(time.Unix(seconds, 0), textWindow) {
		return nil, errors.New("it is too old, or from the future")
	}
	if params["api-key"] != c.opts.APIKey {
		return nil, errors.New("it is another account's")
	}
	return params, nil
}

// flat reads an object of single values.
func flat(body []byte) (map[string]string, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, errors.New("it is no object")
	}
	params := map[string]string{}
	for name, raw := range members {
		text := ""
		switch {
		case raw[0] == '{' || raw[0] == '[':
			return nil, errors.New("a member is no single value")
		case json.Unmarshal(raw, &text) != nil:
			text = string(raw) // a number, true or false
		}
		params[name] = text
	}
	return params, nil
}

// untold replaces what separates the members in a signature.
var untold = strings.NewReplacer("&", "_", "=", "_")

// textSignature is the vendor's: over the members in the order of their names, with their separators taken out of their values
// (https://developer.vonage.com/en/getting-started/concepts/signing-messages).
func textSignature(secret []byte, params map[string]string) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		mac.Write([]byte("&" + name + "=" + untold.Replace(params[name])))
	}
	return mac.Sum(nil)
}

// mark is our own signature of an address that a call is given, since the vendor's token covers the body alone. It is made with the secret
// that all nodes have.
func mark(secret []byte, path string, query url.Values) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("address of a call: " + path + "?" + query.Encode()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// marked reports whether an address is one that we gave, and takes the mark off its query.
func (c *Client) marked(path string, query url.Values) bool {
	given := []byte(query.Get("mark"))
	query.Del("mark")
	return slices.ContainsFunc(c.secrets, func(secret []byte) bool { return hmac.Equal(given, []byte(mark(secret, path, query))) })
}

// rememberedWebhooks is how many webhooks are known again when they are repeated.
const rememberedWebhooks = 1024

// taken remembers how webhooks were answered that were taken. The zero value remembers none. It is safe for concurrent use.
type taken struct {
	mu       sync.Mutex
	webhooks map[[sha256.Size]byte]webhook
	oldest   [][sha256.Size]byte // in the order in which they are forgotten
}

// A webhook that was taken.
type webhook struct {
	address string // path and query
	answer  answer
}

// digest tells what was signed from all else: a token and a body.
func digest(r *http.Request, body []byte) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat([]byte(r.Header.Get("Authorization")), []byte{0}, body))
}

// before gives what was signed when it came for the first time.
func (t *taken) before(id [sha256.Size]byte) (webhook, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first, ok := t.webhooks[id]
	return first, ok
}

// keep remembers a webhook; of one that was not taken, nothing.
func (t *taken) keep(id [sha256.Size]byte, w webhook) {
	if w.answer.status >= 300 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.webhooks == nil {
		t.webhooks = map[[sha256.Size]byte]webhook{}
	}
	if _, known := t.webhooks[id]; known {
		return
	}
	if len(t.oldest) == rememberedWebhooks {
		delete(t.webhooks, t.oldest[0])
		t.oldest = t.oldest[1:]
	}
	t.webhooks[id] = w
	t.oldest = append(t.oldest, id)
}
