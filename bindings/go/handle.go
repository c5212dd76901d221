package deepmoe

// #include <stdlib.h>
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// place is a cgo.Handle in C's memory, for C to keep its address, which it may not do with an address of Go's.
type place struct{ memory unsafe.Pointer }

func placed(value any) place {
	memory := C.malloc(C.size_t(unsafe.Sizeof(cgo.Handle(0))))
	*(*cgo.Handle)(memory) = cgo.NewHandle(value)
	return place{memory}
}

func (p place) free() {
	if p.memory != nil {
		(*(*cgo.Handle)(p.memory)).Delete()
		C.free(p.memory)
	}
}

// valueAt is what was placed there.
func valueAt(memory unsafe.Pointer) any { return (*(*cgo.Handle)(memory)).Value() }
