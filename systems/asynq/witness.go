package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	// reportTime is how long an answer of the witness may take.
	reportTime = time.Second
	// reportPause is the longest pause between two calls for one effect.
	reportPause = 200 * time.Millisecond
	// maxIdle is how many connections are kept: as many as there are workers, or
	// every call would open one.
	maxIdle = 64
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 4 << 10
)

// errRefused is an answer that will not change.
var errRefused = errors.New("the witness refuses the effect")

// effect is what the witness is told.
type effect struct {
	Subject string `json:"subject"`
	Key     string `json:"key"`
	Kind    string `json:"kind"`
	Attempt int    `json:"attempt"`
}

// witness is the outside world, in which effects take place.
type witness struct {
	url   string
	token string
	http  *http.Client
	log   *slog.Logger
}

func newWitness(base *url.URL, token string, log *slog.Logger) *witness {
	return &witness{
		url:   base.JoinPath("v1", "effects").String(),
		token: token,
		http:  &http.Client{Timeout: reportTime, Transport: &http.Transport{MaxIdleConnsPerHost: maxIdle}},
		log:   log,
	}
}

// report tells of an effect until it is certain that it took place. The key is
// the same in every call, so that it takes place once.
func (w *witness) report(ctx context.Context, e effect) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the effect: %w", err)
	}
	for {
		err := w.call(ctx, body)
		if err == nil || errors.Is(err, errRefused) {
			return err
		}
		w.log.Warn("an effect is open", "task", e.Key, "error", err)
		if ended := pause(ctx, rand.N(reportPause)); ended != nil {
			return fmt.Errorf("report the effect: %w: %w", ended, err)
		}
	}
}

func (w *witness) call(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	request.Header.Set("Authorization", "Bearer "+w.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := w.http.Do(request)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	err = errors.Join(err, response.Body.Close())
	switch status := response.StatusCode; {
	case status == http.StatusOK, status == http.StatusAlreadyReported:
		return nil // the status is all that counts
	case status >= 400 && status < 500:
		return fmt.Errorf("%w: %d %s", errRefused, status, bytes.TrimSpace(answer))
	default:
		return errors.Join(fmt.Errorf("the witness answers %d", status), err)
	}
}
