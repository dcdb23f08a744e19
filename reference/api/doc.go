// Package api serves a replica over HTTP.
//
//	POST /v1/jobs        202 accepted, 200 known already, 400, 409, 503
//	GET  /v1/jobs/{id}   200, 404
//	GET  /v1/jobs        200; ?state= &limit= (1 to 1000) &after=<id>, or ?key=
//	GET  /v1/leadership  200 {"key","term","holder","self"}
//	GET  /v1/counts      200 {"unfinished","dead_letters","outbox","republished","goroutines"}
//	GET  /healthz        200 while the process lives
//	GET  /readyz         200 {"status":"ready"} or 503 {"status":"degraded","why"}
//	GET  /metrics        Prometheus text
//
// Everything under /v1 asks for the bearer token, if one is set.
//
// An error is {"error","effect"?}. "effect":"none" says that certainly nothing
// was written; without it the outcome of a submission is open, and the same
// key settles it. 503 carries Retry-After, in seconds.
//
// The API is up before the stores are, and stays up without them: degraded,
// not dead. Every answer has a limit of its own, so a store that swallows
// requests cannot hang a client.
package api
