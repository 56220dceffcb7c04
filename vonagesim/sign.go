package vonagesim

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

// authorized checks the token of a call to the Voice interface.
func (s *Simulator) authorized(r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		ApplicationID string `json:"application_id"`
		Iat, Exp      int64
		Jti           string
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decode(parts[0], &header) || !decode(parts[1], &claims) {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := s.now().Unix()
	return header.Alg == "RS256" && rsa.VerifyPKCS1v15(s.opts.PublicKey, crypto.SHA256, sum[:], signature) == nil &&
		claims.ApplicationID == s.opts.ApplicationID && claims.Jti != "" && claims.Iat <= now+5 && claims.Exp > now && claims.Exp-claims.Iat >= 30
}

func decode(part string, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(data, into) == nil
}

// Token is what the vendor signs a webhook about a call with.
func (s *Simulator) Token(body []byte, at time.Time) string {
	sum := sha256.Sum256(body)
	return Token(s.opts.SignatureSecret, map[string]any{
		"iat": at.Unix(), "jti": rand.Text(), "iss": "Vonage", "payload_hash": hex.EncodeToString(sum[:]), "api_key": s.opts.APIKey,
		"application_id": s.opts.ApplicationID,
	})
}

// Token is any claims, signed with a secret.
func Token(secret string, claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Sign signs the members of a webhook about a text, in the order of their names, and adds the signature.
func Sign(secret string, params map[string]string) map[string]string {
	var names []string
	for name := range params {
		if name != "sig" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	mac := hmac.New(sha256.New, []byte(secret))
	for _, name := range names {
		mac.Write([]byte("&" + name + "=" + strings.ReplaceAll(strings.ReplaceAll(params[name], "&", "_"), "=", "_")))
	}
	params["sig"] = strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
	return params
}

// Receipt posts a delivery receipt of a text to the address that the text was sent with, and gives the status of the answer.
func (s *Simulator) Receipt(id, status, code string) (int, error) {
	s.mu.Lock()
	receipt := notice{params: map[string]string{}}
	for _, t := range s.texts {
		if t.ID == id {
			t.Status = status
			receipt = t.receipt(code)
		}
	}
	s.mu.Unlock()
	return s.DeliverText(receipt.address, receipt.params)
}

// A notice is a webhook about a text.
type notice struct {
	address string
	params  map[string]string
}

// receipt is what the vendor posts about a text as it is, with the code of an error, "0" for none.
func (t *Text) receipt(code string) notice {
	return notice{t.Form.Get("callback"), map[string]string{
		"messageId": t.ID, "status": t.Status, "err-code": code, "network-code": "12345", "price": "0.03", "scts": "2001011400",
		"msisdn": t.To, "to": t.From, "client-ref": t.Form.Get("client-ref"),
	}}
}

// Write posts a text that somebody sent.
func (s *Simulator) Write(address, id, from, to, text string) (int, error) {
	return s.DeliverText(address, written(id, from, to, text))
}

// written is what the vendor posts about a text that somebody sent.
func written(id, from, to, text string) map[string]string {
	return map[string]string{"messageId": id, "msisdn": from, "to": to, "text": text, "type": "text", "keyword": "X"}
}

// DeliverText posts a webhook about a text, signed, and gives the status of the answer.
func (s *Simulator) DeliverText(address string, params map[string]string) (int, error) {
	now := s.now()
	params["api-key"], params["message-timestamp"] = s.opts.APIKey, now.Format(time.DateTime)
	params["timestamp"], params["nonce"] = strconv.FormatInt(now.Unix(), 10), rand.Text()
	body, err := json.Marshal(Sign(s.opts.SignatureSecret, params))
	if err != nil {
		return 0, err
	}
	status, _, err := s.post(address, body, "")
	return status, err
}
