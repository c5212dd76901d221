//go:build !deepmoe_runtime

package deepmoe

/*
#include <deepmoe.h>

extern int32_t deepmoeGoUnpin(void*);
extern int32_t deepmoeGoEvent(int32_t, char*, void*);
static int32_t of_floats(const float* images, const int64_t* labels, int64_t size, int64_t height, int64_t width,
                         int64_t classes, void* user_data, dmoe_dataset** dataset, dmoe_error** error) {
  return dmoe_dataset_create_f32(images, labels, size, height, width, classes, deepmoeGoUnpin, user_data, dataset, error);
}
static int32_t of_bytes(const uint8_t* images, const int64_t* labels, int64_t size, int64_t channels, int64_t height,
                        int64_t width, int32_t layout, int64_t classes, void* user_data, dmoe_dataset** dataset,
                        dmoe_error** error) {
  return dmoe_dataset_create_u8(images, labels, size, channels, height, width, layout, classes, deepmoeGoUnpin, user_data,
                                dataset, error);
}
static int32_t fetch(const char* dataset, const char* data_dir, const char* settings, void* user_data, dmoe_string** json,
                     dmoe_error** error) {
  return dmoe_fetch_dataset(dataset, data_dir, settings, (dmoe_event_callback)deepmoeGoEvent, user_data, json, error);
}
*/
import "C"

import (
	"context"
	"encoding/json"
	"unsafe"
)

// Dataset is labelled images. Any number of goroutines may read one.
type Dataset struct{ *object[*C.dmoe_dataset] }

func madeDataset(call func(**C.dmoe_dataset, **C.dmoe_error) C.int32_t) (*Dataset, error) {
	var pointer *C.dmoe_dataset
	if err := check(func(e **C.dmoe_error) C.int32_t { return call(&pointer, e) }); err != nil {
		return nil, err
	}
	return &Dataset{own(pointer, func(p *C.dmoe_dataset) { C.dmoe_dataset_release(p) })}, nil
}

func (d *Dataset) orNil() *object[*C.dmoe_dataset] {
	if d == nil {
		return nil
	}
	return d.object
}

// OpenDataset is the split ("train", "test") of the data set that the options name.
func OpenDataset(options *Options, split string) (dataset *Dataset, err error) {
	err = options.use(func(o *C.dmoe_options) error {
		return withText(split, func(split *C.char) (err error) {
			dataset, err = madeDataset(func(d **C.dmoe_dataset, e **C.dmoe_error) C.int32_t {
				return C.dmoe_dataset_open(o, split, d, e)
			})
			return err
		})
	})
	return dataset, err
}

// NewDataset is of one image for each label: 3 x height x width floats that are already normalised. The images are not
// copied; they are pinned, and must stay unchanged, until the library lets go of them. The labels are copied.
func NewDataset(images []float32, labels []int64, height, width, classes int) (*Dataset, error) {
	if err := expectSize("images", len(images), len(labels), 3, height, width); err != nil {
		return nil, err
	}
	return lendImages(dataOf(images), func(user unsafe.Pointer, d **C.dmoe_dataset, e **C.dmoe_error) C.int32_t {
		return C.of_floats(floats(images), labelPointer(labels), C.int64_t(len(labels)), C.int64_t(height), C.int64_t(width),
			C.int64_t(classes), user, d, e)
	})
}

// NewByteDataset is the same of bytes 0..255 with 1 or 3 channels, which are normalised on the way into a batch.
func NewByteDataset(images []byte, labels []int64, channels, height, width int, layout Layout, classes int) (*Dataset, error) {
	if err := expectSize("images", len(images), len(labels), channels, height, width); err != nil {
		return nil, err
	}
	return lendImages(dataOf(images), func(user unsafe.Pointer, d **C.dmoe_dataset, e **C.dmoe_error) C.int32_t {
		return C.of_bytes((*C.uint8_t)(dataOf(images)), labelPointer(labels), C.int64_t(len(labels)), C.int64_t(channels),
			C.int64_t(height), C.int64_t(width), C.int32_t(layout), C.int64_t(classes), user, d, e)
	})
}

func lendImages(data unsafe.Pointer, create func(unsafe.Pointer, **C.dmoe_dataset, **C.dmoe_error) C.int32_t) (*Dataset, error) {
	l := lend(data)
	dataset, err := madeDataset(func(d **C.dmoe_dataset, e **C.dmoe_error) C.int32_t { return create(l.place.memory, d, e) })
	if err != nil {
		l.giveBack() // The library does not, then.
	}
	return dataset, err
}

func labelPointer(labels []int64) *C.int64_t { return (*C.int64_t)(dataOf(labels)) }

// Size is the number of images; 0 after Close.
func (d *Dataset) Size() (size int) {
	_ = d.use(func(p *C.dmoe_dataset) error { size = int(C.dmoe_dataset_size(p)); return nil })
	return size
}

// Classes is the number of classes; 0 after Close.
func (d *Dataset) Classes() (classes int) {
	_ = d.use(func(p *C.dmoe_dataset) error { classes = int(C.dmoe_dataset_num_classes(p)); return nil })
	return classes
}

// Describe is JSON of size, classes and normalisation.
func (d *Dataset) Describe() (description json.RawMessage, err error) {
	err = d.use(func(p *C.dmoe_dataset) (err error) {
		description, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t { return C.dmoe_dataset_describe(p, s, e) })
		return err
	})
	return description, err
}

// FetchDataset makes sure that a folder holds the published data set ("cifar10", "cifar100"), downloading what is missing;
// JSON of what was done. The settings are those of dmoe_fetch_dataset; they and the callback may be nil. When the context
// ends, what was downloaded is kept.
func FetchDataset(ctx context.Context, dataset, dataDir string, settings Values, callback Callback) (done json.RawMessage, err error) {
	err = during(ctx, callback, func(user unsafe.Pointer) error {
		return withText(dataset, func(dataset *C.char) error {
			return withText(dataDir, func(dataDir *C.char) error {
				return withValues(settings, func(settings *C.char) (err error) {
					done, err = jsonOf(func(s **C.dmoe_string, e **C.dmoe_error) C.int32_t {
						return C.fetch(dataset, dataDir, settings, user, s, e)
					})
					return err
				})
			})
		})
	})
	return done, err
}
