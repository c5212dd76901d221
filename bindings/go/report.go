//go:build !deepmoe_runtime

package deepmoe

/*
#include <deepmoe.h>

extern int32_t deepmoeGoEvent(int32_t, char*, void*);
static int32_t report_of_engine(const dmoe_engine* engine, const dmoe_dataset* dataset, const char* settings, void* user_data,
                                dmoe_report** report, dmoe_error** error) {
  return dmoe_report_create(engine, dataset, settings, (dmoe_event_callback)deepmoeGoEvent, user_data, report, error);
}
static int32_t report_of_model(const dmoe_model* model, const dmoe_dataset* dataset, const char* settings, void* user_data,
                               dmoe_report** report, dmoe_error** error) {
  return dmoe_report_create_from_model(model, dataset, settings, (dmoe_event_callback)deepmoeGoEvent, user_data, report, error);
}
static int32_t report_of_trainer(const dmoe_trainer* trainer, const dmoe_dataset* dataset, const char* settings, void* user_data,
                                 dmoe_report** report, dmoe_error** error) {
  return dmoe_report_create_from_trainer(trainer, dataset, settings, (dmoe_event_callback)deepmoeGoEvent, user_data, report,
                                         error);
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"unsafe"
)

// Report says what the experts of a gated network do on a data set. It needs neither network nor data set any more, and any
// number of goroutines may read one.
type Report struct{ *object[*C.dmoe_report] }

// madeReport makes a call with settings that gives a report.
func madeReport(settings Values, call func(*C.char, **C.dmoe_report, **C.dmoe_error) C.int32_t) (report *Report, err error) {
	err = withValues(settings, func(settings *C.char) error {
		var pointer *C.dmoe_report
		err := check(func(e **C.dmoe_error) C.int32_t { return call(settings, &pointer, e) })
		if err == nil {
			report = &Report{own(pointer, func(p *C.dmoe_report) { C.dmoe_report_release(p) })}
		}
		return err
	})
	return report, err
}

// Report runs every image. The settings are those of dmoe_report_create; settings and callback may be nil. The callback must
// not close the engine.
func (e *Engine) Report(ctx context.Context, dataset *Dataset, settings Values, callback Callback) (report *Report, err error) {
	err = overImages(ctx, dataset, nil, callback, func(d *C.dmoe_dataset, _ *C.dmoe_options, user unsafe.Pointer) error {
		return e.use(func(p *C.dmoe_engine) (err error) {
			report, err = madeReport(settings, func(s *C.char, r **C.dmoe_report, f **C.dmoe_error) C.int32_t {
				return C.report_of_engine(p, d, s, user, r, f)
			})
			return err
		})
	})
	return report, err
}

// Report is Engine.Report of the model as it is now, on the CPU.
func (m *Model) Report(ctx context.Context, dataset *Dataset, settings Values, callback Callback) (report *Report, err error) {
	err = overImages(ctx, dataset, nil, callback, func(d *C.dmoe_dataset, _ *C.dmoe_options, user unsafe.Pointer) error {
		return m.use(func(p *C.dmoe_model) (err error) {
			report, err = madeReport(settings, func(s *C.char, r **C.dmoe_report, f **C.dmoe_error) C.int32_t {
				return C.report_of_model(p, d, s, user, r, f)
			})
			return err
		})
	})
	return report, err
}

// Report is Engine.Report of the model that is trained, between two steps.
func (t *Trainer) Report(ctx context.Context, dataset *Dataset, settings Values, callback Callback) (report *Report, err error) {
	err = overImages(ctx, dataset, nil, callback, func(d *C.dmoe_dataset, _ *C.dmoe_options, user unsafe.Pointer) error {
		return t.use(func(p *C.dmoe_trainer) (err error) {
			report, err = madeReport(settings, func(s *C.char, r **C.dmoe_report, f **C.dmoe_error) C.int32_t {
				return C.report_of_trainer(p, d, s, user, r, f)
			})
			return err
		})
	})
	return report, err
}

// ComparedWith is the same report, which also says how the network differs from an earlier state.
func (r *Report) ComparedWith(reference *Report) (compared *Report, err error) {
	err = r.use(func(p *C.dmoe_report) error {
		return reference.use(func(earlier *C.dmoe_report) (err error) {
			compared, err = madeReport(nil, func(_ *C.char, c **C.dmoe_report, e **C.dmoe_error) C.int32_t {
				return C.dmoe_report_compare(p, earlier, c, e)
			})
			return err
		})
	})
	return compared, err
}

// Figures is JSON of all figures but the matrices.
func (r *Report) Figures() (figures json.RawMessage, err error) {
	err = r.use(func(p *C.dmoe_report) (err error) {
		figures, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_report_json(p, s, e) })
		return err
	})
	return figures, err
}

// Layers are the names of the gates, in the order of the network.
func (r *Report) Layers() (names []string, err error) {
	err = r.use(func(p *C.dmoe_report) error {
		for {
			name := C.dmoe_report_layer(p, C.int64_t(len(names)))
			if name == nil {
				return nil
			}
			names = append(names, C.GoString(name))
		}
	})
	return names, err
}

// Matrix holds Rows x Columns numbers, row after row.
type Matrix struct {
	Rows, Columns int
	Values        []float64
}

// Matrix is "confusion", "class_similarity" or "embedding", or of a layer "utilisation", "class_activation" or
// "co_activation". The layer is "" where none is needed.
func (r *Report) Matrix(name, layer string) (matrix Matrix, err error) {
	err = r.use(func(p *C.dmoe_report) error {
		return withText(name, func(name *C.char) error {
			return withText(layer, func(gate *C.char) error {
				if layer == "" {
					gate = nil
				}
				shape := [2]C.int64_t{-1}
				err := check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_report_matrix(p, name, gate, nil, 0, &shape[0], e) })
				if shape[0] < 0 {
					return err
				}
				matrix = Matrix{int(shape[0]), int(shape[1]), make([]float64, shape[0]*shape[1])}
				return check(func(e **C.dmoe_error) C.int32_t {
					values := (*C.double)(unsafe.Pointer(unsafe.SliceData(matrix.Values)))
					return C.dmoe_report_matrix(p, name, gate, values, C.int64_t(len(matrix.Values)), nil, e)
				})
			})
		})
	})
	return matrix, err
}

// Write writes report.html, report.json and a CSV for each table.
func (r *Report) Write(folder string) error {
	return r.use(func(p *C.dmoe_report) error {
		return withText(folder, func(folder *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_report_write(p, folder, e) })
		})
	})
}
