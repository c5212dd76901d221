package deepmoe

// Must panics when a call failed, for small programs: Must(NewEngine("network.safetensors", nil)).
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
