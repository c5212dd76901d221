/* Says what is in a JPEG, with the runtime library alone: no LibTorch, no Python, no GPU.
 *
 *   classify WEIGHTS.safetensors IMAGE.jpg SIDE
 *
 * SIDE is the size of the images that the network takes, in pixels. */
#include <deepmoe_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h> /* needs stdio.h before it */

#define CLASSES 4096
static dmoe_error* error;
#define CHECK(call)                                                                  \
  do {                                                                               \
    if ((call) != DMOE_OK) {                                                         \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, dmoe_error_message(error)); \
      dmoe_error_release(error);                                                     \
      exit(EXIT_FAILURE);                                                            \
    }                                                                                \
  } while (0)

/* Height x width x 3 bytes, for the caller to free. libjpeg ends the program when the file is no JPEG. */
static unsigned char* read_jpeg(const char* path, int* height, int* width) {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  unsigned char *pixels, *row;
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_stdio_src(&jpeg, file);
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = JCS_RGB;
  jpeg_start_decompress(&jpeg);
  *height = (int)jpeg.output_height;
  *width = (int)jpeg.output_width;
  pixels = malloc((size_t)*height * (size_t)*width * 3);
  if (pixels == NULL) exit(EXIT_FAILURE);
  while (jpeg.output_scanline < jpeg.output_height) {
    row = pixels + (size_t)jpeg.output_scanline * (size_t)*width * 3;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  fclose(file);
  return pixels;
}

int main(int argc, char** argv) {
  char settings[64];
  int height, width, side, crop, row, column, i;
  int64_t count, macs, best = 0;
  static float logits[CLASSES];
  unsigned char *pixels, *image;
  dmoe_engine* engine;

  if (argc != 4 || (side = atoi(argv[3])) < 1 || side > 4096) {
    fprintf(stderr, "usage: classify WEIGHTS.safetensors IMAGE.jpg SIDE\n");
    return EXIT_FAILURE;
  }
  pixels = read_jpeg(argv[2], &height, &width);
  image = malloc((size_t)side * (size_t)side * 3);
  if (image == NULL) return EXIT_FAILURE;
  crop =
      height < width ? height : width; /* the square in the middle, brought to SIDE by nearest neighbours */
  for (i = 0; i < side * side; ++i) {
    row = (height - crop) / 2 + i / side * crop / side;
    column = (width - crop) / 2 + i % side * crop / side;
    memcpy(image + 3 * i, pixels + 3 * ((size_t)row * (size_t)width + (size_t)column), 3);
  }
  snprintf(settings, sizeof settings, "{\"image_size\": %d, \"threads\": 1}", side);
  CHECK(dmoe_engine_create(argv[1], settings, &engine, &error));
  CHECK(dmoe_engine_run_u8(engine, image, 1, side, side, DMOE_LAYOUT_NHWC, logits, CLASSES, &count, &macs,
                           &error));
  for (i = 1; i < (int)count; ++i) best = logits[i] > logits[best] ? i : best;
  printf("class %ld of %ld, logit %.3f, %.1f million MACs\n", (long)best, (long)count, logits[best],
         (double)macs / 1e6);
  dmoe_engine_release(engine);
  free(pixels);
  free(image);
  return 0;
}
