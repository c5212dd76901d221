//go:build !deepmoe_runtime

package deepmoe

// #include <deepmoe.h>
import "C"

import "encoding/json"

// Model is a network with its weights. One goroutine at a time uses it.
type Model struct{ *object[*C.dmoe_model] }

func ownModel(pointer *C.dmoe_model) *Model {
	return &Model{own(pointer, func(p *C.dmoe_model) { C.dmoe_model_release(p) })}
}

func madeModel(call func(**C.dmoe_model, **C.dmoe_error) C.int32_t) (*Model, error) {
	var pointer *C.dmoe_model
	if err := check(func(e **C.dmoe_error) C.int32_t { return call(&pointer, e) }); err != nil {
		return nil, err
	}
	return ownModel(pointer), nil
}

// NewModel has random weights from option seed; what the options leave open is the data set's, which may be nil.
func NewModel(options *Options, dataset *Dataset) (model *Model, err error) {
	err = options.use(func(o *C.dmoe_options) error {
		return useIfAny(dataset.orNil(), func(d *C.dmoe_dataset) (err error) {
			model, err = madeModel(func(m **C.dmoe_model, e **C.dmoe_error) C.int32_t { return C.dmoe_model_create(o, d, m, e) })
			return err
		})
	})
	return model, err
}

// LoadModel reads a safetensors file; options, which may be nil, complete one without metadata and choose the device.
func LoadModel(path string, options *Options) (model *Model, err error) {
	err = withText(path, func(path *C.char) error {
		return useIfAny(options.orNil(), func(o *C.dmoe_options) (err error) {
			model, err = madeModel(func(m **C.dmoe_model, e **C.dmoe_error) C.int32_t { return C.dmoe_model_load(path, o, m, e) })
			return err
		})
	})
	return model, err
}

// Save writes weights, architecture, options, normalisation and class names, replacing an older file only when complete.
func (m *Model) Save(path string) error {
	return m.use(func(p *C.dmoe_model) error {
		return withText(path, func(path *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_model_save(p, path, e) })
		})
	})
}

func (m *Model) json(call func(*C.dmoe_model, **C.dmoe_string, **C.dmoe_error) C.int32_t) (result json.RawMessage, err error) {
	err = m.use(func(p *C.dmoe_model) (err error) {
		result, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return call(p, s, e) })
		return err
	})
	return result, err
}

// Describe is JSON of the model, its device, classes, options, architecture and cost.
func (m *Model) Describe() (json.RawMessage, error) {
	return m.json(func(p *C.dmoe_model, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_model_describe(p, s, e)
	})
}

// DescribeArchitecture is JSON of each node's shapes, parameters and multiply-accumulates.
func (m *Model) DescribeArchitecture() (json.RawMessage, error) {
	return m.json(func(p *C.dmoe_model, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_model_architecture_describe(p, s, e)
	})
}

// ArchitectureText is the same as a table for people.
func (m *Model) ArchitectureText() (string, error) {
	table, err := m.json(func(p *C.dmoe_model, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
		return C.dmoe_model_architecture_text(p, s, e)
	})
	return string(table), err
}

func (m *Model) tensors(call func(*C.dmoe_model, **C.dmoe_tensors, **C.dmoe_error) C.int32_t) (tensors *Tensors, err error) {
	err = m.use(func(p *C.dmoe_model) (err error) {
		tensors, err = madeTensors(func(t **C.dmoe_tensors, e **C.dmoe_error) C.int32_t { return call(p, t, e) })
		return err
	})
	return tensors, err
}

// ReadImage is a JPEG or PNG file as the model wants it: one tensor "input" (1, 3, image_size, image_size).
func (m *Model) ReadImage(path string) (image *Tensors, err error) {
	err = withText(path, func(path *C.char) (err error) {
		image, err = m.tensors(func(p *C.dmoe_model, t **C.dmoe_tensors, e **C.dmoe_error) C.int32_t {
			return C.dmoe_model_read_image(p, path, t, e)
		})
		return err
	})
	return image, err
}

// State is the weights by their state_dict names, sharing memory with the model: they change as it trains.
func (m *Model) State() (*Tensors, error) {
	return m.tensors(func(p *C.dmoe_model, t **C.dmoe_tensors, e **C.dmoe_error) C.int32_t {
		return C.dmoe_model_state(p, t, e)
	})
}

// LoadState copies weights in by name; every entry must be there. On failure the model is as before.
func (m *Model) LoadState(state *Tensors) error {
	return m.use(func(p *C.dmoe_model) error {
		return state.use(func(s *C.dmoe_tensors) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_model_load_state(p, s, e) })
		})
	})
}

// Fold is a dense copy for evaluation, batch norms folded, gates left out.
func (m *Model) Fold() (folded *Model, err error) {
	err = m.use(func(p *C.dmoe_model) (err error) {
		folded, err = madeModel(func(f **C.dmoe_model, e **C.dmoe_error) C.int32_t { return C.dmoe_model_fold(p, f, e) })
		return err
	})
	return folded, err
}

// Compile is the model as it is now, for inference; settings as for NewEngine.
func (m *Model) Compile(settings Values) (engine *Engine, err error) {
	err = m.use(func(p *C.dmoe_model) error {
		return withValues(settings, func(settings *C.char) (err error) {
			engine, err = madeEngine(func(n **C.dmoe_engine, e **C.dmoe_error) C.int32_t {
				return C.dmoe_engine_create_from_model(p, settings, n, e)
			})
			return err
		})
	})
	return engine, err
}

// ExportONNX writes an ONNX model; the settings, which may be nil, are those of dmoe_model_export_onnx: gates, image_size.
func (m *Model) ExportONNX(path string, settings Values) error {
	return m.use(func(p *C.dmoe_model) error {
		return withText(path, func(path *C.char) error {
			return withValues(settings, func(settings *C.char) error {
				return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_model_export_onnx(p, path, settings, e) })
			})
		})
	})
}

// ConvertPyTorch writes the tensors of a file of torch.save as safetensors; nothing in it is executed. The options, which
// may be nil, can name the network to check against; the settings are those of dmoe_convert_pytorch: mean, deviation.
func ConvertPyTorch(path, output string, options *Options, settings Values) error {
	return withText(path, func(path *C.char) error {
		return withText(output, func(output *C.char) error {
			return withValues(settings, func(settings *C.char) error {
				return useIfAny(options.orNil(), func(o *C.dmoe_options) error {
					return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_convert_pytorch(path, output, o, settings, e) })
				})
			})
		})
	})
}

// Diagnose is JSON of what the library found on this machine.
func Diagnose() (json.RawMessage, error) {
	return jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_diagnose(s, e) })
}
