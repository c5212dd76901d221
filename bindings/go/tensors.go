package deepmoe

// #include <deepmoe_runtime.h>
// #include "dlpack.h"
import "C"

import (
	"encoding/json"
	"unsafe"
)

// Tensors are a set of named tensors: a safetensors file, a model's weights, or the outputs of a network. Any number of
// goroutines may use one that nobody adds to.
type Tensors struct{ *object[*C.dmoe_tensors] }

func madeTensors(call func(**C.dmoe_tensors, **C.dmoe_error) C.int32_t) (*Tensors, error) {
	var pointer *C.dmoe_tensors
	if err := check(func(e **C.dmoe_error) C.int32_t { return call(&pointer, e) }); err != nil {
		return nil, err
	}
	return &Tensors{own(pointer, func(p *C.dmoe_tensors) { C.dmoe_tensors_release(p) })}, nil
}

// NewTensors is an empty set to add to.
func NewTensors() (*Tensors, error) {
	return madeTensors(func(t **C.dmoe_tensors, e **C.dmoe_error) C.int32_t { return C.dmoe_tensors_create(t, e) })
}

// LoadTensors opens a safetensors file, which is mapped and must not be truncated or written to while the set lives
// (replacing it by another file is fine).
func LoadTensors(path string) (tensors *Tensors, err error) {
	err = withText(path, func(path *C.char) (err error) {
		tensors, err = madeTensors(func(t **C.dmoe_tensors, e **C.dmoe_error) C.int32_t { return C.dmoe_tensors_load(path, t, e) })
		return err
	})
	return tensors, err
}

// Save writes a safetensors file, replacing an older one only when complete; the metadata may be nil.
func (t *Tensors) Save(path string, metadata map[string]string) error {
	var values Values
	for name, value := range metadata {
		if values == nil {
			values = Values{}
		}
		values[name] = value
	}
	return t.use(func(p *C.dmoe_tensors) error {
		return withText(path, func(path *C.char) error {
			return withValues(values, func(metadata *C.char) error {
				return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_tensors_save(p, path, metadata, e) })
			})
		})
	})
}

// Names are those of all tensors.
func (t *Tensors) Names() (names []string) {
	_ = t.use(func(p *C.dmoe_tensors) error {
		for i := C.int64_t(0); i < C.dmoe_tensors_count(p); i++ {
			names = append(names, C.GoString(C.dmoe_tensors_name(p, i)))
		}
		return nil
	})
	return names
}

// Metadata is the file's; empty for sets that are no file.
func (t *Tensors) Metadata() (metadata map[string]string, err error) {
	err = t.use(func(p *C.dmoe_tensors) error {
		text, err := jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_tensors_metadata(p, s, e) })
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &metadata)
	})
	return metadata, err
}

// named makes a call with a tensor's name.
func (t *Tensors) named(name string, call func(*C.dmoe_tensors, *C.char) error) error {
	return t.use(func(p *C.dmoe_tensors) error {
		return withText(name, func(name *C.char) error { return call(p, name) })
	})
}

// Shape is a tensor's extents; a scalar has none.
func (t *Tensors) Shape(name string) (shape []int, err error) {
	err = t.named(name, func(p *C.dmoe_tensors, name *C.char) error {
		var extents [64]C.int64_t // More than the library lets a tensor have.
		var rank C.int64_t
		err := check(func(e **C.dmoe_error) C.int32_t {
			return C.dmoe_tensors_shape(p, name, &extents[0], C.int64_t(len(extents)), &rank, e)
		})
		for _, extent := range extents[:rank] {
			shape = append(shape, int(extent))
		}
		return err
	})
	return shape, err
}

// Read copies a float32 tensor in host memory.
func (t *Tensors) Read(name string) (values []float32, err error) {
	shape, err := t.Shape(name)
	if err != nil {
		return nil, err
	}
	elements := 1
	for _, extent := range shape {
		elements *= extent
	}
	values = make([]float32, elements)
	err = t.ReadInto(name, values)
	return values, err
}

// ReadInto copies a float32 tensor in host memory to a slice that is large enough.
func (t *Tensors) ReadInto(name string, values []float32) error {
	return t.named(name, func(p *C.dmoe_tensors, name *C.char) error {
		return check(func(e **C.dmoe_error) C.int32_t {
			return C.dmoe_tensors_read_f32(p, name, floats(values), C.int64_t(len(values)), nil, e)
		})
	})
}

// View calls `see` with the elements of a float32 tensor in host memory where they are; they must not be kept or changed.
func (t *Tensors) View(name string, see func(values []float32)) error {
	return t.withManaged(name, func(tensor *C.struct_DLManagedTensor) error {
		defer deleteTensor(tensor)
		elements, contiguous := 1, C.int64_t(1)
		extents := unsafe.Slice(tensor.shape, tensor.ndim)
		for i := len(extents) - 1; i >= 0; i-- {
			if tensor.strides != nil && extents[i] != 1 && unsafe.Slice(tensor.strides, tensor.ndim)[i] != contiguous {
				return &Error{ErrUnsupported, "the tensor is not in row-major order; Read makes a copy that is"}
			}
			elements *= int(extents[i])
			contiguous *= extents[i]
		}
		if tensor.code != 2 || tensor.bits != 32 || tensor.device_type != 1 {
			return &Error{ErrUnsupported, "only float32 tensors in host memory can be seen as slices"}
		}
		if elements == 0 {
			see(nil)
			return nil
		}
		see(unsafe.Slice((*float32)(unsafe.Add(tensor.data, uintptr(tensor.byte_offset))), elements))
		return nil
	})
}

func (t *Tensors) withManaged(name string, call func(*C.struct_DLManagedTensor) error) error {
	return t.named(name, func(p *C.dmoe_tensors, name *C.char) error {
		var tensor *C.struct_DLManagedTensor
		if err := check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_tensors_get(p, name, &tensor, e) }); err != nil {
			return err
		}
		return call(tensor)
	})
}

// Add adds a copy of the values under a new name; without extents it is a scalar.
func (t *Tensors) Add(name string, values []float32, shape ...int) error {
	if err := expectSize("values", len(values), shape...); err != nil {
		return err
	}
	return t.named(name, func(p *C.dmoe_tensors, name *C.char) error {
		extents := int64s(shape)
		return check(func(e **C.dmoe_error) C.int32_t {
			return C.dmoe_tensors_add_f32(p, name, floats(values), unsafe.SliceData(extents), C.int64_t(len(shape)), e)
		})
	})
}

// Share adds values under a new name without a copy: they are pinned, and must stay unchanged, until the set and all that
// was handed out of it are released.
func (t *Tensors) Share(name string, values []float32, shape ...int) error {
	if err := expectSize("values", len(values), shape...); err != nil {
		return err
	}
	keep := lend(dataOf(values))
	return t.add(name, newTensor(values, shape, keep))
}

// ShareFrom adds a tensor of another set, sharing its memory, which for a model's state is the model's.
func (t *Tensors) ShareFrom(other *Tensors, name string) error {
	return other.withManaged(name, func(tensor *C.struct_DLManagedTensor) error { return t.add(name, tensor) })
}

// add takes a tensor over, or deletes it.
func (t *Tensors) add(name string, tensor *C.struct_DLManagedTensor) error {
	err := t.named(name, func(p *C.dmoe_tensors, name *C.char) error {
		return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_tensors_add(p, name, tensor, e) })
	})
	if err != nil {
		deleteTensor(tensor)
	}
	return err
}
