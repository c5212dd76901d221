//go:build !deepmoe_runtime

package deepmoe

// #include <deepmoe.h>
// #include "dlpack.h"
import "C"

// Forward gives all outputs in evaluation mode for batch x 3 x height x width floats that are already normalised: "logits"
// and, of a gated network, "embedding", "embedding_logits" and "gate.<layer>".
func (m *Model) Forward(images []float32, batch, height, width int) (*Tensors, error) {
	return forward(m, images, batch, height, width)
}

// ForwardBytes is Forward for batch x 3 x height x width bytes 0..255, which are normalised here.
func (m *Model) ForwardBytes(images []byte, batch, height, width int) (*Tensors, error) {
	return forward(m, images, batch, height, width)
}

func forward[T number](m *Model, images []T, batch, height, width int) (outputs *Tensors, err error) {
	if err := expectSize("images", len(images), batch, 3, height, width); err != nil {
		return nil, err
	}
	err = withTensor(images, []int{batch, 3, height, width}, func(tensor *C.struct_DLManagedTensor) (err error) {
		outputs, err = m.tensors(func(p *C.dmoe_model, t **C.dmoe_tensors, e **C.dmoe_error) C.int32_t {
			return C.dmoe_model_forward(p, tensor, t, e)
		})
		return err
	})
	return outputs, err
}

// Logits (batch x classes) of batch x 3 x height x width floats that are already normalised.
func (m *Model) Logits(images []float32, batch, height, width int) ([]float32, error) {
	needed, err := m.logits(images, batch, height, width, nil)
	if needed <= 0 {
		return nil, err
	}
	logits := make([]float32, needed)
	_, err = m.logits(images, batch, height, width, logits)
	return logits, err
}

// LogitsInto writes logits to a slice that is large enough.
func (m *Model) LogitsInto(images []float32, batch, height, width int, logits []float32) error {
	_, err := m.logits(images, batch, height, width, logits)
	return err
}

func (m *Model) logits(images []float32, batch, height, width int, logits []float32) (needed int64, err error) {
	if err := expectSize("images", len(images), batch, 3, height, width); err != nil {
		return 0, err
	}
	err = m.use(func(p *C.dmoe_model) error {
		return check(func(e **C.dmoe_error) C.int32_t {
			return C.dmoe_model_forward_f32(p, floats(images), C.int64_t(batch), C.int64_t(height), C.int64_t(width),
				floats(logits), C.int64_t(len(logits)), (*C.int64_t)(&needed), e)
		})
	})
	return needed, err
}
