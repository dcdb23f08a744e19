package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/leadership"
)

// Jobs is what the API needs of the jobs.
type Jobs interface {
	Submit(ctx context.Context, s jobs.Submission) (job jobs.Job, created bool, err error)
	Get(ctx context.Context, id int64) (jobs.Job, error)
	Find(ctx context.Context, key string) (jobs.Job, error)
	List(ctx context.Context, state jobs.State, after int64, limit int) ([]jobs.Job, error)
	Counts(ctx context.Context) (jobs.Counts, error)
}

var _ Jobs = (*jobs.Store)(nil)

// Leadership is the answer to who leads.
type Leadership struct {
	leadership.Holder
	Self bool `json:"self"` // it is this replica, in its own opinion, right now
}

// Config is what an API is made of.
type Config struct {
	Token     string // empty: none is asked for
	Jobs      Jobs
	Leader    func(ctx context.Context) (Leadership, error)
	Health    *Health
	Metrics   http.Handler
	Submitted func() // called after the commit of each new job
	Log       *slog.Logger
}

// API is a replica's HTTP interface.
type API struct {
	token     [sha256.Size]byte
	open      bool
	jobs      Jobs
	leader    func(ctx context.Context) (Leadership, error)
	health    *Health
	metrics   http.Handler
	submitted func()
	log       *slog.Logger
}

// New returns the API.
func New(c Config) *API {
	return &API{
		token: sha256.Sum256([]byte(c.Token)), open: c.Token == "",
		jobs: c.Jobs, leader: c.Leader, health: c.Health, metrics: c.Metrics, submitted: c.Submitted, log: c.Log,
	}
}

// Handler returns the API's routes.
func (a *API) Handler() http.Handler {
	v1 := http.NewServeMux()
	v1.HandleFunc("POST /v1/jobs", a.submit)
	v1.HandleFunc("GET /v1/jobs", a.list)
	v1.HandleFunc("GET /v1/jobs/{id}", a.job)
	v1.HandleFunc("GET /v1/leadership", a.leadership)
	v1.HandleFunc("GET /v1/counts", a.counts)
	all := http.NewServeMux()
	all.Handle("/v1/", a.authorized(v1))
	all.HandleFunc("GET /healthz", a.healthz)
	all.HandleFunc("GET /readyz", a.readyz)
	all.Handle("GET /metrics", a.metrics)
	return all
}

func (a *API) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(token))
		if !a.open && subtle.ConstantTimeCompare(sum[:], a.token[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			a.reply(w, http.StatusUnauthorized, problem{Error: "a bearer token is needed", Effect: noEffect})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Serve answers on l until ctx ends; then it takes nothing new and gives
// requests under way up to grace. The error is nil after such an end.
func (a *API) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	server := &http.Server{
		Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the API: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(ending)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests outlasted the grace: %w", err), server.Close())
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
