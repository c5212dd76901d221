package deepmoe

// #include <deepmoe_runtime.h>
import "C"

import (
	"runtime"
	"unsafe"
)

// outcome says how a function ended that did not return.
type outcome struct {
	panicked any
	exited   bool
}

func (o outcome) failed() bool { return o.panicked != nil || o.exited }

// goOn panics, or ends the goroutine, as the function did.
func (o outcome) goOn() {
	if o.panicked != nil {
		panic(o.panicked)
	}
	if o.exited {
		runtime.Goexit()
	}
}

// apart calls a function of the program's in a goroutine of its own: neither its panic nor its runtime.Goexit, which
// t.FailNow is, may unwind the C frames below a callback.
func apart(call func()) (o outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.exited = true
		defer func() {
			if o.panicked = recover(); o.panicked != nil {
				o.exited = false
			}
		}()
		call()
		o.exited = false
	}()
	<-done
	return o
}

//export deepmoeGoLog
func deepmoeGoLog(level C.int32_t, message *C.char, userData unsafe.Pointer) C.int32_t {
	receive, text := valueAt(userData).(func(LogLevel, string)), C.GoString(message)
	apart(func() { receive(LogLevel(level), text) }) // There is no call to panic in.
	return 0
}

//export deepmoeGoUnpin
func deepmoeGoUnpin(userData unsafe.Pointer) C.int32_t {
	valueAt(userData).(*lent).giveBack()
	return 0
}
