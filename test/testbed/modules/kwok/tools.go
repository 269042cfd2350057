//go:build tools

// Package kwok pins KWOK, which plays the test bed's nodes and the life cycle of their pods.
package kwok

import _ "sigs.k8s.io/kwok/cmd/kwok"
