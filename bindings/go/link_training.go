//go:build !deepmoe_runtime

package deepmoe

// #cgo pkg-config: deepmoe
import "C"
