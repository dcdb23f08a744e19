package witness

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"

	"github.com/drillrun/drillrun/drills/history"
)

var (
	errClosed   = errors.New("the drill is over")
	errNoRecord = errors.New("the history cannot be written: nothing is claimed about what was sent")
)

// collision is the remark on an effect whose key belongs to another subject.
const collision = "the key was accepted under another subject"

// ledger decides about effects and records each decision, as one step.
type ledger struct {
	log   *history.Log
	actor string // under which it records, and as what
	op    string
	seed  maphash.Seed
	open  sync.WaitGroup // calls that have not ended

	troubles history.Tally

	mu     sync.Mutex
	closed bool
	calls  uint64               // that have begun
	terms  map[string]uint64    // the highest term seen, by leadership
	keys   map[keyDigest]uint64 // the hash of the subject that a key took effect for
}

// keyDigest stands for a key in its space. Keys can be long and are never
// needed again; two of ten million meet with a probability of 1e-25.
type keyDigest [16]byte

func newLedger(log *history.Log, actor, op string) *ledger {
	return &ledger{
		log: log, actor: actor, op: op, seed: maphash.MakeSeed(),
		terms: map[string]uint64{}, keys: map[keyDigest]uint64{},
	}
}

// decision is what became of an effect.
type decision struct {
	outcome history.Outcome
	highest uint64 // stale: the highest term seen
	remark  string
}

// phase is how an event tells the decision.
func (d decision) phase() history.Phase {
	if d.outcome == history.Stale {
		return history.Fail
	}
	return history.OK
}

// enter decides about e and records that. After an error nothing may be
// claimed about e.
func (l *ledger) enter(replica string, e *effect) (decision, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return decision{}, errClosed
	}
	d := l.decide(e)
	detail := e.detail(replica)
	detail.Outcome = d.outcome
	if err := l.append(d.phase(), e.Key, history.EffectDetail(detail), d.remark); err != nil {
		return decision{}, err
	}
	return d, nil
}

// append records an event. It is called with the lock held.
func (l *ledger) append(phase history.Phase, key string, detail json.RawMessage, remark string) error {
	if l.log.Append(history.Event{Actor: l.actor, Op: l.op, Phase: phase, Key: key, Err: remark, Detail: detail}) == 0 {
		return errNoRecord
	}
	return nil
}

// decide applies the policy of e's kind. It is called with the lock held.
func (l *ledger) decide(e *effect) decision {
	switch e.Kind {
	case history.KindFenced:
		highest := l.terms[e.Leadership]
		if e.Term == 0 || e.Term < highest {
			return decision{outcome: history.Stale, highest: highest, remark: fmt.Sprintf("term %d, the highest seen is %d", e.Term, highest)}
		}
		l.terms[e.Leadership] = e.Term
		return l.once(e)
	case history.KindOnce:
		return l.once(e)
	default:
		return decision{outcome: history.Accepted}
	}
}

// once de-duplicates by key.
func (l *ledger) once(e *effect) decision {
	key, subject := digestKey(e), maphash.String(l.seed, e.Subject)
	switch first, known := l.keys[key]; {
	case !known:
		l.keys[key] = subject
		return decision{outcome: history.Accepted}
	case first != subject:
		return decision{outcome: history.Seen, remark: collision}
	default:
		return decision{outcome: history.Seen}
	}
}

// digestKey keeps the spaces of keys apart: only a fenced effect has a
// leadership in it, and that is never empty.
func digestKey(e *effect) keyDigest {
	space := ""
	if e.Kind == history.KindFenced {
		space = e.Leadership
	}
	text := make([]byte, 0, 128)
	text = strconv.AppendInt(text, int64(len(space)), 10)
	text = append(text, ':')
	text = append(text, space...)
	text = append(text, e.Key...)
	sum := sha256.Sum256(text)
	return keyDigest(sum[:16])
}

// remark records what is no decision, unless the recording has ended.
func (l *ledger) remark(e history.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.log.Append(e)
	}
}

// close ends the recording: nothing is appended once it has returned. It waits
// for the end of the calls that have begun, which nothing may hold any more.
func (l *ledger) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.open.Wait()
}
