/* An outside program against libdeepmoe: makes a data set and prints the library's version. */
#include <deepmoe.h>
#include <stdio.h>

int main(void) {
  static const float images[2 * 3 * 4 * 4];
  static const int64_t labels[2] = {0, 1};
  dmoe_dataset* dataset = NULL;
  dmoe_error* error = NULL;
  if (dmoe_dataset_create_f32(images, labels, 2, 4, 4, 2, NULL, NULL, &dataset, &error) != DMOE_OK) {
    fprintf(stderr, "%s\n", dmoe_error_message(error));
    dmoe_error_release(error);
    return 1;
  }
  if (dmoe_dataset_size(dataset) != 2) return 2;
  dmoe_dataset_release(dataset);
  puts(dmoe_version());
  return dmoe_live_objects(DMOE_KIND_ALL) == 0 ? 0 : 3;
}
