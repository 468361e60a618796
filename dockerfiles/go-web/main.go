// Command go-web is a small web application with a flaw: about one answer in ten is an HTTP 500, each
// decided on its own. It stands for an application that is deployed as it is, by people who can't change it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	address      = ":8080"
	failsOneIn   = 10
	drainTimeout = 8 * time.Second
)

type app struct {
	host    string
	answers atomic.Uint64
}

func main() {
	host, err := os.Hostname()
	if err != nil {
		log.Fatalf("no host name: %v", err)
	}
	server := &http.Server{
		Addr:              address,
		Handler:           routes(&app{host: host}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    1 << 16,
	}
	if err := serve(server); err != nil {
		log.Fatal(err)
	}
}

func routes(a *app) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", a.answer)
	return mux
}

func (a *app) answer(w http.ResponseWriter, r *http.Request) {
	count := a.answers.Add(1)
	if rand.IntN(failsOneIn) == 0 {
		log.Printf("request %d failed, as one in %d does", count, failsOneIn)
		http.Error(w, "something went wrong", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "Hello from %s. This is request %d.\n", a.host, count)
}

// serve answers until SIGTERM or SIGINT, then lets the requests in hand end.
func serve(server *http.Server) error {
	stopped, forget := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer forget()

	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Printf("listening on %s", server.Addr)

	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-stopped.Done():
	}
	log.Print("stopping")
	drained, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drained); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
