package wire

// SDKName and Version are what system.sdk of every message says.
const (
	SDKName = "loopkit-go"
	Version = "0.1.0"
)
