package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/google/uuid"
)

const greeting = "release one"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s\n", greeting, uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.Host)))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
