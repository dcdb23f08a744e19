// Package effects reports what the control plane does to the outside world.
//
// The receiver de-duplicates by key and, for a leader's effects, refuses terms
// that have been superseded. So an effect may be sent again after any failure,
// with the same key, and a zombie's effect does nothing:
//
//	POST {base}/v1/effects {"subject","key","kind","leadership","term","attempt"}
//	  200 accepted · 208 seen before · 409 stale term
//	  401, 403, 408, 429, 5xx, no answer: temporary · other 4xx: refused for good
//
// No answer leaves the outcome open; only sending it again closes it.
//
// A receiver may also be asked for its health, and take what a replica has
// measured:
//
//	GET  {base}/healthz
//	POST {base}/v1/durations {"what","subject","took"}
package effects
