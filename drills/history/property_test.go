package history_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drillrun/drillrun/drills/history"
)

// anyString draws strings with everything that JSON has to escape, invalid
// UTF-8 included.
func anyString() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z0-9/:-]{0,12}`),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", `"`, `\`, "\x00\x1f\x7f", "\b\f\n\r\t", "<&>", "\u2028\u2029", "\ufffd", "a\xffb", "é😀"}),
	)
}

func anyDetail() *rapid.Generator[json.RawMessage] {
	return rapid.OneOf(
		rapid.Map(rapid.MapOf(anyString(), anyString()), func(m map[string]string) json.RawMessage { return history.Detail(m) }),
		rapid.Map(rapid.SampledFrom([]string{"", `null`, `true`, `false`, `0`, `-0.5e+7`, `1E-2`, `[]`, `{}`, `[1,"a",{"b":[]}]`, `"\u00e9\/"`,
			strings.Repeat("[", 40) + strings.Repeat("]", 40)}),
			func(s string) json.RawMessage { return json.RawMessage(s) }),
	)
}

func anyEvent() *rapid.Generator[history.Event] {
	return rapid.Custom(func(t *rapid.T) history.Event {
		return history.Event{
			Seq: rapid.Uint64().Draw(t, "seq"), At: time.Duration(rapid.Int64().Draw(t, "at")),
			Actor: anyString().Draw(t, "actor"), Op: anyString().Draw(t, "op"),
			Phase: rapid.SampledFrom([]history.Phase{history.Invoke, history.OK, history.Fail, history.Info}).Draw(t, "phase"),
			Key:   anyString().Draw(t, "key"), Detail: anyDetail().Draw(t, "detail"), Err: anyString().Draw(t, "err"),
		}
	})
}

func anyEffect() *rapid.Generator[history.Effect] {
	return rapid.Custom(func(t *rapid.T) history.Effect {
		return history.Effect{
			Replica: anyString().Draw(t, "replica"), Subject: anyString().Draw(t, "subject"),
			Kind:       rapid.OneOf(rapid.SampledFrom([]string{"once", "fenced", "record"}), anyString()).Draw(t, "kind"),
			Leadership: anyString().Draw(t, "leadership"), Term: rapid.Uint64().Draw(t, "term"), Attempt: rapid.Int().Draw(t, "attempt"),
			Outcome: history.Outcome(rapid.OneOf(rapid.SampledFrom([]string{"accepted", "seen", "stale", "failed"}), anyString()).Draw(t, "outcome")),
		}
	})
}

func anySubmit() *rapid.Generator[history.Submit] {
	return rapid.Custom(func(t *rapid.T) history.Submit {
		return history.Submit{
			Subject: anyString().Draw(t, "subject"), Intended: time.Duration(rapid.Int64().Draw(t, "intended")),
			Replica: anyString().Draw(t, "replica"), Attempts: rapid.Int().Draw(t, "attempts"),
			ConcurrencyKey: anyString().Draw(t, "concurrency key"),
			Kind:           anyString().Draw(t, "kind"),
		}
	})
}

func anyExit() *rapid.Generator[history.Exit] {
	return rapid.Custom(func(t *rapid.T) history.Exit {
		return history.Exit{
			Code: rapid.Int().Draw(t, "code"), Signal: rapid.StringMatching(`[a-z ]{0,12}`).Draw(t, "signal"),
			OutOfMemory: rapid.Bool().Draw(t, "oom"),
		}
	})
}

// standard encodes as encoding/json does with HTML escaping off.
func standard(t require.TestingT, v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(v))
	return strings.TrimSuffix(b.String(), "\n")
}

// mutate changes text a little: a byte replaced, removed or doubled.
func mutate(t *rapid.T, text []byte) []byte {
	text = bytes.Clone(text)
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		if len(text) == 0 {
			break
		}
		i := rapid.IntRange(0, len(text)-1).Draw(t, "where")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			text[i] = rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte(`{}[]",:\ 0-.eEtfn`))).Draw(t, "byte")
		case 1:
			text = append(text[:i], text[i+1:]...)
		case 2:
			text = append(text[:i+1], text[i:]...)
		}
	}
	return text
}

func TestTheEncoderWritesWhatEncodingJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent().Draw(t, "event")
		line, err := history.EncodeEvent(&e)
		require.NoError(t, err)
		require.Equal(t, standard(t, e), string(line))

		effect := anyEffect().Draw(t, "effect")
		require.Equal(t, standard(t, effect), string(history.EffectDetail(effect)))

		submit := anySubmit().Draw(t, "submit")
		require.Equal(t, standard(t, submit), string(history.SubmitDetail(submit)))
	})
}

func TestTheFastDecoderAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent().Draw(t, "event")
		line, err := history.EncodeEvent(&e)
		require.NoError(t, err)
		requireSameEvent(t, mutate(t, line))
	})
}

// requireSameEvent checks that what the fast decoder takes, encoding/json
// takes too, and as the same.
func requireSameEvent(t require.TestingT, line []byte) {
	var fast, strict history.Event
	if !history.DecodeFast(line, &fast) {
		return
	}
	require.NoError(t, history.DecodeStrict(line, &strict), "%q", line)
	require.Equal(t, strict, fast, "%q", line)
}

func TestTheDetailDecodersAgreeWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		effect := anyEffect().Draw(t, "effect")
		requireSameDetail(t, mutate(t, history.EffectDetail(effect)))
		submit := anySubmit().Draw(t, "submit")
		requireSameDetail(t, mutate(t, history.SubmitDetail(submit)))
	})
}

func TestAnExitIsReadFromAHistoryAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exit := anyExit().Draw(t, "exit")
		written := history.Event{Seq: 1, Actor: "replica-1", Op: history.OpExit, Phase: history.Info, Detail: history.Detail(exit)}
		line, err := history.EncodeEvent(&written)
		require.NoError(t, err)
		var read history.Event
		require.True(t, history.DecodeFast(line, &read))
		got, err := history.Decode[history.Exit](&read)
		require.NoError(t, err)
		require.Equal(t, exit, got)
	})
}

func requireSameDetail(t require.TestingT, detail []byte) {
	e := history.Event{Detail: detail}
	wantEffect, wantErr := history.Decode[history.Effect](&e)
	gotEffect, err := history.DecodeEffect(&e)
	require.Equal(t, wantErr, err, "%q", detail)
	require.Equal(t, wantEffect, gotEffect, "%q", detail)

	wantSubmit, wantErr := history.Decode[history.Submit](&e)
	gotSubmit, err := history.DecodeSubmit(&e)
	require.Equal(t, wantErr, err, "%q", detail)
	require.Equal(t, wantSubmit, gotSubmit, "%q", detail)
}

func TestTheScannerTakesOnlyValidJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := mutate(t, anyDetail().Draw(t, "detail"))
		if history.ValidCompact(text) {
			require.True(t, len(text) == 0 || json.Valid(text), "%q", text)
		}
	})
}

// The fast paths are of no use if nothing takes them.
func TestOrdinaryLinesTakeTheFastPath(t *testing.T) {
	for _, e := range []history.Event{
		effectEvent("job-17"),
		{Actor: "client/3", Op: history.OpSubmit, Phase: history.Info, Key: "é", Err: "timeout", Detail: history.SubmitDetail(history.Submit{Subject: "s"})},
		{Actor: "engine", Op: history.OpEnd, Phase: history.OK},
		{Actor: "fault/1", Op: history.OpInject, Phase: history.OK, Detail: history.Detail(history.Fault{Evidence: map[string]any{"says": "a \"b\"\n", "n": 1.5e-7}})},
	} {
		e.Seq, e.At = 9_999_999, time.Hour
		line, err := history.EncodeEvent(&e)
		require.NoError(t, err)
		var got history.Event
		require.True(t, history.DecodeFast(line, &got), "%s", line)
		require.Equal(t, e, got)
	}
}
