// Command river is a small program that has its jobs done by River
// (github.com/riverqueue/river), so that River can be drilled.
//
//	POST /jobs ──Insert──▶ river_job ──fetch──▶ worker ──▶ witness (with the job's key)
//	                                              └─ one transaction: row of the effect, JobCompleteTx
//	river_leader ◀── leader, who is seen by what only it does: periodic jobs
//
// What River leaves at its defaults is left there, unless the environment says
// otherwise: see [settings].
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	// softStop is how long a job may go on after SIGTERM, hardStop how long its
	// end may take once it has been cancelled.
	softStop = 3 * time.Second
	hardStop = 2 * time.Second
)

func main() {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Getenv, logger)
	stop()
	if err != nil {
		logger.Error("river host ends", "error", err)
		os.Exit(1)
	}
}

// run works until ctx ends, and then as long as a graceful stop takes.
func run(ctx context.Context, getenv func(string) string, logger *slog.Logger) error {
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	pool, err := openPool(ctx, s.database, riverConns)
	if err != nil {
		return err
	}
	defer pool.Close()
	own, err := openPool(ctx, s.database, ownConns)
	if err != nil {
		return err
	}
	defer own.Close()
	if err := prepare(ctx, own); err != nil {
		return err
	}

	// The leader's effects have connections of their own, so that jobs do not hold them up.
	beat := &heartbeat{
		name: s.name, pool: own, witness: newWitness(s.witnessURL, s.witnessToken), log: logger, acting: make(chan struct{}, 1),
	}
	client, err := newClient(s, pool, newWitness(s.witnessURL, s.witnessToken), beat, logger)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen where LISTEN says: %w", err)
	}
	// River is stopped by us, in its own time, and not by the signal itself.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(fmt.Errorf("start River: %w", err), listener.Close())
	}
	logger.Info("River works", "replica", s.name, "listen", s.listen)

	beats, endBeats := context.WithCancel(context.WithoutCancel(ctx))
	beaten := make(chan struct{})
	go func() {
		defer close(beaten)
		beat.run(beats)
	}()
	err = serve(ctx, listener, (&api{client: client, pool: own, log: logger}).handler())
	err = errors.Join(err, stopRiver(context.WithoutCancel(ctx), client))
	endBeats()
	<-beaten
	return err
}

// newClient is a River client that works the default queue and may lead.
func newClient(s settings, pool *pgxpool.Pool, outside *witness, beat *heartbeat, logger *slog.Logger) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{pool: pool, witness: outside, log: logger}); err != nil {
		return nil, fmt.Errorf("add the worker: %w", err)
	}
	config := s.river
	config.ID = s.name // the leader's row names it
	config.Logger = logger
	config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: maxWorkers}}
	config.Workers = workers
	config.PeriodicJobs = []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(beatInterval), beat.construct, &river.PeriodicJobOpts{RunOnStart: true}),
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &config)
	if err != nil {
		return nil, fmt.Errorf("configure River: %w", err)
	}
	return client, nil
}

// stopRiver lets running jobs end, and cancels what takes too long.
func stopRiver(ctx context.Context, client *river.Client[pgx.Tx]) error {
	soft, cancel := context.WithTimeout(ctx, softStop)
	defer cancel()
	err := client.Stop(soft)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	hard, cancel := context.WithTimeout(ctx, hardStop)
	defer cancel()
	if err := client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop River: %w", err)
	}
	return nil
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // who has not got an answer by now asks the next replica
	}
	<-failed
	return err
}
