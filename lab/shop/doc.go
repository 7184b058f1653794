// Package shop holds the services of a small web shop: edge, checkout,
// inventory, payment, auth and orders, each run as a process of its own.
//
// In: HTTP requests, flags set by deploys, a database. Out: answers, and
// telemetry as any instrumented service gives. It refuses to know stories,
// faults and deploy controllers: a version differs from another only in the
// defaults of its flags, and a flag only in what the code then really does.
//
// One POST /checkout runs edge, checkout, and from there auth, inventory,
// payment and orders, each hop through the edge's router and its zone link.
package shop
