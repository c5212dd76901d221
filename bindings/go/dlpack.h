/* DLPack's tensor, which the headers only name. */
#ifndef DEEPMOE_GO_DLPACK_H
#define DEEPMOE_GO_DLPACK_H

#include <stddef.h>
#include <stdint.h>

struct DLManagedTensor {
  void* data;
  int32_t device_type, device_id;
  int32_t ndim;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t *shape, *strides;
  uint64_t byte_offset;
  void* manager_ctx;
  void (*deleter)(struct DLManagedTensor* self);
};

static inline void delete_tensor(struct DLManagedTensor* tensor) {
  if (tensor->deleter != NULL) tensor->deleter(tensor);
}

#endif
