package app

import (
	"time"

	"go.uber.org/zap"
)

// cleanups end what a start has begun, in reverse order.
type cleanups struct {
	log  *zap.Logger
	list []cleanup
}

type cleanup struct {
	name string
	end  func()
}

func (c *cleanups) push(name string, end func()) { c.list = append(c.list, cleanup{name, end}) }

func (c *cleanups) run() {
	for len(c.list) > 0 {
		last := c.list[len(c.list)-1]
		c.list = c.list[:len(c.list)-1]
		begin := time.Now()
		last.end()
		c.log.Debug("ended", zap.String("part", last.name), zap.Duration("took", time.Since(begin)))
	}
}
