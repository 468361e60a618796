const goMod = "module example.test/app\n\ngo 1.24\n";

const program = (body: string): string => `package main

import (
	"fmt"
	"log"
	"net/http"
)

func main() {
${body}
}
`;

/** A third party's app: a main.go and a go.mod, without any container files. */
export const greetingApp = (greeting: string) => ({
  "go.mod": goMod,
  "main.go":
    program(`	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "${greeting}") })
	log.Fatal(http.ListenAndServe(":8080", nil))`),
});

/** An app that takes as many milliseconds as it is asked for. Each replica fails every tenth request. */
export const failingApp = {
  "go.mod": goMod,
  "main.go": program(`	var asked atomic.Int64
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		if asked.Add(1)%10 == 0 {
			w.WriteHeader(500)
		}
	})
	fmt.Println("ready")
	log.Fatal(http.ListenAndServe(":8080", nil))`).replace(
    '"net/http"',
    '"net/http"\n\t"strconv"\n\t"sync/atomic"\n\t"time"',
  ),
};

/** An app that starts and says so, but never answers on its port. */
export const deafApp = {
  "go.mod": goMod,
  "main.go": program(`	fmt.Println("listening on the wrong port")
	log.Fatal(http.ListenAndServe(":9999", http.NotFoundHandler()))`),
};

/** An app that logs each request, fails on demand, and says so before it dies. */
export const talkingApp = {
  "go.mod": goMod,
  "main.go": program(`	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		switch r.URL.Path {
		case "/fail":
			w.WriteHeader(500)
		case "/die":
			fmt.Print("dying")
			os.Exit(1)
		}
	})
	log.Fatal(http.ListenAndServe(":8080", nil))`).replace('"net/http"', '"net/http"\n\t"os"'),
};

/** An app that says why it can't start, and ends. */
export const crashingApp = {
  "go.mod": goMod,
  "main.go": program(`	http.DefaultClient.Timeout = 0
	fmt.Println("starting")
	log.Fatal("no database")`),
};

export const brokenApp = {
  "go.mod": goMod,
  "main.go": program(`	fmt.Println("an unclosed string)\n	log.Fatal(http.ListenAndServe(":8080", nil))`),
};
