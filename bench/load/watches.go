package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"sync/atomic"

	"golang.org/x/net/http2"
)

// Below what a server grants a connection (250).
const watchesPerConnection = 200

func runWatches(trust *tls.Config, url, token string, count int) (map[string]int64, error) {
	var events, ended atomic.Int64
	var transport *http2.Transport
	for i := 0; i < count; i++ {
		if i%watchesPerConnection == 0 {
			transport = &http2.Transport{TLSClientConfig: trust.Clone()}
		}
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := transport.RoundTrip(request)
		if err != nil {
			return nil, fmt.Errorf("watch %d: %w", i, err)
		}
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("watch %d: %s", i, response.Status)
		}
		go func() {
			defer ended.Add(1)
			lines := bufio.NewReader(response.Body)
			for {
				if _, err := lines.ReadString('\n'); err != nil {
					return
				}
				events.Add(1)
			}
		}()
	}
	readyUntilStdinEnds()
	return map[string]int64{"watches": int64(count), "ended": ended.Load(), "events": events.Load()}, nil
}
