/* Stands before the library, preloaded or linked to it, and writes to the file DEEPMOE_RECORD which addresses
 * a binding hands over: a line "function images results" for each call, in decimal. Tests of the bindings
 * compare them with where their arrays are. Each test compiles it: cc -shared -fPIC -I capi
 * record_addresses.c */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deepmoe.h"

/* DLPack's tensor, as far as it is read here. */
struct DLManagedTensor {
  void* data;
  int32_t device_type, device_id, dimensions;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t *shape, *strides;
  uint64_t byte_offset;
};

static void record(const char* function, const void* images, const void* results) {
  const char* path = getenv("DEEPMOE_RECORD");
  FILE* file = path != NULL ? fopen(path, "a") : NULL;
  if (file == NULL) return;
  fprintf(file, "%s %" PRIuPTR " %" PRIuPTR "\n", function, (uintptr_t)images, (uintptr_t)results);
  fclose(file);
}

static const void* data(const struct DLManagedTensor* tensor) {
  return (const char*)tensor->data + tensor->byte_offset;
}

#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

int32_t dmoe_engine_run(const dmoe_engine* engine, const float* images, int64_t batch, int64_t height,
                        int64_t width, float* logits, int64_t capacity, int64_t* needed, int64_t* active_macs,
                        dmoe_error** error) {
  record(__func__, images, logits);
  return NEXT(dmoe_engine_run)(engine, images, batch, height, width, logits, capacity, needed, active_macs,
                               error);
}

int32_t dmoe_engine_run_u8(const dmoe_engine* engine, const uint8_t* images, int64_t batch, int64_t height,
                           int64_t width, int32_t layout, float* logits, int64_t capacity, int64_t* needed,
                           int64_t* active_macs, dmoe_error** error) {
  record(__func__, images, logits);
  return NEXT(dmoe_engine_run_u8)(engine, images, batch, height, width, layout, logits, capacity, needed,
                                  active_macs, error);
}

int32_t dmoe_engine_run_outputs(const dmoe_engine* engine, const float* images, int64_t batch, int64_t height,
                                int64_t width, const float* given_gates, float* logits,
                                int64_t logits_capacity, float* embedding, int64_t embedding_capacity,
                                float* embedding_logits, int64_t embedding_logits_capacity, float* gates,
                                int64_t gates_capacity, int64_t* needed, int64_t* active_macs,
                                dmoe_error** error) {
  record(__func__, images, logits);
  return NEXT(dmoe_engine_run_outputs)(engine, images, batch, height, width, given_gates, logits,
                                       logits_capacity, embedding, embedding_capacity, embedding_logits,
                                       embedding_logits_capacity, gates, gates_capacity, needed, active_macs,
                                       error);
}

int32_t dmoe_model_forward(dmoe_model* model, const struct DLManagedTensor* images, dmoe_tensors** outputs,
                           dmoe_error** error) {
  record(__func__, data(images), NULL);
  return NEXT(dmoe_model_forward)(model, images, outputs, error);
}

int32_t dmoe_model_forward_f32(dmoe_model* model, const float* images, int64_t batch, int64_t height,
                               int64_t width, float* logits, int64_t capacity, int64_t* needed,
                               dmoe_error** error) {
  record(__func__, images, logits);
  return NEXT(dmoe_model_forward_f32)(model, images, batch, height, width, logits, capacity, needed, error);
}

int32_t dmoe_dataset_create_f32(const float* images, const int64_t* labels, int64_t size, int64_t height,
                                int64_t width, int64_t num_classes, dmoe_release_callback release,
                                void* user_data, dmoe_dataset** dataset, dmoe_error** error) {
  record(__func__, images, NULL);
  return NEXT(dmoe_dataset_create_f32)(images, labels, size, height, width, num_classes, release, user_data,
                                       dataset, error);
}

int32_t dmoe_dataset_create_u8(const uint8_t* images, const int64_t* labels, int64_t size, int64_t channels,
                               int64_t height, int64_t width, int32_t layout, int64_t num_classes,
                               dmoe_release_callback release, void* user_data, dmoe_dataset** dataset,
                               dmoe_error** error) {
  record(__func__, images, NULL);
  return NEXT(dmoe_dataset_create_u8)(images, labels, size, channels, height, width, layout, num_classes,
                                      release, user_data, dataset, error);
}

int32_t dmoe_trainer_step(dmoe_trainer* trainer, const struct DLManagedTensor* images,
                          const struct DLManagedTensor* labels, double* loss, dmoe_error** error) {
  record(__func__, data(images), data(labels));
  return NEXT(dmoe_trainer_step)(trainer, images, labels, loss, error);
}

int32_t dmoe_trainer_step_f32(dmoe_trainer* trainer, const float* images, const int64_t* labels,
                              int64_t batch, int64_t height, int64_t width, double* loss,
                              dmoe_error** error) {
  record(__func__, images, labels);
  return NEXT(dmoe_trainer_step_f32)(trainer, images, labels, batch, height, width, loss, error);
}
