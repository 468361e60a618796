// Pebble, Let's Encrypt's own authority for tests, as the embedded AWS runs it.
//
// The first line of standard input is JSON: {"secret": who may ask, "validSeconds": the life of a certificate by profile}.
// The first line of output is JSON: {"port": of 127.0.0.1, "root": the authority's certificate as PEM}. Each further line
// of input is JSON: {"addresses": {name: [address]}}, all names that the authority can resolve. It ends with its input.
package main

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

type settings struct {
	Secret       string            `json:"secret"`
	ValidSeconds map[string]uint64 `json:"validSeconds"`
}

type names struct {
	Addresses map[string][]string `json:"addresses"`
}

func main() {
	log.SetOutput(os.Stderr)
	input := bufio.NewReader(os.Stdin)
	var told settings
	read(input, &told)
	profiles := map[string]ca.Profile{}
	for name, seconds := range told.ValidSeconds {
		profiles[name] = ca.Profile{Description: name, ValidityPeriod: seconds}
	}
	logger := log.New(os.Stderr, "", 0)
	store := db.NewMemoryStore()
	authority := ca.New(logger, store, "", "ecdsa", 0, 1, profiles)
	var known atomic.Pointer[names]
	known.Store(&names{})
	resolveFrom(&known)
	validator := va.New(logger, 80, 443, false, "", store)
	front := wfe.New(logger, store, validator, authority, []string{"letsencrypt.org"}, false, false, 1, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	handler := front.Handler()
	go func() {
		log.Fatal(http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			// Only the gateway: whoever trusts this authority trusts all that it issues.
			if subtle.ConstantTimeCompare([]byte(request.Header.Get("X-Berth-Gateway")), []byte(told.Secret)) != 1 {
				http.Error(response, "that is not for you", http.StatusForbidden)
				return
			}
			handler.ServeHTTP(response, request)
		})))
	}()
	port := listener.Addr().(*net.TCPAddr).Port
	root := string(authority.GetRootCert(0).PEM())
	line, err := json.Marshal(map[string]any{"port": port, "root": root})
	check(err)
	fmt.Println(string(line))
	for {
		var next names
		read(input, &next)
		known.Store(&next)
	}
}

// The authority resolves what it is told and nothing else: its resolver's connections end in this process.
func resolveFrom(known *atomic.Pointer[names]) {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asking, answering := net.Pipe()
		go serveNames(&dns.Conn{Conn: answering}, known)
		return asking, nil
	}}
}

func serveNames(connection *dns.Conn, known *atomic.Pointer[names]) {
	defer connection.Close()
	for {
		query, err := connection.ReadMsg()
		if err != nil || len(query.Question) != 1 {
			return
		}
		if connection.WriteMsg(answer(query, known.Load().Addresses)) != nil {
			return
		}
	}
}

func answer(query *dns.Msg, known map[string][]string) *dns.Msg {
	reply := new(dns.Msg).SetReply(query)
	question := query.Question[0]
	addresses, isKnown := known[strings.ToLower(strings.TrimSuffix(question.Name, "."))]
	if !isKnown {
		return reply.SetRcode(query, dns.RcodeNameError)
	}
	for _, address := range addresses {
		header := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET, Ttl: 1}
		ip := net.ParseIP(address)
		if question.Qtype == dns.TypeA && ip.To4() != nil {
			reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: ip})
		} else if question.Qtype == dns.TypeAAAA && ip.To4() == nil {
			reply.Answer = append(reply.Answer, &dns.AAAA{Hdr: header, AAAA: ip})
		}
	}
	return reply
}

// Ends the process with its input.
func read(input *bufio.Reader, into any) {
	line, err := input.ReadBytes('\n')
	if err == io.EOF {
		os.Exit(0)
	}
	check(err)
	check(json.Unmarshal(line, into))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
