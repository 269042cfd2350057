// Command client-go uses a cluster as controllers do and prints what it sees, one line an operation:
// operation, "ok" or the failure, and what was seen without what differs from run to run (times, versions, ids).
// usage: client-go NAMESPACE POD; $KUBECONFIG names the cluster.  POD runs `sh` and has logged "one" and "two".
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const operationMax = 30 * time.Second

type client struct {
	config    *rest.Config
	typed     *kubernetes.Clientset // JSON
	binary    *kubernetes.Clientset // protobuf
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	namespace string
	pod       string
}

type operation struct {
	name string
	run  func(*client, context.Context) (seen string, err error)
}

func newClient(namespace, pod string) (*client, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 100, 200 // its own throttle is not what is looked at
	c := &client{config: config, namespace: namespace, pod: pod}
	if c.typed, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	asProtobuf := rest.CopyConfig(config)
	asProtobuf.ContentType = "application/vnd.kubernetes.protobuf"
	asProtobuf.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	if c.binary, err = kubernetes.NewForConfig(asProtobuf); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	c.metadata, err = metadata.NewForConfig(config)
	return c, err
}

// one line without tabs, short: what is long is named by its hash.
func digest(seen string) string {
	seen = strings.NewReplacer("\n", "\\n", "\t", "\\t", "\r", "\\r").Replace(seen)
	if len(seen) > 400 {
		return fmt.Sprintf("%.60s... %d bytes %x", seen, len(seen), sha256.Sum256([]byte(seen)))
	}
	return seen
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client-go NAMESPACE POD")
		os.Exit(2)
	}
	c, err := newClient(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "client-go:", err)
		os.Exit(1)
	}
	for _, operations := range [][]operation{objects, watches, streams} {
		for _, o := range operations {
			ctx, cancel := context.WithTimeout(context.Background(), operationMax)
			seen, err := o.run(c, ctx)
			cancel()
			verdict := "ok"
			if err != nil {
				verdict = digest(err.Error())
			}
			fmt.Printf("%s\t%s\t%s\n", o.name, verdict, digest(seen))
		}
	}
}
