//go:build deepmoe_runtime

package deepmoe

import "testing"

const hasTraining = false

func recordTraining(*testing.T, *cases, []float32) {}
