package e2e

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/dutyline/dutyline/roster/served/servedtest"
)

// TestFlushedRedisLosesNothing empties a real Redis under a running node: keys go on to work, and people go on to be paged.
func TestFlushedRedisLosesNothing(t *testing.T) {
	own := servedtest.Start(t)
	server := redis.NewClient(&redis.Options{Addr: own.Addr})
	defer func() { _ = server.Close() }()
	d := newDeploymentWith(t, "DUTYLINE_REDIS_URL="+own.URL())
	if n := server.DBSize(t.Context()).Val(); n == 0 {
		t.Fatal("the node does not use this Redis")
	}
	accepted := map[string]string{"flushed": d.raiseSurely("flushed")}
	d.awaitText(accepted["flushed"])
	if err := server.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	accepted["after"] = d.raiseSurely("after")
	d.awaitText(accepted["after"])
	d.check(accepted)
	eventually(t, "the roster is back in Redis", func() error {
		if server.Exists(t.Context(), "dutyline:roster:document").Val() != 1 {
			return errors.New("it is not there")
		}
		return nil
	})
}
