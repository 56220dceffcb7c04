package twiliosim

import (
	"net/http"
	"time"
)

func (s *Simulator) fetchMessage(r *http.Request, sid string) (int, any, *apiError) {
	s.net.Lock()
	defer s.net.Unlock()
	m := s.message(sid)
	if m == nil {
		return 0, nil, notFound(r)
	}
	return http.StatusOK, s.represent(m), nil
}

// updateMessage cancels a text that the carrier has not taken yet, or redacts one that it has.
func (s *Simulator) updateMessage(r *http.Request, sid string) (int, any, *apiError) {
	cancel, redact := r.PostForm.Has("Status"), r.PostForm.Has("Body")
	switch {
	case cancel == redact:
		return 0, nil, bad(codeBadUpdate, "Either Status or Body is required, and not both.")
	case cancel && r.PostForm.Get("Status") != string(StatusCanceled):
		return 0, nil, bad(codeBadUpdate, "The Status of a message can only become canceled.")
	case redact && r.PostForm.Get("Body") != "":
		return 0, nil, bad(codeBadUpdate, "The Body of a message can only become empty.")
	}
	s.net.Lock()
	defer s.net.Unlock()
	m := s.message(sid)
	switch {
	case m == nil:
		return 0, nil, notFound(r)
	case cancel && !m.waiting():
		return 0, nil, refuse(http.StatusConflict, codeNotCancelable, "This message cannot be canceled")
	case cancel:
		m.EndedAt = time.Now().UTC()
		s.stats.Failed++
		s.move(m, StatusCanceled, 0)
	case m.waiting():
		return 0, nil, refuse(http.StatusConflict, codeNotFinished, "Cannot redact this resource before it is complete")
	default:
		m.Body, m.updated = "", time.Now().UTC()
		s.net.Changed()
	}
	return http.StatusOK, s.represent(m), nil
}

func (s *Simulator) deleteMessage(r *http.Request, sid string) (int, any, *apiError) {
	s.net.Lock()
	defer s.net.Unlock()
	m := s.message(sid)
	switch {
	case m == nil:
		return 0, nil, notFound(r)
	case m.waiting():
		return 0, nil, refuse(http.StatusConflict, codeNotFinished, "Cannot delete this resource before it is complete")
	}
	m.deleted = true
	return http.StatusNoContent, nil, nil
}
