module github.com/loopkitai/loopkit-go/benchmarks

go 1.25.0

require (
	github.com/posthog/posthog-go v1.5.2
	github.com/stretchr/testify v1.12.1
	gopkg.in/segmentio/analytics-go.v3 v3.1.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

require (
	github.com/loopkitai/loopkit-go v0.0.0-00010101000000-000000000000
	github.com/segmentio/backo-go v1.1.0 // indirect
	github.com/xtgo/uuid v0.0.0-20140804021211-a0b114877d4c // indirect
)
