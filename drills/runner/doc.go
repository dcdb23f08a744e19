// Package runner carries out one drill from an empty folder to its verdicts,
// and judges folders again.
//
//	folder ─▶ log ─▶ witness ─▶ substrate ─▶ system ─▶ engine ─▶ seal ─▶ check ─▶ results.json
//
// Whatever was begun is ended in the opposite order on every way out, the
// cancelled one included: faults first (by the engine), then the system with
// its substrate, then the witness, and the seal last, so that the history
// holds everything that was still seen.
//
// The verdicts are always drawn from the sealed file, read back from the
// folder, exactly as [Check] does later on another machine.
//
// The files of a folder must agree: the scenario with the digest in the history's
// header, run.json with the header, and, where keys are given, the signature with the
// history. Where they do not, the verdict is unknown.
//
// A harness that is killed ends nothing itself. Its folder then holds a journal
// that says what had been broken and where, and a lock on it that is held no
// more: [Folder.Heal] finds what is left there, and has it undone.
//
// Failure cases: what keeps a drill from starting is an [EnvironmentError]. A
// drill that did not start, or was interrupted, has a folder with the logs that
// tell why and a sealed history that says so, and no passing verdict.
package runner
