// A gateway on rancher/remotedialer as Rancher's: a server whose HTTP transport dials the cluster's API through the WebSocket
// that an agent opened.  The peer of bench/run.py; TLS everywhere that mk8s has it, and none of mk8s' decisions or records.
//
//	remotedialer server --listen ADDR --folder DIR --upstream URL [--keep N]
//	remotedialer agent --server ADDR --folder DIR
//
// DIR holds ca.crt, server.{crt,key}, client.{crt,key}.  --keep 0: a connection for each request, as Rancher uses it.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gorilla/websocket"
	"github.com/rancher/remotedialer"
	"github.com/sirupsen/logrus"
)

const cluster = "bench"

func main() {
	logrus.SetLevel(logrus.WarnLevel)
	flags := flag.NewFlagSet("remotedialer", flag.ExitOnError)
	listen := flags.String("listen", "", "server: the address of clients and agents")
	server := flags.String("server", "", "agent: the server's address")
	folder := flags.String("folder", "", "certificates and keys")
	upstream := flags.String("upstream", "", "server: the cluster's API")
	keep := flags.Int("keep", 0, "server: kept connections to the cluster; 0: one a request")
	if len(os.Args) < 2 {
		log.Fatal("usage: remotedialer server|agent ...")
	}
	_ = flags.Parse(os.Args[2:])
	if os.Args[1] == "agent" {
		log.Fatal(runAgent(*folder, *server))
	}
	log.Fatal(runServer(*folder, *listen, *upstream, *keep))
}

// Both ends present the client's certificate where they dial.
func dialTLS(folder string) *tls.Config {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "client.crt"), filepath.Join(folder, "client.key"))
	if err != nil {
		log.Fatal(err)
	}
	return &tls.Config{RootCAs: authorities(folder), Certificates: []tls.Certificate{certificate},
		ClientSessionCache: tls.NewLRUClientSessionCache(1024)}
}

func authorities(folder string) *x509.CertPool {
	pem, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

func runServer(folder, listen, upstream string, keep int) error {
	target, err := url.Parse(upstream)
	if err != nil {
		return err
	}
	tunnel := remotedialer.New(func(request *http.Request) (string, bool, error) {
		return cluster, request.TLS != nil && len(request.TLS.PeerCertificates) > 0, nil
	}, remotedialer.DefaultErrorWriter)
	dial := tunnel.Dialer(cluster)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dial(ctx, network, address)
		},
		TLSClientConfig:     dialTLS(folder),
		DisableKeepAlives:   keep == 0,
		MaxIdleConns:        keep,
		MaxIdleConnsPerHost: keep,
	}
	routes := http.NewServeMux()
	routes.Handle("/connect", tunnel)
	routes.Handle("/", proxy)
	front := &http.Server{Addr: listen, Handler: routes, TLSConfig: &tls.Config{
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: authorities(folder)}}
	return front.ListenAndServeTLS(filepath.Join(folder, "server.crt"), filepath.Join(folder, "server.key"))
}

func runAgent(folder, server string) error {
	dialer := &websocket.Dialer{TLSClientConfig: dialTLS(folder)}
	allow := func(network, address string) bool { return true }
	return remotedialer.ClientConnect(context.Background(), "wss://"+server+"/connect", nil, dialer, allow, nil)
}
