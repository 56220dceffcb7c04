package app

import (
	"errors"

	"go.uber.org/zap"

	"github.com/dutyline/dutyline/config"
)

var (
	// ErrConfiguration says that a node cannot be started as it is configured.
	ErrConfiguration = errors.New("the configuration is not valid")
	// ErrUnavailable says that NATS does not answer now.
	ErrUnavailable = errors.New("not available now")
)

// misconfigured makes an error one of the configuration.
func misconfigured(err error) error {
	if err == nil {
		return nil
	}
	return named{err, []error{ErrConfiguration}}
}

// Options are what a node is started with.
type Options struct {
	Config config.Config
	// Standalone starts the parts whose address the configuration does not give: NATS, Redis, the telephone network. Without it they must
	// be configured.
	Standalone bool
	SimListen  string        // standalone: where the simulated telephone network listens
	Speed      float64       // by which the times of the policy are divided, for a demonstration; 0: as they are
	NoSync     bool          // embedded NATS acknowledges before the disk has it: for one test that must see the difference
	Version    string        // of the program, for operators; "": not known
	Logger     *zap.Logger   // nil: none
	Ready      func(Started) // called once, when the node takes requests; nil: nobody wants to know
}

// Started says where a node can be reached.
type Started struct {
	URL        string
	SimURL     string // "" without a simulator
	PhonesURL  string
	NATSURL    string // of NATS in this process; "" when it is outside
	DataDir    string
	ClientFile string // "" in production, which writes none
	Seeded     bool   // an example roster was stored by this start
	Tokens     Tokens // standalone
	Sender     string // standalone: id of the sender whose token is among them
}

// Tokens let the three kinds of user of a standalone node in.
type Tokens struct {
	Sender      string `json:"sender"`
	Officer     string `json:"officer"`
	Coordinator string `json:"coordinator"`
}
