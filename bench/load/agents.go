package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	service        = "/mk8s.agent.v1.AgentService/"
	tunnelProtocol = "mk8s-tunnel/1"
	registering    = 16 // at once: the start is no part of what is measured
)

// Passes messages as they are: they are few, and generated code would need protoc.
type raw struct{}

func (raw) Marshal(value any) ([]byte, error)        { return value.([]byte), nil }
func (raw) Unmarshal(bytes []byte, value any) error { *value.(*[]byte) = bytes; return nil }
func (raw) Name() string                            { return "proto" }

// One agent as central sees it: a gRPC connection with heartbeats, and the one tunnel connection
// that a real agent keeps while nobody asks.
type idleAgent struct {
	cluster, token string
	address        string
	trust          *tls.Config
	heartbeats     *atomic.Int64
}

func runAgents(trust *tls.Config, address, tokensFile string) (map[string]int64, error) {
	file, err := os.Open(tokensFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var heartbeats, open, failed atomic.Int64
	slots := make(chan struct{}, registering)
	var starting sync.WaitGroup
	for lines := bufio.NewScanner(file); lines.Scan(); {
		cluster, token, _ := strings.Cut(lines.Text(), " ")
		agent := idleAgent{cluster, token, address, trust, &heartbeats}
		slots <- struct{}{}
		starting.Add(1)
		go func() {
			defer func() { <-slots; starting.Done() }()
			if err := agent.start(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", agent.cluster, err)
				failed.Add(1)
				return
			}
			open.Add(1)
		}()
	}
	starting.Wait()
	readyUntilStdinEnds()
	return map[string]int64{"agents": open.Load(), "failed": failed.Load(), "heartbeats": heartbeats.Load()}, nil
}

func (a *idleAgent) start() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return err
	}
	registered, err := a.register(csr)
	if err != nil {
		return err
	}
	certificate := tls.Certificate{PrivateKey: key}
	for rest := registered.certificatePEM; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate.Certificate = append(certificate.Certificate, block.Bytes)
	}
	identity := a.trust.Clone()
	identity.Certificates = []tls.Certificate{certificate}
	control, err := grpc.NewClient(a.address, grpc.WithTransportCredentials(credentials.NewTLS(identity)))
	if err != nil {
		return err
	}
	go a.beat(control, registered.epoch)
	tunnel := identity.Clone()
	tunnel.NextProtos = []string{tunnelProtocol}
	connection, err := tls.Dial("tcp", a.address, tunnel)
	if err != nil {
		return err
	}
	go (&http2.Server{}).ServeConn(connection, &http2.ServeConnOpts{Handler: http.NotFoundHandler()})
	return nil
}

type registration struct {
	certificatePEM []byte
	epoch          uint64
}

// RegisterRequest and RegisterResponse of api/proto/mk8s/agent/v1/agent.proto.
func (a *idleAgent) register(csr []byte) (registration, error) {
	var request []byte
	for number, field := range map[protowire.Number][]byte{1: []byte(a.token), 2: []byte(a.cluster), 3: csr} {
		request = protowire.AppendBytes(protowire.AppendTag(request, number, protowire.BytesType), field)
	}
	connection, err := grpc.NewClient(a.address, grpc.WithTransportCredentials(credentials.NewTLS(a.trust.Clone())))
	if err != nil {
		return registration{}, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var response []byte
	if err := connection.Invoke(ctx, service+"Register", request, &response, grpc.ForceCodec(raw{})); err != nil {
		return registration{}, err
	}
	var result registration
	for len(response) > 0 {
		number, kind, length := protowire.ConsumeTag(response)
		if length < 0 {
			return registration{}, protowire.ParseError(length)
		}
		response = response[length:]
		switch {
		case number == 2 && kind == protowire.BytesType:
			result.certificatePEM, length = protowire.ConsumeBytes(response)
		case number == 4 && kind == protowire.VarintType:
			result.epoch, length = protowire.ConsumeVarint(response)
		default:
			length = protowire.ConsumeFieldValue(number, kind, response)
		}
		if length < 0 {
			return registration{}, protowire.ParseError(length)
		}
		response = response[length:]
	}
	return result, nil
}

// HeartbeatRequest, every 15 s with the real agent's jitter.
func (a *idleAgent) beat(control *grpc.ClientConn, epoch uint64) {
	request := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), epoch)
	for {
		var response []byte
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := control.Invoke(ctx, service+"Heartbeat", request, &response, grpc.ForceCodec(raw{})); err == nil {
			a.heartbeats.Add(1)
		} else {
			fmt.Fprintf(os.Stderr, "%s: %v\n", a.cluster, err)
		}
		cancel()
		time.Sleep(time.Duration(15 * (0.8 + 0.4*mathrand.Float64()) * float64(time.Second)))
	}
}
