package prober

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// The ports of a prober, as [drills.ProcessSpec] has them.
const (
	ControlPort = "CONTROL_ADDR" // takes orders
	DataPort    = "DATA_ADDR"    // whose connections are there to be looked at
)

const (
	// mark makes a binary that calls Run be a prober instead of itself.
	mark = "DRILLRUN_PROBER"
	// ExitTerminated is the status of a prober that was asked to stop.
	ExitTerminated = 3
	// Ready is the line that a prober prints once it takes orders.
	Ready = "prober: ready"
)

// Spec has this binary launched as a prober, with these variables more in its
// environment.
func Spec(name string, grace time.Duration, env ...string) (drills.ProcessSpec, error) {
	program, err := os.Executable()
	if err != nil {
		return drills.ProcessSpec{}, fmt.Errorf("find the prober: %w", err)
	}
	return drills.ProcessSpec{
		Name: name, Command: []string{program}, Grace: grace, Ports: []string{ControlPort, DataPort},
		// With the race detector a program would take a second to exit.
		Env: append([]string{mark + "=1", "GORACE=atexit_sleep_ms=0"}, env...),
	}, nil
}

// Run turns the process into a prober, and never returns, if it has been started
// as one. Call it first in TestMain.
func Run() {
	if os.Getenv(mark) == "" {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := serve(ctx, os.Getenv(ControlPort), os.Getenv(DataPort), os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prober:", err)
		os.Exit(1)
	}
	os.Exit(ExitTerminated)
}

// serve takes orders until ctx is done.
func serve(ctx context.Context, control, data string, stdout io.Writer) error {
	p, err := New(ctx, data)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", control)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	server := &http.Server{Handler: p}
	unhook := context.AfterFunc(ctx, func() {
		if err := server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "prober:", err)
		}
	})
	defer unhook()
	if _, err := fmt.Fprintln(stdout, Ready); err != nil {
		return errors.Join(err, listener.Close(), p.Close())
	}
	if err = server.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, p.Close())
}

// ServeHTTP carries out the order in the body of a request.
func (p *Prober) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	report, err := p.Do(r.Context(), o)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if err := json.NewEncoder(w).Encode(report); err != nil {
		fmt.Fprintln(os.Stderr, "prober:", err)
	}
}

// Client hands orders to the prober whose control port is reached at this
// host:port.
type Client string

var _ Peer = Client("")

// answer is how long a prober may take to answer, beyond the time of the order.
const answer = 20 * time.Second

// Do has the prober carry out one order. Each goes by a connection of its own,
// so that none lives through what is done to links and processes.
func (c Client) Do(ctx context.Context, o Order) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, answer+o.Within)
	defer cancel()
	report, err := c.post(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("have the prober at %s %s: %w", string(c), o.Verb, err)
	}
	return report, nil
}

func (c Client) post(ctx context.Context, o Order) (report Report, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return report, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+string(c), bytes.NewReader(body))
	if err != nil {
		return report, err
	}
	transport := http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return report, err
	}
	if response.StatusCode != http.StatusOK {
		return report, errors.New(strings.TrimSpace(string(text)))
	}
	return report, json.Unmarshal(text, &report)
}
