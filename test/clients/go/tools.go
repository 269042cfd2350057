//go:build tools

// Package clients pins helm beside the client-go program, so that both share the packages they are made of.
package clients

import _ "helm.sh/helm/v3/cmd/helm"
