package natsdoor

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/request"
)

// backlog is how many changes may wait to be told; beyond it the oldest is dropped: who misses one asks.
const backlog = 4096

// StatusChanged tells a sender where the request stands now. It returns at once; the state must not be changed afterwards.
func (d *Door) StatusChanged(s *request.State) {
	if s.Sender == "" { // an alarm, or whatever else no sender raised
		return
	}
	for {
		select {
		case d.statuses <- s:
			return
		default:
		}
		select {
		case <-d.statuses:
			d.Logger.Warn("a status was not told over NATS: too many changed at once")
		default:
		}
	}
}

// tell publishes until the door closes, and then what is left.
func (d *Door) tell() {
	for {
		select {
		case s := <-d.statuses:
			d.publish(s)
		case <-d.end:
			for {
				select {
				case s := <-d.statuses:
					d.publish(s)
				default:
					return
				}
			}
		}
	}
}

// publish leaves the warnings out: they quote the sender, and are for whoever asks.
func (d *Door) publish(s *request.State) {
	receipt := s.Receipt(nil)
	data, err := json.Marshal(receipt)
	if err == nil {
		err = d.Conn.PublishMsg(&nats.Msg{
			Subject: statusSubject(s.Sender, receipt.Reference), Data: data,
			Header: nats.Header{
				"Content-Type": {door.TypeJSON}, door.VersionHeader: {door.FormatVersion(receipt.Version)},
				nats.MsgIdHdr: {fmt.Sprintf("%s.%d", receipt.Reference, receipt.Version)}, // for a sender who keeps them in a stream
			},
		})
	}
	if err != nil {
		d.Logger.Warn("a status could not be told over NATS", zap.Error(err))
	}
}
