/* Loads weights and says what is in an image.
 *
 *   predict WEIGHTS.safetensors IMAGE.jpg */
#include <deepmoe.h>
#include <dlpack/dlpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dmoe_error* error;
#define CHECK(call)                                                                  \
  do {                                                                               \
    if ((call) != DMOE_OK) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, dmoe_error_message(error)); \
      dmoe_error_release(error);                                                     \
      exit(EXIT_FAILURE);                                                            \
    }                                                                                \
  } while (0)

static void print_active_experts(const dmoe_tensors* outputs) {
  int64_t i, k, count;
  for (i = 0; i < dmoe_tensors_count(outputs); ++i) {
    const char* name = dmoe_tensors_name(outputs, i);
    long active = 0;
    float* gates;
    if (strncmp(name, "gate.", 5) != 0) continue;
    dmoe_tensors_read_f32(outputs, name, NULL, 0, &count, NULL); /* asks for the size */
    gates = malloc((size_t)count * sizeof *gates);
    if (gates == NULL) exit(EXIT_FAILURE);
    CHECK(dmoe_tensors_read_f32(outputs, name, gates, count, NULL, &error));
    for (k = 0; k < count; ++k) active += gates[k] > 0;
    printf("%-24s %ld of %ld experts active\n", name, active, (long)count);
    free(gates);
  }
}

int main(int argc, char** argv) {
  DLManagedTensor* input;
  dmoe_model* model;
  dmoe_tensors *image, *outputs;
  int64_t shape[2], i, best = 0;
  float* logits;

  if (argc != 3) {
    fprintf(stderr, "usage: predict WEIGHTS.safetensors IMAGE\n");
    return EXIT_FAILURE;
  }
  CHECK(dmoe_model_load(argv[1], NULL, &model, &error));
  CHECK(dmoe_model_read_image(model, argv[2], &image, &error));
  CHECK(dmoe_tensors_get(image, "input", &input, &error));
  CHECK(dmoe_model_forward(model, input, &outputs, &error));

  CHECK(dmoe_tensors_shape(outputs, "logits", shape, 2, NULL, &error));
  logits = malloc((size_t)shape[1] * sizeof *logits);
  if (logits == NULL) return EXIT_FAILURE;
  CHECK(dmoe_tensors_read_f32(outputs, "logits", logits, shape[1], NULL, &error));
  for (i = 1; i < shape[1]; ++i) best = logits[i] > logits[best] ? i : best;
  print_active_experts(outputs);
  printf("class %ld of %ld, logit %.3f\n", (long)best, (long)shape[1], logits[best]);

  free(logits);
  input->deleter(input);
  dmoe_tensors_release(outputs);
  dmoe_tensors_release(image);
  dmoe_model_release(model);
  return 0;
}
