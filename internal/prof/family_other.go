package prof

import "strings"

// foreign (read-only) claims functions of other runtimes than Go's, by the
// beginning of their dotted name: JVM ("com/acme/Cart.total" is read as
// "com.acme.Cart.total"), .NET ("Acme.Shop!Cart.Total" without its assembly)
// and Node. Python's frames carry bare names, which say nothing of a family.
var foreign = []rule{
	{FamilyGC, []string{
		"G1", "PSScavenge", "PSParallelCompact", "ParallelGC", "ShenandoahGC", "ZCollected", "ConcurrentGCThread", "GCTaskThread",
		"(garbage collector)", "SVR::gc_heap", "WKS::gc_heap",
	}},
	{FamilyLock, []string{
		"java.util.concurrent.locks.", "jdk.internal.misc.Unsafe.park", "ObjectMonitor::", "System.Threading.Monitor.", "System.Threading.SemaphoreSlim",
		"System.Threading.ReaderWriterLock",
	}},
	{FamilySyscall, []string{
		"sun.nio.ch.", "java.net.Socket", "java.io.FileInputStream", "java.io.FileOutputStream", "java.io.RandomAccessFile", "System.Net.Sockets.",
		"Interop.Sys",
	}},
	{FamilySerialisation, []string{
		"com.fasterxml.jackson.", "com.google.gson.", "com.google.protobuf.", "org.json.", "javax.xml.", "java.io.ObjectOutputStream",
		"java.io.ObjectInputStream", "kotlinx.serialization.", "System.Text.Json.", "Newtonsoft.Json.", "System.Xml.", "Google.Protobuf.", "MessagePack.",
	}},
	{FamilyCompression, []string{"java.util.zip.", "org.xerial.snappy.", "com.github.luben.zstd.", "net.jpountz.lz4.", "System.IO.Compression."}},
	{FamilyCrypto, []string{
		"javax.crypto.", "javax.net.ssl.", "java.security.", "sun.security.", "com.sun.crypto.", "org.bouncycastle.", "System.Security.Cryptography.",
		"System.Net.Security.",
	}},
	{FamilyRegexp, []string{"java.util.regex.", "System.Text.RegularExpressions."}},
	{FamilyDatabase, []string{
		"java.sql.", "javax.sql.", "org.postgresql.", "com.mysql.", "org.mariadb.", "oracle.jdbc.", "com.zaxxer.hikari.", "org.hibernate.", "org.jooq.",
		"redis.clients.", "io.lettuce.", "com.mongodb.", "System.Data.", "Microsoft.Data.", "Npgsql.", "MySqlConnector.", "StackExchange.Redis.",
		"Microsoft.EntityFrameworkCore.",
	}},
	{FamilyTelemetry, []string{
		"io.opentelemetry.", "io.micrometer.", "org.slf4j.", "ch.qos.logback.", "org.apache.logging.", "java.util.logging.", "Serilog.", "OpenTelemetry.",
		"Microsoft.Extensions.Logging.",
	}},
	{FamilyHTTP, []string{
		"io.netty.", "org.apache.tomcat.", "org.apache.catalina.", "org.apache.coyote.", "org.eclipse.jetty.", "org.springframework.web.", "java.net.http.",
		"sun.net.www.", "Microsoft.AspNetCore.", "System.Net.Http.", "node:_http", "node:internal/http",
	}},
}

// foreignStandard (read-only) begins the names of other languages' standard
// libraries, which work for whoever calls them.
var foreignStandard = []string{"java.", "javax.", "jdk.", "sun.", "kotlin.", "scala.", "System.", "Microsoft.", "node:", "(program)", "(root)", "(idle)",
	"std::", "<std::", "<core::", "<alloc::", "alloc::vec::", "alloc::string::", "alloc::raw_vec::", "alloc::boxed::", "alloc::collections::", // C++ and Rust
	"core::fmt::", "core::iter::", "core::slice::", "core::str::", "core::ptr::", "core::ops::", "core::hash::", "core::num::",
	"JavaThread::", "JavaCalls::", "VMThread::", "InterpreterRuntime::", "SharedRuntime::", "OptoRuntime::", // the JVM itself
	"CompileBroker::", "C1Compiler::", "C2Compiler::", "PhaseIdealLoop::", "PhaseChaitin::", "PhaseIterGVN::",
}

// claimForeign is claim for other runtimes; known is false for names that are
// none of theirs.
func claimForeign(function string) (f Family, claims, known bool) {
	name := function
	if _, method, ok := strings.Cut(name, "!"); ok {
		name = method
	}
	if !strings.HasPrefix(name, "node:") {
		name = strings.ReplaceAll(name, "/", ".")
	}
	for _, r := range foreign {
		if hasPrefix(name, r.prefixes) {
			return r.family, true, true
		}
	}
	return "", false, hasPrefix(name, foreignStandard)
}
