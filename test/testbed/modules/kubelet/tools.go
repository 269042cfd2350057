//go:build tools

// Package kubelet pins the kubelet, which plays one real node in the full run.
package kubelet

import _ "k8s.io/kubernetes/cmd/kubelet"
