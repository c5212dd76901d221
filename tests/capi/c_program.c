/* The C ABI from C: a whole training run on the synthetic data set, with every result checked. */
#include <deepmoe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                             \
    }                                                                         \
  } while (0)

static dmoe_error* error = NULL;

static void succeed(int32_t status, int line) {
  if (status == DMOE_OK) return;
  fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, dmoe_status_name(status), dmoe_error_message(error));
  exit(EXIT_FAILURE);
}
#define DO(call) succeed((call), __LINE__)

static int32_t count_epochs(int32_t event, const char* json, void* user_data) {
  EXPECT(json != NULL && json[0] == '{');
  if (event == DMOE_EVENT_EPOCH) ++*(int*)user_data;
  return 0;
}

int main(void) {
  dmoe_options* options;
  dmoe_dataset *train, *test;
  dmoe_model* model;
  dmoe_trainer* trainer;
  dmoe_tensors* state;
  dmoe_string *summary, *figures;
  int epochs = 0;
  int64_t shape[4], rank = 0;

  EXPECT(dmoe_abi_version() == DMOE_ABI_VERSION);
  DO(dmoe_options_create(&options, &error));
  DO(dmoe_options_set_json(
      options,
      "{\"model\": \"resnet18_moe\", \"width\": 0.125, \"embedding_dim\": 16, \"image_size\": 16,"
      " \"num_classes\": 4, \"synthetic_train_size\": 64, \"synthetic_test_size\": 32,"
      " \"batch_size\": 16, \"epochs\": 2, \"device\": \"cpu\"}",
      &error));
  EXPECT(dmoe_options_set(options, "epochs", "-1", &error) == DMOE_ERROR_INVALID_ARGUMENT);
  EXPECT(strstr(dmoe_error_message(error), "epochs") != NULL);
  dmoe_error_release(error);
  error = NULL;

  DO(dmoe_dataset_open(options, "train", &train, &error));
  DO(dmoe_dataset_open(options, "test", &test, &error));
  EXPECT(dmoe_dataset_size(train) == 64);
  DO(dmoe_model_create(options, train, &model, &error));
  DO(dmoe_trainer_create(model, options, &trainer, &error));
  DO(dmoe_trainer_fit(trainer, train, test, count_epochs, &epochs, &summary, &error));
  EXPECT(epochs == 2);
  EXPECT(strstr(dmoe_string_data(summary), "\"accuracy\"") != NULL);
  DO(dmoe_model_evaluate(model, test, NULL, NULL, NULL, &figures, &error));
  EXPECT((int64_t)strlen(dmoe_string_data(figures)) == dmoe_string_size(figures));
  DO(dmoe_model_state(model, &state, &error));
  DO(dmoe_tensors_shape(state, "conv1.weight", shape, 4, &rank, &error));
  EXPECT(rank == 4 && shape[1] == 3);
  EXPECT(error == NULL);

  dmoe_options_release(options);
  dmoe_model_release(model);
  dmoe_dataset_release(test);
  dmoe_dataset_release(train);
  dmoe_string_release(figures);
  dmoe_string_release(summary);
  dmoe_tensors_release(state);
  dmoe_trainer_release(trainer);
  EXPECT(dmoe_live_objects(DMOE_KIND_ALL) == 0);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
