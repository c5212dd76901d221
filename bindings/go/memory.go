package deepmoe

/*
#include <deepmoe_runtime.h>
#include <stdlib.h>
#include "dlpack.h"

extern int32_t deepmoeGoUnpin(void*);
static void free_tensor(struct DLManagedTensor* tensor) {
  if (tensor->manager_ctx != NULL) deepmoeGoUnpin(tensor->manager_ctx);
  free(tensor);
}

// A tensor whose shape lies behind it, and whose elements are the caller's.
static struct DLManagedTensor* new_tensor(void* data, int32_t code, int32_t bits, const int64_t* shape, int32_t rank,
                                          void* user_data) {
  struct DLManagedTensor* tensor = calloc(1, sizeof *tensor + sizeof(int64_t) * (size_t)rank);
  if (tensor == NULL) abort();
  tensor->data = data;
  tensor->device_type = 1;
  tensor->ndim = rank;
  tensor->code = (uint8_t)code;
  tensor->bits = (uint8_t)bits;
  tensor->lanes = 1;
  tensor->shape = (int64_t*)(tensor + 1);
  tensor->manager_ctx = user_data;
  tensor->deleter = free_tensor;
  for (int32_t i = 0; i < rank; ++i) tensor->shape[i] = shape[i];
  return tensor;
}
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// lent keeps a slice in its place until the library lets go of it, from whichever thread.
type lent struct {
	pinner runtime.Pinner
	place  place
}

func lend(data unsafe.Pointer) *lent {
	l := &lent{}
	if data != nil {
		l.pinner.Pin(data)
	}
	l.place = placed(l)
	return l
}

func (l *lent) giveBack() {
	l.pinner.Unpin()
	l.place.free()
}

// number is a type of elements that a tensor of DLPack can have.
type number interface{ float32 | uint8 | int64 }

func typeOf[T number]() (code, bits C.int32_t) {
	var zero T
	switch any(zero).(type) {
	case float32:
		return 2, 32
	case uint8:
		return 1, 8
	default:
		return 0, 64
	}
}

func dataOf[T number](values []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(values)) }

func int64s(values []int) []C.int64_t {
	result := make([]C.int64_t, 0, len(values)+1) // Never without an address.
	for _, value := range values {
		result = append(result, C.int64_t(value))
	}
	return result
}

// newTensor is the slice as a tensor, whose deleter gives it back; C's memory, but for the elements.
func newTensor[T number](values []T, shape []int, keep *lent) *C.struct_DLManagedTensor {
	code, bits := typeOf[T]()
	extents := int64s(shape)
	var userData unsafe.Pointer
	if keep != nil {
		userData = keep.place.memory
	}
	return C.new_tensor(dataOf(values), code, bits, unsafe.SliceData(extents), C.int32_t(len(shape)), userData)
}

func deleteTensor(tensor *C.struct_DLManagedTensor) { C.delete_tensor(tensor) }

// withTensor lends C a slice as a tensor for one call.
func withTensor[T number](values []T, shape []int, call func(*C.struct_DLManagedTensor) error) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	if data := unsafe.SliceData(values); data != nil {
		pinner.Pin(data)
	}
	tensor := newTensor(values, shape, nil)
	defer deleteTensor(tensor)
	return call(tensor)
}

func floats(values []float32) *C.float { return (*C.float)(dataOf(values)) }
