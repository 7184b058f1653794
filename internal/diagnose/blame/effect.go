package blame

import "github.com/pitwall/pitwall"

// effect is what touching a kind in a way does. The first row that fits holds;
// an empty way stands for every way that has no row before it.
type effect struct {
	kind    Kind
	way     Way
	typical []pitwall.Bottleneck
	can     []pitwall.Bottleneck
}

// Short names for the table below.
const (
	cpu   = pitwall.BottleneckCPU
	alloc = pitwall.BottleneckAllocation
	iodb  = pitwall.BottleneckIODB
	lock  = pitwall.BottleneckLock
	netw  = pitwall.BottleneckNetwork
	payl  = pitwall.BottleneckPayload
	nplus = pitwall.BottleneckNPlus1
	pool  = pitwall.BottleneckPool
	depn  = pitwall.BottleneckDependency
	capa  = pitwall.BottleneckCapacity
	cache = pitwall.BottleneckCache
	cold  = pitwall.BottleneckColdStart
	conf  = pitwall.BottleneckConfig
	exce  = pitwall.BottleneckException
	retn  = pitwall.BottleneckReturn
	traf  = pitwall.BottleneckTraffic
	node  = pitwall.BottleneckNode
	upst  = pitwall.BottleneckUpstream
	cert  = pitwall.BottleneckCertificate
	dns   = pitwall.BottleneckDNS
	badin = pitwall.BottleneckBadInput
	late  = pitwall.BottleneckLatency
	erro  = pitwall.BottleneckErrors
)

func of(list ...pitwall.Bottleneck) []pitwall.Bottleneck { return list }

