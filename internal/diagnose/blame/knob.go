package blame

// knob is a number, a word or an address that somebody may turn. Alternatives
// are sets of words that the name must hold.
type knob struct {
	kind  Kind
	names []string
}

// knobs says which names belong to which kind; the first row that fits holds,
// so what is special stands before what is general; read-only.
var knobs = []knob{
	{Secret, []string{"token ttl", "token expir*", "token life*", "session ttl", "session expir*", "jwt*", "cookie age"}},
	{Partition, []string{"partition key", "partition* by", "shard key", "message key", "msg key", "routing key", "hash key", "partitioner", "distkey"}},
	{Backoff, []string{"backoff*", "retry delay", "retry interval", "retry wait", "retry pause", "jitter"}},
	{PoolIdle, []string{"idle time*", "idle conn*", "max idle", "min idle", "idle max", "max lifetime", "conn* lifetime", "health check", "validation query"}},
	{Timeout, []string{"timeout*", "deadline*", "time out", "timeoutms", "ttfb", "max wait", "maxwait"}},
	{Retry, []string{"retry", "retries", "attempt*", "redeliver*"}},
	{KeepAlive, []string{"keep alive*", "keepalive*"}},
	{RateLimit, []string{"rate limit*", "ratelimit*", "throttl*", "quota*", "burst", "qps", "rps", "requests per", "per second", "limiter"}},
	{Pool, []string{"max conn*", "pool size", "pool max", "max pool", "max open", "max active", "conn* limit", "open conn*", "pool*", "maxconn*", "poolsize"}},
	{Concurrency, []string{"thread*", "worker*", "concurren*", "parallel*", "flight", "maxprocs", "gomaxprocs", "semaphore*", "processes", "consumers", "executor*"}},
	{Memory, []string{"xmx", "heap*", "gomemlimit", "memory limit", "mem limit", "limits memory", "memory", "old space", "gogc", "mem"}},
	{Cache, []string{"cache*", "maxmemory", "evict*", "ttl*", "stale*", "memo*", "lru"}},
	{Batch, []string{"batch*", "chunk*", "bulk*", "poll records", "fetch size", "page size", "prefetch*", "per page", "group size"}},
	{Retention, []string{"retention*", "retain*", "rotate*", "rotation*", "max backups", "keep days", "keep", "compaction*", "archive*", "cleanup*"}},
	{LogVolume, []string{"log level", "logging level", "logger level", "log* verbos*", "verbos*", "sample rate", "sampl*", "trace ratio", "log*", "rust log"}},
	{Replicas, []string{"replica*", "instances", "desired count", "min capacity", "max capacity", "autoscal*", "hpa", "surge", "unavailable"}},
	{CPU, []string{"cpu*", "millicores", "vcpu*"}},
	{Queue, []string{"queue*", "buffer*", "backlog*", "accept count", "channel size", "inflight bytes"}},
	{Disk, []string{"disk*", "volume size", "storage*", "allocated storage", "pvc"}},
	{HashCost, []string{"bcrypt*", "rounds", "cost factor", "iterations", "pbkdf*", "scrypt*", "argon*", "hash cost"}},
	{TLS, []string{"tls*", "ssl*", "cert*", "ca bundle", "cipher*", "mtls", "truststore", "keystore", "insecure skip verify"}},
	{DNS, []string{"dns*", "ndots", "resolver*", "nameserver*", "coredns", "search domain*"}},
	{Secret, []string{"secret*", "password*", "passwd", "credential*", "api key", "apikey", "access key", "private key", "token", "client id"}},
	{Address, []string{"url*", "uri*", "host*", "hostname", "endpoint*", "addr*", "port", "dsn", "broker*", "bootstrap servers", "bucket", "region", "upstream*", "jdbc"}},
	{Warmup, []string{"warm*", "preload*", "prewarm*"}},
	{Interval, []string{"interval*", "period", "every", "poll*", "schedule", "cron", "refresh*", "frequency", "linger*"}},
	{Threshold, []string{"max size", "max length", "max body", "body size", "size limit", "max depth", "max bytes", "limit*", "max*", "min*", "threshold*", "cap"}},
	{Fields, []string{"include*", "expand*", "embed*", "fields", "projection", "columns", "detail*"}},
	{Switch, []string{"enable*", "disable*", "feature*", "flag*", "toggle*", "strict*", "mode"}},
}

// knobOf names the kind of a knob: by its own name before those of what it
// stands below, so that "timeout" below "pool" is a timeout. "" when it is
// nothing known.
func knobOf(name string, parents ...string) Kind {
	own := Words(name)
	for _, k := range knobs {
		if hasAny(own, k.names) {
			// A size, a level or a limit is one of what it stands below.
			if k.kind != Threshold && k.kind != Switch || len(parents) == 0 {
				return k.kind
			}
			if above := knobOf(parents[0], parents[1:]...); above != "" {
				return above
			}
			return k.kind
		}
	}
	for i, p := range parents {
		if i > 2 {
			break
		}
		words := append(Words(p), own...)
		for _, k := range knobs {
			if hasAny(words, k.names) {
				return k.kind
			}
		}
	}
	return ""
}
