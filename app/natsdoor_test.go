package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/dutyline/dutyline/directory"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/natsdoor"
	"github.com/dutyline/dutyline/request"
)

// A door that cannot be made, or does not open, must not keep the node from paging: it is tried again.
func TestADoorThatDoesNotOpenIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := eventlogtest.Start(t)
		core, logs := observer.New(zap.InfoLevel)
		tries := 0
		d := openLater(zap.New(core), func() (*natsdoor.Door, error) {
			if tries++; tries <= 2 {
				return nil, errors.New("NATS takes no more connections")
			}
			nc, err := server.Connect()
			if err != nil {
				t.Fatal(err)
			}
			if tries == 3 { // one that does not open
				nc.Close()
			}
			return natsdoor.New(natsdoor.Options{
				Conn: nc, Intake: intake.New(intake.Options{}), Directory: directory.New(nil), Now: time.Now,
				WaitFor: func(context.Context, uint64) error { return nil },
			})
		})
		d.Open()
		d.StatusChanged(&request.State{Sender: "s1"}) // nobody to tell it
		nc, err := server.Connect()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		info := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := nc.RequestWithContext(ctx, "$SRV.INFO.dutyline", nil)
			return err
		}
		if info() == nil {
			t.Fatal("there is a door already")
		}
		time.Sleep(3 * doorPause)
		synctest.Wait()
		if err := info(); err != nil || tries != 4 {
			t.Errorf("after %d tries: %v", tries, err)
		}
		if n := logs.FilterMessageSnippet("cannot be served").Len(); n != 3-1 {
			t.Errorf("%d failures were told", n)
		}
		d.door.Load().Conn.Close() // draining shares timers with other bubbles
		d.Close()
	})
}

func TestADoorThatNeverOpensHoldsUpNoShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openLater(zap.NewNop(), func() (*natsdoor.Door, error) { return nil, errors.New("no") })
		d.Open()
		time.Sleep(5 * doorPause)
		began := time.Now()
		d.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("the end took %s", took)
		}
	})
}
