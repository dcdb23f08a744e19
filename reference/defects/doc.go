// Package defects holds known-bad variants of the reference's parts: mistakes
// that reviews of real systems have found, one small file each. A drill must
// catch every one of them; what has never been seen to fail proves nothing.
//
//	Sound(config, deps) ──▶ parts ──Break──▶ defective parts ──▶ replica
//
// A defect replaces or wraps parts behind the interfaces that the sound parts
// implement; the sound code knows nothing of it and has no condition for it.
// It is as wrong as its description and no more: whatever it does not name
// works as in the sound reference.
package defects
