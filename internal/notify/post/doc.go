// Package post carries a message of people over HTTP, carefully: in come an
// address, a body and the files with secrets; out go the receiver's answer, or
// an error that says whether trying again may help, with the receiver's own
// words. It also lays a message out in lines of plain text.
//
// A secret is read when it is used and kept out of every error, as are
// addresses that are secrets themselves. A redirect is not followed. The package
// knows no receiver's language.
package post
