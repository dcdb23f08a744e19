package manifest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// partVariable makes the test binary play a part in a system.
const partVariable = "MANIFEST_TEST_PART"

func TestMain(m *testing.M) {
	switch part := os.Getenv(partVariable); part {
	case "":
		goleak.VerifyTestMain(m)
	case "greeter":
		panic(greet(os.Getenv("GREETER")))
	case "replica":
		panic(http.ListenAndServe(os.Getenv("LISTEN"), replicaHandler()))
	default:
		panic("there is no part " + part)
	}
}

// greet is a store: it says its pid to whoever connects.
func greet(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(conn, "pid %d\n", os.Getpid()); err != nil {
			return err
		}
		if err := conn.Close(); err != nil {
			return err
		}
	}
}

// replicaHandler is a replica: it passes on what the greeter says, and can be asked
// to end.
func replicaHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", passOn)
	mux.HandleFunc("POST /call/", call)
	mux.HandleFunc("GET /environment/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getenv(r.PathValue("name")))
	})
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("POST /later", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		time.AfterFunc(50*time.Millisecond, func() { os.Exit(4) })
	})
	mux.HandleFunc("POST /deaf", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /never", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not now", http.StatusConflict) })
	return mux
}

// call passes on what a backend answers.
func call(w http.ResponseWriter, _ *http.Request) {
	answer, err := http.Get(os.Getenv("BACKEND"))
	if err == nil {
		_, err = io.Copy(w, answer.Body)
		err = errors.Join(err, answer.Body.Close())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func passOn(w http.ResponseWriter, _ *http.Request) {
	conn, err := net.Dial("tcp", os.Getenv("STORE"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	n, err := io.Copy(w, conn)
	if err = errors.Join(err, conn.Close()); err != nil || n == 0 {
		http.Error(w, fmt.Sprint("nobody greets: ", err), http.StatusBadGateway)
	}
}
