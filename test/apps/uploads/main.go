// Keeps what is PUT to it, below /data.
package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
)

const greeting = "release one"

func place(r *http.Request) string {
	return filepath.Join("/data", filepath.Base(r.PathValue("name")))
}

func put(w http.ResponseWriter, r *http.Request) {
	file, err := os.Create(place(r))
	if err == nil {
		_, err = io.Copy(file, r.Body)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		log.Print(err)
		http.Error(w, "it could not be kept", http.StatusInsufficientStorage)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func sum(w http.ResponseWriter, r *http.Request) {
	file, err := os.Open(place(r))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		log.Print(err)
	}
	fmt.Fprintf(w, "%x", hash.Sum(nil))
}

func main() {
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, greeting) })
	http.HandleFunc("PUT /{name}", put)
	http.HandleFunc("GET /{name}", sum)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
