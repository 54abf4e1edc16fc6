// The OCI distribution spec's own conformance program, pinned. Its releases carry no version of this module (it is a
// folder of the specification), so this is the pseudo-version of a commit after the specification 1.1.1; the program is told to test
// against 1.1.
module managed-image-registry/conformance

go 1.24.0

tool github.com/opencontainers/distribution-spec/conformance

require (
	github.com/goccy/go-yaml v1.18.0 // indirect
	github.com/opencontainers/distribution-spec/conformance v0.0.0-20260831232431-97274622c111 // indirect
	github.com/opencontainers/distribution-spec/specs-go v0.0.0-20240926185104-8376368dd8aa // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
)
