// Package httpd is the door for people and programs: the JSON API with its
// OpenAPI document, the one stream of server-sent events, and the pages. In
// come requests; out go the view models of package report, unchanged. Acting
// on a plan is handed to the engine; nothing is decided here.
//
// It refuses to know where plans come from (Engine is its own small wish), who
// is signed in, and how anything is worded.
package httpd
