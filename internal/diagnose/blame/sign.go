package blame

import (
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// Weight is how much a sign says.
type Weight int

// The weights: that something is wrong; which resource it is about; what
// exactly broke.
const (
	Symptom   Weight = 1
	Resource  Weight = 2
	Mechanism Weight = 3
)

// Sign is a class that something observed speaks of.
type Sign struct {
	Class  pitwall.Bottleneck
	Weight Weight
	Word   string // what in it says so
}

// trend is which way a metric must move to be a sign.
type trend int

const (
	either trend = iota
	up
	down
)

// metricSign is one row of the vocabulary of metric names.
type metricSign struct {
	class  pitwall.Bottleneck
	weight Weight
	moves  trend
	names  []string // alternatives, each a set of words
}

// metricSigns is how metrics are commonly called, by OpenTelemetry's
// conventions, Prometheus exporters and cloud providers. The first row that
// fits holds; read-only.
var metricSigns = []metricSign{
	{cert, Mechanism, down, []string{"cert* expir*", "cert* expiry", "cert* days", "tls* expir*", "ssl* expir*", "cert* remaining", "cert* valid*", "cert* not after"}},
	{cert, Mechanism, up, []string{"tls* handshake err*", "tls* fail*", "ssl* fail*", "x509", "cert* err*", "handshake fail*"}},
	{dns, Mechanism, up, []string{"dns*", "coredns*", "resol* err*", "resol* fail*", "lookup dns", "nxdomain", "servfail", "name resol*"}},
	{node, Mechanism, up, []string{"steal*", "node pressure", "node load*", "psi", "host cpu", "node cpu", "node disk*", "node io*", "node memory", "node net*", "neighbo*", "host load*", "cotenant*", "co tenant*"}},
	{cache, Mechanism, up, []string{"evict*", "cache miss*", "keyspace miss*", "cache expired"}},
	{cache, Mechanism, down, []string{"cache hit*", "hit ratio", "hit rate", "keyspace hit*", "cache entries", "cache items", "cache size"}},
	{pool, Mechanism, up, []string{"pool wait*", "pool pending", "pool acquire*", "conn* wait*", "conn* acquire*", "wait* conn*", "pool timeout*", "pool exhaust*", "conn* pending", "checkout wait"}},
	{pool, Resource, up, []string{"pool use*", "pool in use", "pool active", "pool usage", "pool busy", "pool*", "conn* in use", "active conn*", "conn* active", "executor queue*", "thread* queue*", "worker* queue*", "busy worker*", "pending thread*", "open conn*", "db conn*"}},
	{pool, Resource, down, []string{"executor active*", "pool max*", "pool size", "active thread*", "max conn*", "idle conn*", "pool idle", "worker* available", "pool available", "free conn*"}},
	{alloc, Mechanism, up, []string{"gc pause*", "gc*", "garbage*", "oom*", "out of memory"}},
	{cpu, Mechanism, up, []string{"throttl*cpu", "cpu throttl*", "throttled periods", "cfs throttl*", "cpu* throttl*", "container throttl*"}},
	{lock, Mechanism, up, []string{"mutex*", "lock wait*", "deadlock*", "lock*", "contention", "contended", "row lock*", "blocked quer*", "latch*"}},
	{cold, Mechanism, up, []string{"cold start*", "init duration", "startup*", "warmup*", "cold*"}},
	{capa, Mechanism, up, []string{"disk use*", "disk full*", "disk usage", "disk*used", "volume use*", "filesystem use*", "inode*", "disk util*", "fs use*", "storage use*", "disk space used"}},
	{capa, Mechanism, down, []string{"disk free", "disk avail*", "filesystem avail*", "free storage", "free disk*", "volume avail*", "storage free", "free space"}},
	{capa, Resource, up, []string{"fd*", "file desc*", "open files", "limit exceed*", "quota*", "ratelimit*", "rate limit*", "throttl*", "too many", "rejected*", "shed*", "saturation", "utili*", "capacity*"}},
	{capa, Resource, down, []string{"replicas*", "instances*", "pods ready", "available replicas", "ready*", "healthy hosts", "tokens", "credit*", "remaining*"}},
	{badin, Mechanism, up, []string{"valid* err*", "valid* fail*", "invalid*", "malformed*", "parse err*", "parse fail*", "parse*", "decode err*", "decode fail*", "deserial*", "dead letter*", "dlq*", "poison*", "reject* record*", "schema viol*", "bad request*", "unprocessable"}},
	{exce, Resource, up, []string{"panic*", "exception*", "crash*", "unhandled*", "uncaught*", "fatal*", "segfault*", "abort*", "assert*"}},
	{netw, Mechanism, up, []string{"retrans*", "packet loss", "packet* drop*", "drop* packet*", "loss", "conntrack*", "jitter", "rtt*", "net* err*", "ping*", "interface err*", "time wait", "tcp reset*"}},
	{netw, Resource, up, []string{"tcp*", "conn* opened", "new conn*", "conn* refused", "conn* reset*", "conn* err*", "net*", "egress*", "ingress*", "bandwidth*", "handshake*"}},
	{depn, Mechanism, up, []string{"circuit*", "breaker*"}},
	{depn, Resource, up, []string{"retries", "retry*", "upstream*", "outbound*", "external*", "dependen*", "provider*", "client timeout*", "timeouts", "timeout*", "thirdparty", "third party", "downstream*"}},
	{alloc, Resource, up, []string{"heap*", "memory*", "mem", "rss*", "working set", "alloc*", "resident*", "goroutine*", "live objects", "old gen*"}},
	{capa, Resource, up, []string{"lag*", "consumer lag", "backlog*", "queue*", "pending*", "unacked", "oldest message", "inflight", "in flight", "buffer use*", "buffer*", "message* age", "records behind", "watermark*"}},
	{iodb, Resource, up, []string{"quer* seconds", "quer* duration", "quer* latency", "quer* time", "slow quer*", "rows read", "rows scan*", "rows exam*", "seq scan*", "full scan*", "table scan*", "statement*", "sql*", "db latency*", "db dur*", "db quer* p*", "scan*", "replication*", "replica lag", "db time", "database*", "iops*", "disk read*", "disk write*", "io wait", "iowait"}},
	{nplus, Resource, up, []string{"queries per*", "db queries*", "queries*", "db calls*", "statements per*", "query count*", "calls per request", "fanout", "fan out"}},
	{payl, Resource, up, []string{"response byte*", "body size", "response size", "payload*", "bytes per*", "message size", "request size", "request byte*", "body byte*", "content length", "serializ*", "size byte*"}},
	{iodb, Resource, up, []string{"db cpu", "database cpu", "db*"}},
	{cpu, Resource, up, []string{"cpu*", "processor*", "compute*", "on cpu", "load average", "run queue"}},
	{capa, Resource, up, []string{"restart*", "evicted pods", "not ready", "unready"}},
	{traf, Symptom, up, []string{"requests", "request* rate", "rps", "qps", "req* per*", "hits", "sessions", "active users", "traffic*", "calls"}},
	{erro, Symptom, up, []string{"err*", "fail*", "http status", "5xx", "unavailab*", "abandon*"}},
	{erro, Symptom, down, []string{"availab*", "success*", "throughput*", "processed*", "completed*"}},
	{late, Symptom, up, []string{"latency*", "duration*", "response time*", "seconds*", "ms", "slow*", "delay*"}},
}

// MetricSigns gives the class that a moved metric speaks of; none when its name
// says nothing, or it moved the good way.
func MetricSigns(metric string, rose bool) []Sign {
	words := MetricWords(metric)
	for _, m := range metricSigns {
		if m.moves == up && !rose || m.moves == down && rose {
			continue
		}
		if i := slices.IndexFunc(m.names, func(n string) bool { return has(words, n) }); i >= 0 {
			return []Sign{{m.class, m.weight, metric}}
		}
	}
	return nil
}

// MetricWords are the words of a metric's name, numbers such as 429 kept.
func MetricWords(metric string) []string {
	words := Words(metric)
	for _, w := range strings.FieldsFunc(metric, func(r rune) bool { return r == '_' || r == '.' || r == '-' || r == '/' }) {
		if w = strings.ToLower(w); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}
