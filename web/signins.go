package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxFailures is how many wrong tokens an address may send in a minute before it is told to wait.
const maxFailures = 20

// SignIns counts failed sign-ins by remote address and minute, in Redis for all nodes together and in memory while Redis is away. It only
// ever slows those who fail: a valid token is accepted whatever the count, so that nobody can lock an officer out.
type SignIns struct {
	client redis.UniversalClient
	now    func() time.Time

	mu     sync.Mutex
	minute int64
	local  map[string]int64
}

// NewSignIns makes a counter. Without a client it counts in memory only. See [NewRedisSessions] for what the client should be.
func NewSignIns(client redis.UniversalClient, now func() time.Time) *SignIns {
	return &SignIns{client: client, now: now, local: map[string]int64{}}
}

// Failed counts one failure; tooMany says that the address is over the limit, and wait for how long.
func (s *SignIns) Failed(ctx context.Context, remote string) (wait time.Duration, tooMany bool) {
	now := s.now()
	minute := now.Unix() / 60
	address := network(remote)
	count := max(s.inMemory(minute, address), s.inRedis(ctx, minute, address))
	return time.Unix((minute+1)*60, 0).Sub(now), count > maxFailures
}

func (s *SignIns) inMemory(minute int64, address string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.minute != minute {
		s.minute = minute
		clear(s.local)
	}
	s.local[address]++
	return s.local[address]
}

func (s *SignIns) inRedis(ctx context.Context, minute int64, address string) int64 {
	if s.client == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	sum := sha256.Sum256([]byte(address))
	key := "dutyline:failed:" + strconv.FormatInt(minute, 10) + ":" + hex.EncodeToString(sum[:8])
	pipe := s.client.Pipeline()
	count := pipe.Incr(ctx, key)
	pipe.Expire(ctx, key, 2*time.Minute)
	if _, err := pipe.Exec(ctx); err != nil {
		return 0 // the memory counts
	}
	return count.Val()
}

// network is what counts as one address: an IPv4 address, or the /64 that one IPv6 subscriber has.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is4() {
		return address.String()
	}
	prefix, err := address.WithZone("").Prefix(64)
	if err != nil {
		return address.String()
	}
	return prefix.String()
}
