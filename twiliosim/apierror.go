package twiliosim

import (
	"fmt"
	"net/http"

	"github.com/dutyline/dutyline/phonesim"
)

// An apiError is an error of the REST API in the vendor's shape. Codes and statuses are from the vendor's error dictionary.
type apiError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// The codes that this API answers with.
const (
	codeInvalidParameter = 20001
	codeAuthenticate     = 20003
	codeMethodNotAllowed = 20004
	codeNotFinished      = 20009
	codeNotFound         = 20404
	codeTooManyRequests  = 20429
	codeInternal         = 20500
	codeInvalidURL       = 21205
	codeInvalidTo        = 21211
	codeInvalidFrom      = 21212
	codeSameNumbers      = 21266
	codeNoBody           = 21602
	codeNoFrom           = 21603
	codeNoTo             = 21604
	codeNotOwned         = 21606
	codeInvalidCallback  = 21609
	codeBodyTooLong      = 21617
	codeInvalidValidity  = 21624
	codeBadUpdate        = 30400
	codeNotCancelable    = 30409
)

func refuse(status, code int, format string, args ...any) *apiError {
	return &apiError{
		Code: code, Message: fmt.Sprintf(format, args...), Status: status,
		MoreInfo: fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	}
}

func bad(code int, format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, code, format, args...)
}

func (e *apiError) write(w http.ResponseWriter) {
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	phonesim.WriteJSON(w, e.Status, e)
}
