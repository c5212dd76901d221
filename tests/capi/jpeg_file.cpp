// jpeg_file PATH: writes a picture of 16 x 16 pixels.

#include <cstdio>
// Needs cstdio before it.
#include <jpeglib.h>

#include <vector>

int main(int argc, char** argv) {
  constexpr unsigned side = 16;
  std::FILE* const file = argc == 2 ? std::fopen(argv[1], "wb") : nullptr;
  if (file == nullptr) return 2;
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_width = side;
  jpeg.image_height = side;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<unsigned char> line(3 * side);
  for (unsigned row = 0; row < side; ++row) {
    for (unsigned i = 0; i < line.size(); ++i)
      line[i] = static_cast<unsigned char>(180 + (i * 3 + row * 5) % 64);
    JSAMPROW pixels = line.data();
    jpeg_write_scanlines(&jpeg, &pixels, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  return std::fclose(file) == 0 ? 0 : 1;
}
