// Package synthetic walks through services as a user would: HTTP journeys whose
// steps make requests and assert what must come back.
//
// In come journeys written in YAML:
//
//	journey: checkout
//	service: edge
//	every: 30s
//	timeout: 10s
//	vars: {base: https://shop.example}
//	steps:
//	  - name: front page
//	    get: ${base}/
//	    expect: {status: 200, within: 800ms, body_contains: Shop, json: {$.items.length: ">= 1"}}
//	    save: {token: json:$.token}
//	  - name: buy
//	    post: ${base}/orders
//	    headers: {authorization: "Bearer ${secret:shop-token}"}
//	    body: {sku: 1}
//	    expect: {status: [200, 201]}
//
// Out go series named as the blackbox exporter names them, by journey and step,
// and the last results with what was wanted, what came instead, and the trace
// that the request began. Secrets come from files and appear in no result, error
// or series. The package refuses to know why a journey fails.
package synthetic
