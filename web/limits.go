package web

import (
	"cmp"
	"net"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

const (
	// maxBuckets bounds the memory of limits, whoever comes: who is forgotten
	// begins with a full bucket.
	maxBuckets = 100_000

	// defaultRate is how much a person may ask of one node, in requests and live
	// commands a second. Four seconds of it may come at once.
	defaultRate = 100

	// Of one address, which may be a proxy with many people behind it: how often
	// somebody may begin to log in, or show a token that is none.
	loginRate  = 10
	loginBurst = 50
)

// limits are buckets of tokens, one for each who asks.
type limits struct {
	mu      sync.Mutex
	buckets *lru.LRU[string, *rate.Limiter]
	rate    rate.Limit
	burst   int
	now     func() time.Time
}

func newLimits(perSecond, burst int, now func() time.Time) *limits {
	buckets, err := lru.NewLRU[string, *rate.Limiter](maxBuckets, nil)
	if err != nil {
		panic(err) // the size is constant
	}
	return &limits{buckets: buckets, rate: rate.Limit(perSecond), burst: burst, now: now}
}

// allow takes one token of key, if there is one.
func (l *limits) allow(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(l.rate, l.burst)
		l.buckets.Add(key, bucket)
	}
	return bucket.AllowN(l.now(), 1)
}

// limitPeople sets up who may ask how much, where people are known.
func (s *Server) limitPeople(perSecond int) {
	perSecond = cmp.Or(perSecond, defaultRate)
	clock := func() time.Time { return s.now() }
	s.people, s.strangers = newLimits(perSecond, 4*perSecond, clock), newLimits(loginRate, loginBurst, clock)
}

// addressOf is where a request comes from, without the port.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func tooMany() *Problem {
	return newProblem(codeTooManyRequests, "Wait a moment, then go on more slowly.")
}
