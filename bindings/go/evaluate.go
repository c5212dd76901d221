//go:build !deepmoe_runtime

package deepmoe

/*
#include <deepmoe.h>

extern int32_t deepmoeGoEvent(int32_t, char*, void*);
static int32_t evaluate(dmoe_model* model, const dmoe_dataset* dataset, const dmoe_options* options, void* user_data,
                        dmoe_string** json, dmoe_error** error) {
  return dmoe_model_evaluate(model, dataset, options, (dmoe_event_callback)deepmoeGoEvent, user_data, json, error);
}
static int32_t evaluate_engine(const dmoe_engine* engine, const dmoe_dataset* dataset, const dmoe_options* options,
                               void* user_data, dmoe_string** json, dmoe_error** error) {
  return dmoe_engine_evaluate(engine, dataset, options, (dmoe_event_callback)deepmoeGoEvent, user_data, json, error);
}
static int32_t compact(dmoe_model* model, const dmoe_dataset* calibration, const char* settings, const dmoe_options* options,
                       void* user_data, dmoe_model** compacted, dmoe_string** report, dmoe_error** error) {
  return dmoe_model_compact(model, calibration, settings, options, (dmoe_event_callback)deepmoeGoEvent, user_data, compacted,
                            report, error);
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"unsafe"
)

// overImages makes a long call with a data set and options, which may be nil.
func overImages(
	ctx context.Context, dataset *Dataset, options *Options, callback Callback,
	call func(*C.dmoe_dataset, *C.dmoe_options, unsafe.Pointer) error,
) error {
	return during(ctx, callback, func(user unsafe.Pointer) error {
		return dataset.use(func(d *C.dmoe_dataset) error {
			return useIfAny(options.orNil(), func(o *C.dmoe_options) error { return call(d, o, user) })
		})
	})
}

// Evaluate is JSON of the figures over every image. Options and callback may be nil; without options those that the model
// was made with count. It ends with the context.
func (m *Model) Evaluate(ctx context.Context, dataset *Dataset, options *Options, callback Callback) (figures json.RawMessage, err error) {
	err = overImages(ctx, dataset, options, callback, func(d *C.dmoe_dataset, o *C.dmoe_options, user unsafe.Pointer) (err error) {
		figures, err = m.json(func(p *C.dmoe_model, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
			return C.evaluate(p, d, o, user, s, e)
		})
		return err
	})
	return figures, err
}

// Evaluate is JSON of the figures of Model.Evaluate, computed by the engine, which the callback must not use. Options and
// callback may be nil.
func (e *Engine) Evaluate(ctx context.Context, dataset *Dataset, options *Options, callback Callback) (figures json.RawMessage, err error) {
	err = overImages(ctx, dataset, options, callback, func(d *C.dmoe_dataset, o *C.dmoe_options, user unsafe.Pointer) error {
		return e.use(func(p *C.dmoe_engine) (err error) {
			figures, err = jsonOf(func(s **C.dmoe_string, f **C.dmoe_error) C.int32_t {
				return C.evaluate_engine(p, d, o, user, s, f)
			})
			return err
		})
	})
	return figures, err
}

// Compact is a smaller model without the experts that no image uses, and the report in JSON. The settings are those of
// dmoe_model_compact: min_utilisation, classes. Settings, options and callback may be nil.
func (m *Model) Compact(
	ctx context.Context, calibration *Dataset, settings Values, options *Options, callback Callback,
) (smaller *Model, report json.RawMessage, err error) {
	err = overImages(ctx, calibration, options, callback, func(d *C.dmoe_dataset, o *C.dmoe_options, user unsafe.Pointer) error {
		return withValues(settings, func(settings *C.char) (err error) {
			var pointer *C.dmoe_model
			report, err = m.json(func(p *C.dmoe_model, s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
				return C.compact(p, d, settings, o, user, &pointer, s, e)
			})
			if err == nil {
				smaller = ownModel(pointer)
			}
			return err
		})
	})
	return smaller, report, err
}
