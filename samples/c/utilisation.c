/* Prints how often the experts of each layer work: how many are dead or always on, and how many are active
 * for 0 to 10 %, 10 to 20 %, ... of the images.
 *
 *   utilisation WEIGHTS.safetensors IMAGES
 *
 * IMAGES is a folder of train/ and test/ with a folder for each class. */
#include <deepmoe.h>
#include <stdio.h>
#include <stdlib.h>

enum { BINS = 10 };

static dmoe_error* error;
#define CHECK(call)                                                                  \
  do {                                                                               \
    if ((call) != DMOE_OK) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, dmoe_error_message(error)); \
      dmoe_error_release(error);                                                     \
      exit(EXIT_FAILURE);                                                            \
    }                                                                                \
  } while (0)

static void print_layer(const dmoe_report* report, const char* layer) {
  int64_t shape[2], i;
  long dead = 0, always = 0, bins[BINS] = {0};
  double* shares;
  dmoe_report_matrix(report, "utilisation", layer, NULL, 0, shape, NULL); /* asks for the size */
  shares = malloc((size_t)shape[1] * sizeof *shares);
  if (shares == NULL) exit(EXIT_FAILURE);
  CHECK(dmoe_report_matrix(report, "utilisation", layer, shares, shape[1], NULL, &error));
  for (i = 0; i < shape[1]; ++i) {
    const int bin = (int)(shares[i] * BINS);
    dead += shares[i] <= 0;
    always += shares[i] >= 1;
    ++bins[bin < BINS ? bin : BINS - 1];
  }
  printf("%-24s %7ld %5ld %6ld  ", layer, (long)shape[1], dead, always);
  for (i = 0; i < BINS; ++i) printf(" %3ld", bins[i]);
  printf("\n");
  free(shares);
}

int main(int argc, char** argv) {
  const char* layer;
  int64_t number;
  dmoe_options* options;
  dmoe_dataset* images;
  dmoe_model* model;
  dmoe_report* report;

  if (argc != 3) {
    fprintf(stderr, "usage: utilisation WEIGHTS.safetensors IMAGES\n");
    return EXIT_FAILURE;
  }
  CHECK(dmoe_options_create(&options, &error));
  CHECK(dmoe_options_set(options, "dataset", "folder", &error));
  CHECK(dmoe_options_set(options, "data_dir", argv[2], &error));
  CHECK(dmoe_dataset_open(options, "test", &images, &error));
  CHECK(dmoe_model_load(argv[1], NULL, &model, &error));
  CHECK(dmoe_report_create_from_model(model, images, NULL, NULL, NULL, &report, &error));

  printf("%ld images\n", (long)dmoe_dataset_size(images));
  printf("%-24s %7s %5s %6s   experts active for 0-10 %%, 10-20 %%, ... of the images\n", "layer", "experts",
         "dead", "always");
  for (number = 0; (layer = dmoe_report_layer(report, number)) != NULL; ++number) print_layer(report, layer);

  dmoe_report_release(report);
  dmoe_model_release(model);
  dmoe_dataset_release(images);
  dmoe_options_release(options);
  return 0;
}
