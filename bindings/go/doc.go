// Package deepmoe trains, evaluates, shrinks and serves DeepMoE networks with libdeepmoe, which pkg-config finds.
// With the build tag deepmoe_runtime it links libdeepmoe_runtime, which serves networks and needs no LibTorch; data sets,
// models and trainers are then not there.
//
// The C headers are the manual; here is what differs:
//
//   - Objects are released at Close, or when they are collected. Using one after Close is an ErrState.
//   - A failed call returns an *Error with the library's words; errors.Is(err, deepmoe.ErrNotFound) asks for its code.
//   - Slices are read and written where they are, never copied. Those of a data set are pinned until the library lets go.
//   - Long calls end with their context, whose error they return, and with the error that a callback returns.
//   - A callback has a goroutine of its own. When it panics, its call ends and panics with the same value; when it ends its
//     goroutine, the call ends that of its caller.
//   - Settings and options are Values; figures and descriptions are JSON, for encoding/json.
//   - One object must not be used by two goroutines at the same time, except engines, data sets, and tensors that nobody
//     adds to.
package deepmoe
