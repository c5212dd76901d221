package deepmoe

// #include <deepmoe_runtime.h>
import "C"

import "fmt"

// Code is what kind of failure it was: a DMOE_ERROR_*. It is a target for errors.Is and errors.As.
type Code int32

// The library's codes.
const (
	ErrInvalidArgument Code = C.DMOE_ERROR_INVALID_ARGUMENT // a value that the caller can correct
	ErrNotFound        Code = C.DMOE_ERROR_NOT_FOUND        // a file, folder, tensor or name that does not exist
	ErrIO              Code = C.DMOE_ERROR_IO               // the operating system refused to read or write
	ErrFormat          Code = C.DMOE_ERROR_FORMAT           // a file or text that is not what it must be
	ErrUnsupported     Code = C.DMOE_ERROR_UNSUPPORTED      // a wish that this version or machine cannot fulfil
	ErrOutOfMemory     Code = C.DMOE_ERROR_OUT_OF_MEMORY    // too little memory
	ErrCancelled       Code = C.DMOE_ERROR_CANCELLED        // a call that was cancelled
	ErrNumeric         Code = C.DMOE_ERROR_NUMERIC          // a loss or tensor that became NaN or infinite
	ErrState           Code = C.DMOE_ERROR_STATE            // a call that the object's state does not allow
	ErrInternal        Code = C.DMOE_ERROR_INTERNAL         // a defect of the library
)

// Error is the code's name, such as "not_found".
func (code Code) Error() string { return C.GoString(C.dmoe_status_name(C.int32_t(code))) }

// Error is a failed call: what was wrong, with which value, and what to do.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }

// Unwrap lets errors.Is and errors.As find the code.
func (e *Error) Unwrap() error { return e.Code }

// check makes a call that takes an error at the end, which it releases.
func check(call func(failure **C.dmoe_error) C.int32_t) error {
	var failure *C.dmoe_error
	status := call(&failure)
	if status == C.DMOE_OK {
		return nil
	}
	if failure == nil {
		return &Error{Code(status), Code(status).Error()}
	}
	defer C.dmoe_error_release(failure)
	return &Error{Code(C.dmoe_error_code(failure)), C.GoString(C.dmoe_error_message(failure))}
}

func invalid(format string, arguments ...any) error {
	return &Error{ErrInvalidArgument, fmt.Sprintf(format, arguments...)}
}

// expectSize compares a number of elements with the product of the extents.
func expectSize(what string, size int, extents ...int) error {
	elements := 1
	for _, extent := range extents {
		if extent < 0 || (extent > 0 && elements > size/extent+1) {
			return invalid("%s has %d elements, must have those of the shape %v", what, size, extents)
		}
		elements *= extent
	}
	if size != elements {
		return invalid("%s has %d elements, must have those of the shape %v", what, size, extents)
	}
	return nil
}
