//go:build !deepmoe_runtime

package deepmoe

// #include <deepmoe.h>
import "C"

import "unsafe"

// Loader is one pass over a data set in batches that threads decode, augment and normalise ahead of the caller, for a loop
// of the program's own.
type Loader struct{ *object[*C.dmoe_loader] }

// NewLoader reads the options image_size, batch_size, num_workers and prefetch. Every image comes once, in order.
func NewLoader(dataset *Dataset, options *Options) (*Loader, error) {
	return newLoader(dataset, options, 0, 0, 0)
}

// NewTrainingLoader shuffles and augments as the options say for this epoch, which counts from 0.
func NewTrainingLoader(dataset *Dataset, options *Options, epoch int) (*Loader, error) {
	return newLoader(dataset, options, 1, epoch, 0)
}

// NewTrainingLoaderFrom is NewTrainingLoader that begins at a batch, for a loop that goes on in the middle of an epoch.
func NewTrainingLoaderFrom(dataset *Dataset, options *Options, epoch, firstBatch int) (*Loader, error) {
	return newLoader(dataset, options, 1, epoch, firstBatch)
}

func newLoader(dataset *Dataset, options *Options, training C.int32_t, epoch, firstBatch int) (loader *Loader, err error) {
	err = dataset.use(func(d *C.dmoe_dataset) error {
		return options.use(func(o *C.dmoe_options) error {
			var pointer *C.dmoe_loader
			err := check(func(e **C.dmoe_error) C.int32_t {
				return C.dmoe_loader_create(d, o, training, C.int64_t(epoch), C.int64_t(firstBatch), &pointer, e)
			})
			if err == nil {
				loader = &Loader{own(pointer, func(p *C.dmoe_loader) { C.dmoe_loader_release(p) })}
			}
			return err
		})
	})
	return loader, err
}

// NumBatches is the number of batches in the whole pass; 0 after Close.
func (l *Loader) NumBatches() (batches int) {
	_ = l.use(func(p *C.dmoe_loader) error { batches = int(C.dmoe_loader_num_batches(p)); return nil })
	return batches
}

// ImageSize is the height and width of the images; 0 after Close.
func (l *Loader) ImageSize() (side int) {
	_ = l.use(func(p *C.dmoe_loader) error { side = int(C.dmoe_loader_image_size(p)); return nil })
	return side
}

// Next calls `use` with the next batch, len(labels) x 3 x image size x image size floats that are already normalised, where
// the loader has it: the slices must not be kept. more is false after the last batch, for which `use` is not called.
func (l *Loader) Next(use func(images []float32, labels []int64) error) (more bool, err error) {
	err = l.use(func(p *C.dmoe_loader) error {
		var images *C.float
		var labels *C.int64_t
		var size C.int64_t
		err := check(func(e **C.dmoe_error) C.int32_t { return C.dmoe_loader_next(p, &images, &labels, &size, e) })
		if err != nil || size == 0 {
			return err
		}
		more = true
		side := int(C.dmoe_loader_image_size(p))
		return use(unsafe.Slice((*float32)(unsafe.Pointer(images)), int(size)*3*side*side),
			unsafe.Slice((*int64)(unsafe.Pointer(labels)), int(size)))
	})
	return more, err
}

// Each calls `use` with every batch that is left, until it returns an error, which is returned; as Next does.
func (l *Loader) Each(use func(images []float32, labels []int64) error) error {
	for {
		if more, err := l.Next(use); err != nil || !more {
			return err
		}
	}
}
