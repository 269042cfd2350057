// Loads that need thousands of open connections or streams.  Each opens all it was asked for, prints "ready", stays until its
// stdin ends, and then prints a line of JSON with what it saw.
//
//	load watches --url URL --token T --ca FILE --count N     watches of one resource, 200 to an HTTP/2 connection
//	load agents --grpc HOST:PORT --ca FILE --tokens FILE     an idle agent for each line "cluster token" of FILE
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	url := flags.String("url", "", "watches: what is watched")
	token := flags.String("token", "", "watches: of the user")
	count := flags.Int("count", 0, "watches: how many")
	grpc := flags.String("grpc", "", "agents: central's port for agents")
	tokens := flags.String("tokens", "", "agents: file with a cluster and its token a line")
	ca := flags.String("ca", "", "file with the CA of central's certificate")
	if len(os.Args) < 2 {
		log.Fatal("usage: load watches|agents ...")
	}
	_ = flags.Parse(os.Args[2:])
	trust := &tls.Config{RootCAs: authorities(*ca)}
	var saw map[string]int64
	var err error
	if os.Args[1] == "watches" {
		saw, err = runWatches(trust, *url, *token, *count)
	} else {
		saw, err = runAgents(trust, *grpc, *tokens)
	}
	if err != nil {
		log.Fatal(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(saw)
}

func authorities(file string) *x509.CertPool {
	pem, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// Says that everything is open, and returns when the one who started this process closes its stdin.
func readyUntilStdinEnds() {
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
