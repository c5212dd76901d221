/* Trains on arrays of the program's own, in a loop of its own, and goes on where it was stopped: after a
 * crash or a Ctrl-C, start it again with the same file. The weights at the end are the same, bit for bit.
 *
 *   resume STATE_FILE [STEPS]      STEPS: stop after so many steps, as if the power had failed */
#include <deepmoe.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 4, BATCH = 16, SIDE = 16, EPOCHS = 3, STEPS = 6, IMAGE = 3 * SIDE * SIDE };

static dmoe_error* error;
#define CHECK(call)                                                                  \
  do {                                                                               \
    if ((call) != DMOE_OK) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, dmoe_error_message(error)); \
      dmoe_error_release(error);                                                     \
      exit(EXIT_FAILURE);                                                            \
    }                                                                                \
  } while (0)

/* Noise with a brightness that tells the class. The batch depends on the number of the step alone: that is
 * all a loop must see to, for its data are not in the file. */
static void make_batch(int64_t step, float* images, int64_t* labels) {
  int i, pixel;
  srand((unsigned)step + 1);
  for (i = 0; i < BATCH; ++i) {
    labels[i] = rand() % CLASSES;
    for (pixel = 0; pixel < IMAGE; ++pixel) {
      images[i * IMAGE + pixel] = (float)labels[i] - 1.5F + (float)rand() / (float)RAND_MAX;
    }
  }
}

int main(int argc, char** argv) {
  static float images[BATCH * IMAGE];
  static int64_t labels[BATCH];
  const char* wishes =
      "{\"model\": \"resnet18_moe\", \"width\": 0.125, \"num_classes\": 4, \"image_size\": 16, \"device\": "
      "\"cpu\","
      " \"lr\": 0.02, \"epochs\": 3, \"gradient_accumulation\": 2}";
  const char* path = argc > 1 ? argv[1] : "state.safetensors";
  int64_t steps_left = argc > 2 ? atol(argv[2]) : EPOCHS * STEPS, step;
  double loss = 0;
  FILE* earlier;
  dmoe_options* options;
  dmoe_model* model;
  dmoe_trainer* trainer;

  CHECK(dmoe_options_create(&options, &error));
  CHECK(dmoe_options_set_json(options, wishes, &error));
  CHECK(dmoe_model_create(options, NULL, &model, &error));
  CHECK(dmoe_trainer_create(model, options, &trainer, &error));
  if ((earlier = fopen(path, "rb")) != NULL) {
    fclose(earlier);
    CHECK(dmoe_trainer_load_state(trainer, path, &error));
  }
  CHECK(dmoe_trainer_position(trainer, &step, NULL, NULL, &error));
  if (step > 0) printf("going on after step %ld\n", (long)step);
  for (; step < EPOCHS * STEPS && steps_left > 0; ++step, --steps_left) {
    /* An epoch that is under way was begun before. */
    if (step % STEPS == 0) CHECK(dmoe_trainer_begin_epoch(trainer, step / STEPS, STEPS, &error));
    make_batch(step, images, labels);
    CHECK(dmoe_trainer_step_f32(trainer, images, labels, BATCH, SIDE, SIDE, &loss, &error));
    CHECK(dmoe_trainer_save_state(trainer, path, &error));
  }
  if (step < EPOCHS * STEPS) {
    printf("stopped after step %ld\n", (long)step);
  } else {
    printf("finished: loss %.17g\n", loss);
  }
  dmoe_trainer_release(trainer);
  dmoe_model_release(model);
  dmoe_options_release(options);
  return 0;
}
