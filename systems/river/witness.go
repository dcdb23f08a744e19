package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	witnessTimeout = time.Second            // until an answer of the witness is given up
	witnessPause   = 200 * time.Millisecond // at most, between two attempts
)

// errStale is the witness's answer to a leader who has been superseded.
var errStale = errors.New("the witness has seen a higher term")

// effect is what happened, as the witness wants to be told.
type effect struct {
	Subject    string `json:"subject"`
	Key        string `json:"key"`
	Kind       string `json:"kind"`
	Leadership string `json:"leadership,omitempty"`
	Term       int64  `json:"term,omitempty"`
	Attempt    int    `json:"attempt,omitempty"`
}

// witness is the outside world, in which effects happen.
type witness struct {
	url, token string
	http       *http.Client
}

func newWitness(url, token string) *witness {
	transport := &http.Transport{MaxIdleConnsPerHost: maxWorkers, IdleConnTimeout: 30 * time.Second}
	return &witness{url: url + "/v1/effects", token: token, http: &http.Client{Transport: transport, Timeout: witnessTimeout}}
}

// insist reports an effect until it is certain that it took place.
func (w *witness) insist(ctx context.Context, e effect) error {
	for {
		err := w.report(ctx, e)
		if err == nil || errors.Is(err, errStale) {
			return err
		}
		if pause(ctx, rand.N(witnessPause)) != nil {
			return fmt.Errorf("%w: last: %w", context.Cause(ctx), err)
		}
	}
}

// report reports an effect once. On any error but errStale it may have taken
// place all the same.
func (w *witness) report(ctx context.Context, e effect) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Do(req)
	if err != nil {
		return fmt.Errorf("report %s: %w", e.Subject, err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	err = errors.Join(err, resp.Body.Close())
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAlreadyReported:
		return nil // the status says all; the rest of the answer is not needed
	case http.StatusConflict:
		return fmt.Errorf("report %s: %w", e.Subject, errStale)
	}
	return errors.Join(fmt.Errorf("report %s: the witness answers %d", e.Subject, resp.StatusCode), err)
}
