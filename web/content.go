package web

import (
	"context"
	"errors"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
)

// open reads the content for somebody who may. An officer's reading is stored before anything is shown; when it cannot be stored, nothing
// is shown.
func (s *Server) open(ctx context.Context, ref request.Ref, who caller) (*request.State, request.SealedContent, error) {
	state, err := s.States.State(ctx, ref)
	if err != nil {
		return nil, request.SealedContent{}, err
	}
	if !state.Exists() || ref.IsOps() { // an alarm has no content, and nobody opens it
		return nil, request.SealedContent{}, ErrNotFound
	}
	if state.Erased {
		return state, request.SealedContent{}, nil
	}
	if who.Role == directory.RoleOfficer {
		if err := s.Officer.Opened(ctx, ref, who.Subject); err != nil {
			return nil, request.SealedContent{}, err
		}
	}
	sealed, err := s.Intake.Content(ctx, ref)
	if errors.Is(err, intake.ErrErased) { // between the two reads
		state = state.Clone()
		state.Erased = true
		return state, request.SealedContent{}, nil
	}
	if err != nil {
		return nil, request.SealedContent{}, err
	}
	return state, sealed, nil
}
