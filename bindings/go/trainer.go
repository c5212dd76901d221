//go:build !deepmoe_runtime

package deepmoe

/*
#include <deepmoe.h>
#include "dlpack.h"

extern int32_t deepmoeGoEvent(int32_t, char*, void*);
static int32_t fit(dmoe_trainer* trainer, const dmoe_dataset* train, const dmoe_dataset* validation, void* user_data,
                   dmoe_string** summary, dmoe_error** error) {
  return dmoe_trainer_fit(trainer, train, validation, (dmoe_event_callback)deepmoeGoEvent, user_data, summary, error);
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"unsafe"
)

// ProcessPlace tells which of the processes that a launcher has started to train together this one is, from 0, and how many
// they are: 0 and 1 where no launcher is seen. The first NewTrainer waits for the others.
func ProcessPlace(options *Options) (rank, size int, err error) {
	var r, s C.int64_t
	err = options.use(func(o *C.dmoe_options) error {
		return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_process_place(o, &r, &s, e) })
	})
	return int(r), int(s), err
}

// Trainer is optimizer, schedule and loss for one model, which it keeps alive, and which must not be used elsewhere during
// the trainer's calls.
type Trainer struct{ *object[*C.dmoe_trainer] }

// NewTrainer trains the model with the options of the groups loss, optimizer, schedule, training, data and output.
func NewTrainer(model *Model, options *Options) (trainer *Trainer, err error) {
	err = model.use(func(m *C.dmoe_model) error {
		return options.use(func(o *C.dmoe_options) error {
			var pointer *C.dmoe_trainer
			err := check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_trainer_create(m, o, &pointer, e) })
			if err == nil {
				trainer = &Trainer{own(pointer, func(p *C.dmoe_trainer) { C.dmoe_trainer_release(p) })}
			}
			return err
		})
	})
	return trainer, err
}

// BeginEpoch tells the schedule where training is, counting from 0, for a loop of the program's own. Without it the
// learning rate stays at option lr.
func (t *Trainer) BeginEpoch(epoch, stepsPerEpoch int) error {
	return t.use(func(p *C.dmoe_trainer) error {
		return check(func(e **C.dmoe_error) C.int32_t {
			return C.dmoe_trainer_begin_epoch(p, C.int64_t(epoch), C.int64_t(stepsPerEpoch), e)
		})
	})
}

// Step is one step on len(labels) x 3 x height x width floats that are already normalised; its loss, which on CUDA waits
// for the device. A loss that is not finite is an ErrNumeric.
func (t *Trainer) Step(images []float32, labels []int64, height, width int) (loss float64, err error) {
	err = t.step(images, labels, height, width, (*C.double)(&loss))
	return loss, err
}

// StepWithoutLoss is Step without asking for the loss.
func (t *Trainer) StepWithoutLoss(images []float32, labels []int64, height, width int) error {
	return t.step(images, labels, height, width, nil)
}

func (t *Trainer) step(images []float32, labels []int64, height, width int, loss *C.double) error {
	if err := expectSize("images", len(images), len(labels), 3, height, width); err != nil {
		return err
	}
	return t.use(func(p *C.dmoe_trainer) error {
		return check(func(e **C.dmoe_error) C.int32_t {
			return C.dmoe_trainer_step_f32(p, floats(images), labelPointer(labels), C.int64_t(len(labels)), C.int64_t(height),
				C.int64_t(width), loss, e)
		})
	})
}

// StepBytes is one step on len(labels) x 3 x height x width bytes 0..255; its loss.
func (t *Trainer) StepBytes(images []byte, labels []int64, height, width int) (loss float64, err error) {
	count := len(labels)
	if err := expectSize("images", len(images), count, 3, height, width); err != nil {
		return 0, err
	}
	err = withTensor(images, []int{count, 3, height, width}, func(images *C.struct_DLManagedTensor) error {
		return withTensor(labels, []int{count}, func(labels *C.struct_DLManagedTensor) error {
			return t.use(func(p *C.dmoe_trainer) error {
				return check(func(e **C.dmoe_error) C.int32_t {
					return C.dmoe_trainer_step(p, images, labels, (*C.double)(&loss), e)
				})
			})
		})
	})
	return loss, err
}

// Metrics is JSON of means since the last call, which are then reset.
func (t *Trainer) Metrics() (metrics json.RawMessage, err error) {
	err = t.use(func(p *C.dmoe_trainer) (err error) {
		metrics, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_trainer_metrics(p, s, e) })
		return err
	})
	return metrics, err
}

// Position is where a trainer is: steps done in all, the epoch that was begun last (-1: none), and the steps done in it.
type Position struct{ Step, Epoch, StepInEpoch int64 }

// Position tells where the trainer is, for a loop that goes on after LoadState.
func (t *Trainer) Position() (position Position, err error) {
	err = t.use(func(p *C.dmoe_trainer) error {
		var step, epoch, stepInEpoch C.int64_t
		err := check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_trainer_position(p, &step, &epoch, &stepInEpoch, e) })
		if err == nil {
			position = Position{int64(step), int64(epoch), int64(stepInEpoch)}
		}
		return err
	})
	return position, err
}

// SaveState writes all that future steps depend on; an older file is replaced when the new one is complete.
func (t *Trainer) SaveState(path string) error {
	return t.use(func(p *C.dmoe_trainer) error {
		return withText(path, func(path *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_trainer_save_state(p, path, e) })
		})
	})
}

// LoadState goes on from what SaveState or a run wrote. On failure the trainer is as before.
func (t *Trainer) LoadState(path string) error {
	return t.use(func(p *C.dmoe_trainer) error {
		return withText(path, func(path *C.char) error {
			return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_trainer_load_state(p, path, e) })
		})
	})
}

// UseAverage gives the model, with option ema, the averaged weights, or its own back, which it must have for steps.
func (t *Trainer) UseAverage(averaged bool) error {
	var value C.int32_t
	if averaged {
		value = 1
	}
	return t.use(func(p *C.dmoe_trainer) error {
		return check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_trainer_use_average(p, value, e) })
	})
}

// Fit is a whole run; JSON of its summary. validation and callback may be nil. When the context ends, the step under way
// is finished, everything is saved, and the context's error is returned.
func (t *Trainer) Fit(ctx context.Context, train, validation *Dataset, callback Callback) (summary json.RawMessage, err error) {
	err = during(ctx, callback, func(user unsafe.Pointer) error {
		return t.use(func(p *C.dmoe_trainer) error {
			return train.use(func(d *C.dmoe_dataset) error {
				return useIfAny(validation.orNil(), func(v *C.dmoe_dataset) (err error) {
					summary, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.fit(p, d, v, user, s, e) })
					return err
				})
			})
		})
	})
	return summary, err
}
