//go:build !deepmoe_runtime

package deepmoe

// #include <deepmoe.h>
import "C"

import (
	"context"
	"math"
	"runtime/cgo"
	"unsafe"
)

// Event is what happens in a long call; the JSON of each is described at DMOE_EVENT_START in deepmoe.h.
type Event int32

// The events.
const (
	EventStart      Event = C.DMOE_EVENT_START      // a run begins
	EventStep       Event = C.DMOE_EVENT_STEP       // a step was done
	EventEpoch      Event = C.DMOE_EVENT_EPOCH      // an epoch ended: a line of metrics
	EventSaved      Event = C.DMOE_EVENT_SAVED      // a file was written
	EventValidation Event = C.DMOE_EVENT_VALIDATION // images were evaluated
	EventFetch      Event = C.DMOE_EVENT_FETCH      // bytes of a data set came in
)

// Callback receives an event and its JSON, in a goroutine of its own, never twice at the same time. An error
// ends the call, which returns it when the step under way is finished and everything is saved.
type Callback func(event Event, json string) error

// receiver lends a callback and a context to one C call.
type receiver struct {
	context  context.Context
	callback Callback
	outcome
	stopped error
}

// What C is told when the reason is kept here.
const stopAnswer = math.MinInt32

// during makes a C call that takes a callback. A panic of the callback goes on here; an error of it, or of the context,
// is the call's.
func during(ctx context.Context, callback Callback, call func(userData unsafe.Pointer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &receiver{context: ctx, callback: callback}
	handle := cgo.NewHandle(r)
	defer handle.Delete()
	err := call(unsafe.Pointer(&handle)) // C keeps the address during the call alone.
	r.goOn()
	if r.stopped != nil && err != nil {
		return r.stopped
	}
	return err
}

func (r *receiver) receive(event Event, json string) (answer int32) {
	if r.failed() || r.stopped != nil {
		return stopAnswer
	}
	if r.stopped = r.context.Err(); r.stopped == nil && r.callback != nil {
		r.outcome = apart(func() { r.stopped = r.callback(event, json) })
	}
	if r.failed() || r.stopped != nil {
		return stopAnswer
	}
	return 0
}

//export deepmoeGoEvent
func deepmoeGoEvent(event C.int32_t, json *C.char, userData unsafe.Pointer) C.int32_t {
	return C.int32_t(valueAt(userData).(*receiver).receive(Event(event), C.GoString(json)))
}
