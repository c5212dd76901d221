package deepmoe

// #include <deepmoe_runtime.h>
import "C"

import (
	"encoding/json"
	"sync/atomic"
)

// Layout says where the channels of bytes are.
type Layout int32

// (N, 3, H, W) and (N, H, W, 3).
const (
	NCHW Layout = C.DMOE_LAYOUT_NCHW
	NHWC Layout = C.DMOE_LAYOUT_NHWC
)

// Engine is a network compiled for inference on the CPU, which does no work for inactive experts. Any number of
// goroutines may run one at the same time.
type Engine struct {
	*object[*C.dmoe_engine]
	classes atomic.Int64 // 0 until the first run asked for it.
}

func madeEngine(call func(**C.dmoe_engine, **C.dmoe_error) C.int32_t) (*Engine, error) {
	var pointer *C.dmoe_engine
	if err := check(func(e **C.dmoe_error) C.int32_t { return call(&pointer, e) }); err != nil {
		return nil, err
	}
	return &Engine{object: own(pointer, func(p *C.dmoe_engine) { C.dmoe_engine_release(p) })}, nil
}

// NewEngine reads a weights file; the settings, which may be nil, are those of dmoe_engine_create: image_size, threads,
// precision, skip, profile.
func NewEngine(path string, settings Values) (engine *Engine, err error) {
	err = withText(path, func(path *C.char) error {
		return withValues(settings, func(settings *C.char) (err error) {
			engine, err = madeEngine(func(p **C.dmoe_engine, e **C.dmoe_error) C.int32_t {
				return C.dmoe_engine_create(path, settings, p, e)
			})
			return err
		})
	})
	return engine, err
}

// Describe is JSON of the network, its steps and what they cost.
func (e *Engine) Describe() (description json.RawMessage, err error) {
	err = e.use(func(p *C.dmoe_engine) (err error) {
		description, err = jsonOf(func(s **C.dmoe_string, f **C.dmoe_error) C.int32_t { return C.dmoe_engine_describe(p, s, f) })
		return err
	})
	return description, err
}

type engineCall = func(p *C.dmoe_engine, out *C.float, room C.int64_t, needed, macs *C.int64_t, e **C.dmoe_error) C.int32_t

func ofFloats(images []float32, batch, height, width int) (engineCall, error) {
	return func(p *C.dmoe_engine, out *C.float, room C.int64_t, needed, macs *C.int64_t, e **C.dmoe_error) C.int32_t {
		return C.dmoe_engine_run(p, floats(images), C.int64_t(batch), C.int64_t(height), C.int64_t(width), out, room, needed, macs, e)
	}, expectSize("images", len(images), batch, 3, height, width)
}

func ofBytes(images []byte, batch, height, width int, layout Layout) (engineCall, error) {
	return func(p *C.dmoe_engine, out *C.float, room C.int64_t, needed, macs *C.int64_t, e **C.dmoe_error) C.int32_t {
		pixels := (*C.uint8_t)(dataOf(images))
		return C.dmoe_engine_run_u8(p, pixels, C.int64_t(batch), C.int64_t(height), C.int64_t(width), C.int32_t(layout), out,
			room, needed, macs, e)
	}, expectSize("images", len(images), batch, 3, height, width)
}

// Run gives logits (batch x classes) for batch x 3 x height x width floats that are already normalised.
func (e *Engine) Run(images []float32, batch, height, width int) ([]float32, error) {
	call, err := ofFloats(images, batch, height, width)
	if err != nil {
		return nil, err
	}
	return e.logits(call, batch)
}

// RunBytes is Run for bytes 0..255, which are normalised here.
func (e *Engine) RunBytes(images []byte, batch, height, width int, layout Layout) ([]float32, error) {
	call, err := ofBytes(images, batch, height, width, layout)
	if err != nil {
		return nil, err
	}
	return e.logits(call, batch)
}

// RunInto writes logits to a slice that is large enough; the multiply-accumulates of the call, those of inactive experts
// left out.
func (e *Engine) RunInto(images []float32, batch, height, width int, logits []float32) (activeMACs int64, err error) {
	call, err := ofFloats(images, batch, height, width)
	if err != nil {
		return 0, err
	}
	return e.into(call, logits)
}

// RunBytesInto is RunInto for bytes 0..255.
func (e *Engine) RunBytesInto(images []byte, batch, height, width int, layout Layout, logits []float32) (activeMACs int64, err error) {
	call, err := ofBytes(images, batch, height, width, layout)
	if err != nil {
		return 0, err
	}
	return e.into(call, logits)
}

func (e *Engine) into(call engineCall, logits []float32) (activeMACs int64, err error) {
	err = e.use(func(p *C.dmoe_engine) error {
		return check(func(f **C.dmoe_error) C.int32_t {
			return call(p, floats(logits), C.int64_t(len(logits)), nil, (*C.int64_t)(&activeMACs), f)
		})
	})
	return activeMACs, err
}

// logits asks for the number of logits, once, then for them.
func (e *Engine) logits(call engineCall, batch int) ([]float32, error) {
	if e.classes.Load() == 0 {
		needed := C.int64_t(-1)
		err := e.use(func(p *C.dmoe_engine) error {
			return check(func(f **C.dmoe_error) C.int32_t { return call(p, nil, 0, &needed, nil, f) })
		})
		if needed <= 0 || batch <= 0 {
			return nil, err
		}
		e.classes.Store(int64(needed) / int64(batch))
	}
	logits := make([]float32, batch*int(e.classes.Load()))
	_, err := e.into(call, logits)
	return logits, err
}

// Outputs are everything that a run gives, in rows of one image; of a dense network the logits alone.
type Outputs struct {
	Logits          []float32 // num_classes for each image
	Embedding       []float32 // embedding_dim for each image
	EmbeddingLogits []float32 // num_classes for each image
	Gates           []float32 // the gates of all layers, in network order
	ActiveMACs      int64     // of the call
}

// RunOutputs gives everything. givenGates (batch x experts, or nil) take the place of those that the network computes.
func (e *Engine) RunOutputs(images []float32, batch, height, width int, givenGates []float32) (outputs Outputs, err error) {
	if err := expectSize("images", len(images), batch, 3, height, width); err != nil {
		return outputs, err
	}
	err = e.use(func(p *C.dmoe_engine) error {
		needed := [4]C.int64_t{-1}
		n, h, w := C.int64_t(batch), C.int64_t(height), C.int64_t(width)
		err := check(func(f **C.dmoe_error) C.int32_t {
			return C.dmoe_engine_run_outputs(p, floats(images), n, h, w, nil, nil, 0, nil, 0, nil, 0, nil, 0, &needed[0], nil, f)
		})
		if needed[0] < 0 {
			return err
		}
		if givenGates != nil {
			if err := expectSize("givenGates", len(givenGates), int(needed[3])); err != nil {
				return err
			}
		}
		places := []*[]float32{&outputs.Logits, &outputs.Embedding, &outputs.EmbeddingLogits, &outputs.Gates}
		for i, place := range places {
			if needed[i] > 0 {
				*place = make([]float32, needed[i])
			}
		}
		return check(func(f **C.dmoe_error) C.int32_t {
			return C.dmoe_engine_run_outputs(p, floats(images), n, h, w, floats(givenGates),
				floats(outputs.Logits), needed[0], floats(outputs.Embedding), needed[1], floats(outputs.EmbeddingLogits), needed[2],
				floats(outputs.Gates), needed[3], nil, (*C.int64_t)(&outputs.ActiveMACs), f)
		})
	})
	return outputs, err
}
