package blame

import (
	"regexp"

	"github.com/pitwall/pitwall"
)

// phrase is one way in which runtimes, databases, clouds and libraries say what
// is wrong.
type phrase struct {
	class  pitwall.Bottleneck
	weight Weight
	text   *regexp.Regexp
}

func says(c pitwall.Bottleneck, w Weight, text string) phrase {
	return phrase{c, w, regexp.MustCompile("(?i)" + text)}
}

// phrases are messages as Go, the JVM, Python, Node, .NET, the common databases,
// brokers, proxies and clouds write them. A line may say several things; every
// row that fits counts; read-only.
var phrases = []phrase{
	says(cert, Mechanism, `certificate (has|is) expired|cert\w* expired|certificate is not (yet )?valid|x509:|pkix path|certificate verify failed|certificate_verify_failed|sslhandshake|tls handshake (fail|err)|handshake failure|unable to verify the first certificate|self.signed certificate|unknown authority|bad certificate`),
	says(dns, Mechanism, `no such host|name or service not known|nxdomain|servfail|eai_again|enotfound|getaddrinfo|unknownhostexception|temporary failure in name resolution|name resolution|could not resolve|cannot resolve|failed to resolve|server misbehaving|dial tcp: lookup|\blookup [\w.-]+ on [\d.]+|\bdns\b`),

	says(pool, Mechanism, `pool (is )?(exhausted|full|timed out)|pool.{0,40}(exhaust|timed? ?out|limit|depleted)|acquir\w+ (a )?(db |database )?conn\w*|connection is not available|waiting for (a |an )?(idle |free )?(connection|worker|thread)|timeout (waiting for|acquiring)|too many (clients|connections)|remaining connection slots|max_connections|connection limit|rejectedexecution|thread pool|queuepool|no (free|available) (connection|worker|thread)s?|hikari|connections? in use`),
	says(capa, Mechanism, `no space left|enospc|disk (is )?full|disk quota|read-only file ?system|out of inodes|volume (is )?full|low disk|disk.?pressure|too many open files|emfile|cannot allocate memory|resource ?exhausted|quota exceeded|limit ?exceeded|insufficient capacity|insufficientinstancecapacity|provisionedthroughputexceeded|over capacity|at capacity|no (healthy|available) (upstream|endpoints|instances)|unschedulable|insufficient (cpu|memory)`),
	says(capa, Resource, `rate limit|too many requests|\b429\b|throttl|queue (is )?full|backlog|buffer (is )?full|overload|overflow|backpressure|load shed|request queued|consumer lag|lagging|records behind|max payload|exceeds (the )?limit`),
	says(alloc, Mechanism, `out ?of ?memory|oomkill|oom.?kill|\boom\b|java heap space|gc overhead|heap (out of memory|limit|exhaust)|allocation fail|memory limit|exit code 137|signal: killed|to-space exhausted|full gc|stop.the.world|gc pause|memoryerror|cannot allocate`),
	says(lock, Mechanism, `deadlock|lock (wait )?timeout|could not obtain lock|lock contention|waiting for (a |the )?lock|database is locked|lock not available|blocked by|lock wait`),
	says(cache, Mechanism, `cache miss|evict|cache (is )?(cold|empty|disabled|stampede|full)|miss storm|not found in cache|cache rebuild|hit rate`),
	says(badin, Mechanism, `validation (error|fail)|failed validation|(field|value|column|parameter|latitude|'[^']+'|"[^"]+") (is )?out of range|malformed|invalid (utf|json|xml|character|syntax|token|format|input|value|payload|record|message|coordinate|timestamp|schema|request body|byte|encoding)|unexpected (token|end of|character)|parse error|parsing (error|fail)|failed to parse|cannot parse|unmarshal|deseriali[sz]|decode (error|fail)|could not decode|schema (violation|mismatch|validation)|poison|corrupt|dead.?letter|bad request|unprocessable|rejected? (row|record|message)|(row|record|message) rejected|same offset|redeliver`),
	says(exce, Mechanism, `nil pointer|null ?pointer|nullreference|nonetype|undefined is not|cannot read propert|undefined \(reading|is not a function|attributeerror|keyerror|typeerror|indexerror|valueerror|classcast|nosuchmethod|noclassdef|classnotfound|invaliddefinition|index out of (range|bounds)|segmentation fault|sigsegv|unhandled|uncaught|division by zero|assertion|illegalargument|illegalstate|stack ?overflow|unsupported ?operation|nameerror|unboundlocal|invalid memory address|array index`),
	says(exce, Resource, `\bpanic|exception\b|traceback|crash|stack trace|fatal error|not (found|registered|initiali[sz]ed|supported)|no (handler|provider|bean|route) (for|found)|missing (required|field|column|key|config)|undefined (method|column|table)|unknown (column|field|method|table)|does not exist|incompatible|failed to start`),
	says(conf, Mechanism, `authentication failed|invalid (api )?key|access denied|unauthori[sz]ed|permission denied|invalid credential|invalid_client|token (has )?expired|signature (does not|mismatch)|\b401\b|\b403\b|forbidden|password|missing environment|config(uration)? (error|invalid|missing)|unknown (flag|option|setting|key)|invalid configuration`),
	says(iodb, Mechanism, `slow (query|statement|sql)|statement timeout|query (timeout|timed out|cancel|took)|seq(uential)? scan|full (table )?scan|canceling statement|duration: .*(statement|select|update|insert|delete)|lost connection to (mysql|database)|replication lag|table scan|missing index|deadline.*\b(select|update|insert)\b`),
	says(iodb, Resource, `\bsql\b|\bselect\b.+\bfrom\b|database|postgres|mysql|mongo|dynamodb|cassandra|\bdb\b`),
	says(nplus, Mechanism, `n\+1|queries (in|per) (one |a single )?(request|page)|repeated (query|queries|statement)|same query|\d+ queries`),
	says(netw, Mechanism, `packet loss|retransmi|network (is )?unreachable|no route to host|cannot assign requested address|mtu|connection (was )?reset|econnreset|broken pipe|epipe|socket hang up|connection aborted`),
	says(netw, Resource, `connection refused|econnrefused|connect(ion)? (timed out|timeout)|etimedout|dial tcp|handshake|socket|network`),
	says(node, Mechanism, `steal|noisy neighbo|node (pressure|not ?ready|is under)|load average|co-?tenant|cpu pressure|node .*(overcommit|saturat)|i/?o pressure`),
	says(upst, Mechanism, `(provider|vendor|third.party|region|partner|external api|gateway) .{0,40}(outage|degrad|incident|down\b|unavailable)|status page|service: amazon|slowdown: please|service unavailable.*(s3|amazon|azure|gcp|google|stripe|twilio|sendgrid|openai|github)|(s3|amazon|azure|gcp|google|stripe|twilio|sendgrid|openai|bedrock|anthropic|github|okta|auth0|datadog|snowflake|salesforce)\b.{0,60}(\b50\d\b|unavailable|internal error|timed? ?out|timeout|overloaded|outage|failed|degraded)`),
	says(depn, Resource, `deadline ?exceeded|context deadline|upstream|downstream|circuit (breaker )?open|bad gateway|\b50[234]\b|service unavailable|gateway timeout|timed out (calling|waiting)|retr(y|ies|ying)|did not answer|unavailable`),
	says(payl, Mechanism, `payload too large|entity too large|body (is )?too large|message (is )?too (large|long|big)|response (is )?too large|exceeds (the )?max(imum)? (size|message)|received message larger|max(imum)? frame`),
	says(payl, Resource, `response of .*(kb|mb|bytes)|large (response|payload|body)|serializ\w+ took`),
	says(cold, Mechanism, `cold start|init duration|warming up|jit|class loading|starting up|lazy.?init|first request`),
	says(cpu, Mechanism, `cpu throttl|cpu limit|event loop (lag|blocked)|blocked for \d+|backtrack|regex(p)? timeout|busy loop|cpu (is )?(saturat|exhaust|at 100|100)|catastrophic`),
	says(traf, Resource, `traffic (spike|surge)|flash (sale|crowd)|surge|campaign|unusual traffic|request spike`),
	says(late, Symptom, `slow|took [^ ]*\d|latency|timed? ?out|timeout`),
	says(erro, Symptom, `error|fail|\b500\b|abort|reject`),
}

// TextSigns gives the classes that a line of text speaks of, the heaviest once
// for each class.
func TextSigns(text string) []Sign {
	var list []Sign
	for _, p := range phrases {
		at := p.text.FindStringIndex(text)
		if at == nil {
			continue
		}
		known := false
		for _, s := range list {
			known = known || s.Class == p.class && s.Weight >= p.weight
		}
		if !known {
			list = append(list, Sign{p.class, p.weight, text[at[0]:at[1]]})
		}
	}
	return list
}
