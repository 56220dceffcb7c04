package e2e

import (
	"errors"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestFlushedRedisLosesNothing empties a real Redis under a running node: keys go on to work, and people go on to be paged.
func TestFlushedRedisLosesNothing(t *testing.T) {
	url := os.Getenv("DUTYLINE_TEST_REDIS")
	if url == "" {
		t.Skip("SKIPPED: DUTYLINE_TEST_REDIS names no redis-server; CI runs this")
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	server := redis.NewClient(options)
	defer func() { _ = server.Close() }()
	if err := server.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	d := newDeploymentWith(t, "DUTYLINE_REDIS_URL="+url)
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
