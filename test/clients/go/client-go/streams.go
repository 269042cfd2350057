// Operations that connect to a pod: exec and port-forward by WebSocket and by SPDY, logs.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
)

var streams = []operation{
	{"exec by WebSocket", func(c *client, ctx context.Context) (string, error) { return execute(c, ctx, byWebSocket) }},
	{"exec by SPDY", func(c *client, ctx context.Context) (string, error) { return execute(c, ctx, bySPDY) }},
	{"exec with a terminal", terminal},
	{"port-forward by WebSocket", func(c *client, ctx context.Context) (string, error) { return forward(c, ctx, tunnelled) }},
	{"port-forward by SPDY", func(c *client, ctx context.Context) (string, error) { return forward(c, ctx, plainSPDY) }},
	{"logs", logs},
	{"logs followed", followed},
}

type executorOf func(*client, *url.URL) (remotecommand.Executor, error)

func byWebSocket(c *client, to *url.URL) (remotecommand.Executor, error) {
	return remotecommand.NewWebSocketExecutor(c.config, "GET", to.String())
}

func bySPDY(c *client, to *url.URL) (remotecommand.Executor, error) {
	return remotecommand.NewSPDYExecutor(c.config, "POST", to)
}

func (c *client) podURL(subresource string, options *core.PodExecOptions) *url.URL {
	request := c.typed.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.namespace).Name(c.pod).SubResource(subresource)
	if options != nil {
		request = request.VersionedParams(options, scheme.ParameterCodec)
	}
	return request.URL()
}

// execute: what goes in comes out, on the right stream, once the input's end has been seen; with the exit code.
func execute(c *client, ctx context.Context, by executorOf) (string, error) {
	executor, err := by(c, c.podURL("exec", &core.PodExecOptions{Stdin: true, Stdout: true, Stderr: true,
		Command: []string{"sh", "-c", "cat; echo to-stderr >&2; exit 7"}}))
	if err != nil {
		return "", err
	}
	input, out, errOut := strings.Repeat("a line of input\n", 20000), &bytes.Buffer{}, &bytes.Buffer{}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{
		Stdin: strings.NewReader(input), Stdout: out, Stderr: errOut})
	code := 0
	var exited exec.CodeExitError
	if errors.As(err, &exited) {
		code, err = exited.Code, nil
	}
	return fmt.Sprintf("%d bytes, the same: %v; stderr %q; exit %d", out.Len(), out.String() == input, errOut, code), err
}

type oneSize struct{ given bool }

func (s *oneSize) Next() *remotecommand.TerminalSize {
	if s.given {
		return nil
	}
	s.given = true
	return &remotecommand.TerminalSize{Width: 123, Height: 45}
}

func terminal(c *client, ctx context.Context) (string, error) {
	executor, err := byWebSocket(c, c.podURL("exec", &core.PodExecOptions{Stdin: true, Stdout: true, TTY: true,
		Command: []string{"sh", "-c", "stty size; test -t 0 && echo terminal"}}))
	if err != nil {
		return "", err
	}
	input, _ := io.Pipe() // never ends, as a person's does not
	out := &bytes.Buffer{}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{
		Stdin: input, Stdout: out, Tty: true, TerminalSizeQueue: &oneSize{}})
	return out.String(), err
}

type dialerOf func(*client, *url.URL) (httpstream.Dialer, error)

func tunnelled(c *client, to *url.URL) (httpstream.Dialer, error) {
	return portforward.NewSPDYOverWebsocketDialer(to, c.config)
}

func plainSPDY(c *client, to *url.URL) (httpstream.Dialer, error) {
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", to), nil
}

// forward: a port of the pod, which the test bed's node connects to the same port of loopback, where we listen.
func forward(c *client, ctx context.Context, by dialerOf) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	go echo(listener)
	dialer, err := by(c, c.podURL("portforward", nil))
	if err != nil {
		return "", err
	}
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	ports := []string{fmt.Sprintf("0:%d", listener.Addr().(*net.TCPAddr).Port)}
	forwarder, err := portforward.New(dialer, ports, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return "", err
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err = <-ended:
		return "", fmt.Errorf("ended: %w", err)
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer close(stop)
	local, err := forwarder.GetPorts()
	if err != nil {
		return "", err
	}
	seen := ""
	for range 3 { // connections over one upgrade
		got, err := sendAndReceive(fmt.Sprintf("localhost:%d", local[0].Local), strings.Repeat("forwarded ", 10000))
		if err != nil {
			return seen, err
		}
		seen += got
	}
	return seen, nil
}

func echo(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer connection.Close()
			io.Copy(connection, connection)
		}()
	}
}

// sendAndReceive ends what it sends and expects all of it back, and the end.
func sendAndReceive(address, text string) (string, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	go func() {
		io.WriteString(connection, text)
		connection.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(connection)
	return fmt.Sprintf("%d bytes, the same: %v; ", len(got), string(got) == text), err
}

// logs and followed: the pod has written two lines and goes on running.
func logs(c *client, ctx context.Context) (string, error) {
	text, err := c.typed.CoreV1().Pods(c.namespace).GetLogs(c.pod, &core.PodLogOptions{}).DoRaw(ctx)
	return string(text), err
}

func followed(c *client, ctx context.Context) (string, error) {
	stream, err := c.binary.CoreV1().Pods(c.namespace).GetLogs(c.pod, &core.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	lines, seen := bufio.NewScanner(stream), ""
	for strings.Count(seen, "\n") < 2 && lines.Scan() {
		seen += lines.Text() + "\n"
	}
	return seen, lines.Err()
}
