/* A whole training run on a folder of images: FOLDER/train/CLASS/IMAGE and FOLDER/val (or test)/CLASS/IMAGE.
 *
 *   fit_folder FOLDER [OPTION=VALUE]...      e.g.  fit_folder flowers epochs=5 out=run1 image_size=64 */
#include <deepmoe.h>
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

/* Prints each epoch's figures; a non-zero answer would end the run, with everything saved. */
static int32_t on_event(int32_t event, const char* json, void* user_data) {
  (void)user_data;
  if (event == DMOE_EVENT_EPOCH) printf("epoch %s\n", json);
  return 0;
}

static void set(dmoe_options* options, const char* argument) {
  const char* equals = strchr(argument, '=');
  char name[64];
  if (equals == NULL || (size_t)(equals - argument) >= sizeof name) {
    fprintf(stderr, "'%s' is not OPTION=VALUE\n", argument);
    exit(EXIT_FAILURE);
  }
  memcpy(name, argument, (size_t)(equals - argument));
  name[equals - argument] = '\0';
  CHECK(dmoe_options_set(options, name, equals + 1, &error));
}

int main(int argc, char** argv) {
  dmoe_options* options;
  dmoe_dataset *train, *validation;
  dmoe_model* model;
  dmoe_trainer* trainer;
  dmoe_string* summary;
  int i;

  if (argc < 2) {
    fprintf(stderr, "usage: fit_folder FOLDER [OPTION=VALUE]...\n");
    return EXIT_FAILURE;
  }
  CHECK(dmoe_options_create(&options, &error));
  CHECK(dmoe_options_set(options, "dataset", "folder", &error));
  CHECK(dmoe_options_set(options, "data_dir", argv[1], &error));
  CHECK(dmoe_options_set(options, "model", "resnet18_moe", &error));
  for (i = 2; i < argc; ++i) set(options, argv[i]);

  CHECK(dmoe_dataset_open(options, "train", &train, &error));
  CHECK(dmoe_dataset_open(options, "val", &validation, &error));
  printf("%ld images to learn from, %ld to check, %ld classes\n", (long)dmoe_dataset_size(train),
         (long)dmoe_dataset_size(validation), (long)dmoe_dataset_num_classes(train));
  CHECK(dmoe_model_create(options, train, &model, &error));
  CHECK(dmoe_trainer_create(model, options, &trainer, &error));
  CHECK(dmoe_trainer_fit(trainer, train, validation, on_event, NULL, &summary, &error));
  printf("summary %s\n", dmoe_string_data(summary));

  dmoe_string_release(summary);
  dmoe_trainer_release(trainer);
  dmoe_model_release(model);
  dmoe_dataset_release(validation);
  dmoe_dataset_release(train);
  dmoe_options_release(options);
  return 0;
}
