// Package remotewrite receives Prometheus' remote write, versions 1 and 2.
//
// In come compressed requests over HTTP; out go samples and native histograms
// into an appender. It knows neither what a series means nor how it is kept.
//
//	POST  Content-Type: application/x-protobuf                                     version 1
//	POST  Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request  version 2
//
// The body is a snappy block. The answer is
//
//	204  everything is stored and survives a crash
//	400  what could be stored is stored; the text says how many samples could not
//	     and why the first one (too old, too far ahead, a second value for one
//	     instant, labels that are none). Or the body is no request: nothing is stored
//	413  the body is too large, before or after decompression
//	415  another content type or encoding
//	503  nothing is stored, try again: the store is in trouble, or too many requests
//	     are under way. Not 429: a Prometheus throws a batch away for that one unless
//	     it was told otherwise
//
// Version 2's answers carry the X-Prometheus-Remote-Write-…-Written headers.
// Stale markers are samples like any other. Exemplars and metadata are left out,
// since nothing reads them.
package remotewrite
