package deepmoe

// #include <deepmoe_runtime.h>
// #include <stdlib.h>
import "C"

import (
	"encoding/json"
	"unsafe"
)

// Values are options or settings by name: numbers, booleans, strings, lists.
type Values map[string]any

type textCall = func(text **C.dmoe_string, failure **C.dmoe_error) C.int32_t

// text makes a call that gives a dmoe_string before the error.
func text(call textCall) (string, error) {
	bytes, err := jsonOf(call)
	return string(bytes), err
}

// jsonOf makes a call that gives JSON before the error.
func jsonOf(call textCall) (json.RawMessage, error) {
	var result *C.dmoe_string
	if err := check(func(failure **C.dmoe_error) C.int32_t { return call(&result, failure) }); err != nil {
		return nil, err
	}
	defer C.dmoe_string_release(result)
	return C.GoBytes(unsafe.Pointer(C.dmoe_string_data(result)), C.int(C.dmoe_string_size(result))), nil
}

// withText lends C a string for one call.
func withText(value string, call func(*C.char) error) error {
	copied := C.CString(value)
	defer C.free(unsafe.Pointer(copied))
	return call(copied)
}

// withValues lends C JSON for one call; NULL where there are no values.
func withValues(values Values, call func(*C.char) error) error {
	if values == nil {
		return call(nil)
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return invalid("the values cannot be written as JSON: %v", err)
	}
	return withText(string(encoded), call)
}
