//go:build tools

// Package etcd pins etcd, the store of the test bed's clusters.
package etcd

import _ "go.etcd.io/etcd/server/v3"
