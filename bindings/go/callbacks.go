package deepmoe

// #include <deepmoe_runtime.h>
import "C"

import "unsafe"

//export deepmoeGoLog
func deepmoeGoLog(level C.int32_t, message *C.char, userData unsafe.Pointer) C.int32_t {
	defer func() { _ = recover() }() // There is no call to panic in.
	valueAt(userData).(func(LogLevel, string))(LogLevel(level), C.GoString(message))
	return 0
}

//export deepmoeGoUnpin
func deepmoeGoUnpin(userData unsafe.Pointer) C.int32_t {
	valueAt(userData).(*lent).giveBack()
	return 0
}
