module github.com/loopkitai/loopkit-go/examples/cli

go 1.25.0

require (
	github.com/loopkitai/loopkit-go v0.0.0-00010101000000-000000000000
	github.com/loopkitai/loopkit-go/spool v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	go.etcd.io/bbolt v1.5.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.46.0 // indirect
)
