/* Trains a small gated network on arrays that the program makes itself, one dmoe_trainer_step_f32 at a time.
 *
 *   cc -std=c99 train.c $(pkg-config --cflags --libs deepmoe) && ./a.out
 *
 * The task: each image is noise with stripes in it; the class is the direction of the stripes. */
#include <deepmoe.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 4, BATCH = 32, SIDE = 16, STEPS = 80, IMAGE = 3 * SIDE * SIDE };

static dmoe_error* error;
#define CHECK(call)                                                                  \
  do {                                                                               \
    if ((call) != DMOE_OK) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, dmoe_error_message(error)); \
      dmoe_error_release(error);                                                     \
      exit(EXIT_FAILURE);                                                            \
    }                                                                                \
  } while (0)

static void make_batch(float* images, int64_t* labels) {
  static const int direction[CLASSES][2] = {{1, 0}, {0, 1}, {1, 1}, {1, 3}};
  int i, pixel;
  for (i = 0; i < BATCH; ++i) {
    const int label = rand() % CLASSES, phase = rand() % 4;
    labels[i] = label;
    for (pixel = 0; pixel < IMAGE; ++pixel) {
      const int x = pixel % SIDE, y = pixel / SIDE % SIDE;
      const int stripe = (direction[label][0] * x + direction[label][1] * y + phase) % 4 < 2;
      images[i * IMAGE + pixel] = (float)(stripe ? 1 : -1) + 2.0F * ((float)rand() / (float)RAND_MAX - 0.5F);
    }
  }
}

static int count_hits(const float* logits, const int64_t* labels) {
  int i, k, hits = 0;
  for (i = 0; i < BATCH; ++i) {
    int best = 0;
    for (k = 1; k < CLASSES; ++k) best = logits[i * CLASSES + k] > logits[i * CLASSES + best] ? k : best;
    hits += best == labels[i];
  }
  return hits;
}

int main(void) {
  static float images[BATCH * IMAGE], logits[BATCH * CLASSES];
  static int64_t labels[BATCH];
  const char* wishes =
      "{\"model\": \"resnet18_moe\", \"width\": 0.125, \"num_classes\": 4, \"image_size\": 16,"
      " \"device\": \"cpu\", \"lr\": 0.02, \"optimizer\": \"sgd\"}";
  dmoe_options* options;
  dmoe_model* model;
  dmoe_trainer* trainer;
  int step;

  CHECK(dmoe_options_create(&options, &error));
  CHECK(dmoe_options_set_json(options, wishes, &error));
  CHECK(dmoe_model_create(options, NULL, &model, &error));
  CHECK(dmoe_trainer_create(model, options, &trainer, &error));
  for (step = 1; step <= STEPS; ++step) {
    double loss;
    make_batch(images, labels);
    CHECK(dmoe_trainer_step_f32(trainer, images, labels, BATCH, SIDE, SIDE, &loss, &error));
    if (step % 20 == 0) printf("step %d: loss %.3f\n", step, loss);
  }
  make_batch(images, labels);
  CHECK(dmoe_model_forward_f32(model, images, BATCH, SIDE, SIDE, logits, BATCH * CLASSES, NULL, &error));
  printf("%d of %d new images recognised\n", count_hits(logits, labels), BATCH);
  dmoe_trainer_release(trainer);
  dmoe_model_release(model);
  dmoe_options_release(options);
  return 0;
}