// effects is the one table of which touch causes which trouble. A knob that is
// turned the harmless way has a row that says so: raising a pool exhausts none.
// It is read-only.
var effects = []effect{
	{Pool, Lowers, of(pool), of(depn, capa, conf, late, erro)},
	{Pool, Removes, of(pool), of(depn, capa, conf)},
	{Pool, Raises, nil, of(capa, alloc, iodb)},
	{Pool, "", nil, of(pool, conf, depn)},
	{PoolIdle, Lowers, nil, of(pool, netw, depn)},
	{PoolIdle, Raises, nil, nil},
	{PoolIdle, "", nil, of(pool)},
	{Concurrency, Lowers, of(pool), of(capa, conf, late)},
	{Concurrency, Removes, of(pool), of(capa, late, cpu)},
	{Concurrency, Raises, nil, of(cpu, alloc, lock, iodb, depn, pool)},
	{Concurrency, "", nil, of(pool, cpu, capa, conf)},
	{Timeout, Lowers, of(depn, conf), of(erro, pool, netw)},
	{Timeout, Raises, nil, of(pool, late, depn, capa)},
	{Timeout, Removes, of(pool), of(depn, late, capa)},
	{Timeout, "", nil, of(depn, conf, pool)},
	{Retry, Raises, of(depn, traf), of(capa, pool, conf)},
	{Retry, Adds, of(depn, traf), of(capa, pool, conf)},
	{Retry, Lowers, of(erro), of(depn, conf)},
	{Retry, Removes, of(erro), of(depn, conf)},
	{Backoff, Lowers, of(depn, traf), of(capa, conf, cpu)},
	{Backoff, Removes, of(depn, traf), of(capa, conf, cpu)},
	{Backoff, Raises, nil, of(late)},
	{Cache, Lowers, of(cache), of(iodb, cpu, depn, conf, late, capa)},
	{Cache, Removes, of(cache), of(iodb, cpu, depn, late, nplus, capa)},
	{Cache, Raises, nil, of(alloc, retn, capa)},
	{Cache, Adds, nil, of(alloc, retn, cache)},
	{Cache, "", of(cache), of(iodb, cpu, depn, conf)},
	{Batch, Lowers, of(nplus, capa), of(iodb, conf, late)},
	{Batch, Removes, of(nplus), of(iodb, capa, late)},
	{Batch, Raises, nil, of(payl, alloc, iodb, conf, depn, capa)},
	{Interval, Lowers, nil, of(cpu, depn, traf, iodb, capa, conf)},
	{Interval, Raises, nil, of(retn, late, capa, conf, alloc)},
	{LogVolume, Raises, of(capa), of(cpu, conf, late, alloc)},
	{LogVolume, Adds, nil, nil},
	{LogVolume, "", nil, nil},
	{Memory, Lowers, of(alloc, capa), of(conf, exce, cache)},
	{Memory, Raises, nil, of(capa, alloc)},
	{Memory, "", nil, of(alloc, capa, conf)},
	{CPU, Lowers, of(cpu, capa), of(conf, late)},
	{CPU, Adds, nil, of(cpu, capa, conf)},
	{CPU, "", nil, of(capa)},
	{Replicas, Lowers, of(capa), of(cpu, pool, conf, late)},
	{Replicas, Removes, of(capa), of(cpu, pool, conf)},
	{Replicas, Raises, nil, of(pool, cold)},
	{Queue, Lowers, of(capa), of(pool, erro, conf)},
	{Queue, Raises, nil, of(alloc, late)},
	{Queue, Removes, of(alloc), of(capa, late)},
	{RateLimit, Lowers, of(capa, conf), of(erro, depn)},
	{RateLimit, Adds, of(capa, conf), of(erro)},
	{RateLimit, Raises, nil, of(traf, capa)},
	{RateLimit, Removes, of(traf), of(capa, depn, pool)},
	{Retention, Raises, of(capa), of(conf, iodb, alloc)},
	{Retention, Removes, of(capa), of(conf, alloc)},
	{Retention, Lowers, nil, of(retn, conf)},
	{Retention, "", nil, of(capa, conf)},
	{Disk, Lowers, of(capa), of(conf, iodb)},
	{Disk, "", nil, of(capa, conf)},
	{HashCost, Raises, of(cpu), of(late, conf)},
	{Threshold, Lowers, of(erro), of(conf, retn, badin, exce, capa)},
	{Threshold, Raises, nil, of(payl, alloc, iodb, conf)},
	{TLS, "", of(cert), of(netw, depn, conf, erro)},
	{DNS, "", of(dns), of(netw, conf, depn)},
	{Address, Alters, of(depn, conf, netw), of(dns, erro, upst)},
	{Address, Removes, nil, of(depn, conf, netw, dns, erro, exce)},
	{Address, Adds, nil, of(conf)},
	{Secret, "", of(depn, conf), of(exce, erro, upst)},
	{Library, Raises, nil, of(exce, erro, cpu, alloc, depn, netw, late, cache, pool, retn)},
	{Library, Alters, of(exce), of(erro, cpu, alloc, depn, netw, late, cache, pool, retn, cert)},
	{Library, Lowers, nil, of(exce, erro)},
	{Library, "", nil, of(exce)},
	{Runtime, "", nil, of(exce, alloc, cpu, cold, cert)},
	{Index, Removes, of(iodb), of(late, cpu, lock)},
	{Index, "", nil, of(iodb, lock)},
	{Schema, Adds, nil, of(iodb, lock, exce, erro)},
	{Schema, "", of(exce), of(iodb, lock, erro)},
	{Query, Adds, nil, of(iodb, nplus, lock, late)},
	{Query, "", of(iodb), of(nplus, payl, late, lock)},
	{Filter, Removes, of(iodb, payl), of(alloc, cpu, late, retn)},
	{Filter, "", nil, of(iodb, retn)},
	{Guard, Removes, of(exce), of(erro, retn, alloc, capa)},
	{Guard, Adds, nil, of(erro, retn, badin)},
	{Guard, Alters, nil, of(exce, erro, retn, badin)},
	{Assume, Adds, of(exce), of(erro)},
	{Handler, Removes, of(exce), of(erro, retn, depn)},
	{Setup, Removes, of(exce, erro), of(retn, cold, conf, cache)},
	{Setup, Adds, nil, of(cold, exce)},
	{Release, Removes, of(pool, alloc), of(capa, lock, netw)},
	{Lock, Adds, of(lock), of(late, pool, cpu)},
	{Lock, Alters, of(lock), of(late, pool)},
	{Lock, Removes, nil, of(exce, erro, retn)},
	{LoopCall, Adds, of(nplus), of(iodb, depn, late, pool, cpu)},
	{Growth, Adds, of(alloc), of(capa, cpu)},
	{Spawn, Adds, of(alloc), of(cpu, capa, pool, depn)},
	{Compute, Adds, of(cpu), of(late, alloc)},
	{Compute, "", nil, of(cpu, late)},
	{Pattern, "", of(cpu), of(late, badin, retn)},
	{Fields, Adds, of(payl), of(late, iodb, alloc)},
	{Fields, Removes, nil, of(exce, erro, retn)},
	{Fields, Alters, of(exce), of(erro, retn, badin)},
	{Format, "", of(exce, payl), of(erro, cpu, badin)},
	{EarlyReturn, Adds, of(retn), of(erro)},
	{Warmup, Removes, of(cold), of(cache, late)},
	{KeepAlive, "", of(netw, pool), of(depn, late, cpu, capa)},
	{Route, "", nil, of(depn, erro, netw, traf, conf, retn)},
	{Pause, Adds, of(late), of(pool, lock)},
	{Pause, Raises, of(late), of(pool)},
	{Remote, Adds, nil, of(depn, late, nplus, pool)},
	{Remote, Removes, nil, of(retn)},
	{Partition, "", of(capa), of(lock, pool, late, iodb, conf)},
	{Switch, "", nil, of(conf, retn, erro, exce, cache, payl, nplus)},
	{Value, "", nil, of(conf, late)},
	{Code, "", nil, nil},
}
