#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "base/base.hpp"
#include "data/image_file.hpp"

// libpng reports errors by a callback that must not return, so it jumps. The functions that are jumped back
// to (those that call setjmp) and the callbacks own nothing that has a destructor, and no C++ frame lies
// between them.

namespace deepmoe {
namespace {

struct PngState {
  png_structp decoder = nullptr;
  png_infop info = nullptr;
  const png_byte* bytes = nullptr;
  std::size_t remaining = 0;
  std::jmp_buf jump;
  char message[160] = "";
};

[[noreturn]] void on_error(png_structp decoder, png_const_charp text) {
  PngState* state = static_cast<PngState*>(png_get_error_ptr(decoder));
  std::snprintf(state->message, sizeof state->message, "%s", text);
  std::longjmp(state->jump, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void on_read(png_structp decoder, png_bytep output, png_size_t count) {
  PngState* state = static_cast<PngState*>(png_get_io_ptr(decoder));
  if (count > state->remaining) png_error(decoder, "the file ends early");
  std::memcpy(output, state->bytes, count);
  state->bytes += count;
  state->remaining -= count;
}

bool read_header(PngState& state) {
  if (setjmp(state.jump) != 0) return false;
  state.decoder = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, &on_error, &ignore_warning);
  if (state.decoder == nullptr) return false;
  state.info = png_create_info_struct(state.decoder);
  if (state.info == nullptr) return false;
  png_set_read_fn(state.decoder, &state, &on_read);
  png_set_chunk_malloc_max(state.decoder, png_alloc_size_t{1} << 23);
  png_read_info(state.decoder, state.info);
  return true;
}

/// Whatever the file holds, rows come as 8-bit RGB: samples are used as stored (no gamma), transparency is
/// dropped.
bool read_pixels(PngState& state, png_bytep output, std::size_t row_bytes) {
  if (setjmp(state.jump) != 0) return false;
  png_set_expand(state.decoder);
  png_set_scale_16(state.decoder);
  png_set_gray_to_rgb(state.decoder);
  png_set_strip_alpha(state.decoder);
  const int passes = png_set_interlace_handling(state.decoder);
  png_read_update_info(state.decoder, state.info);
  if (png_get_rowbytes(state.decoder, state.info) != row_bytes)
    png_error(state.decoder, "unknown pixel layout");
  const png_uint_32 height = png_get_image_height(state.decoder, state.info);
  for (int pass = 0; pass < passes; ++pass) {
    for (png_uint_32 y = 0; y < height; ++y) png_read_row(state.decoder, output + y * row_bytes, nullptr);
  }
  png_read_end(state.decoder, nullptr);
  return true;
}

/// Owns the decoder's memory, whatever becomes of the file.
class PngDecoder {
 public:
  PngDecoder(std::span<const std::byte> bytes, const std::string& name) : name_(name) {
    state_.bytes = reinterpret_cast<const png_byte*>(bytes.data());
    state_.remaining = bytes.size();
    if (!read_header(state_)) {
      destroy();
      fail_here();
    }
  }
  ~PngDecoder() { destroy(); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  ImageExtent extent() const {
    return {png_get_image_height(state_.decoder, state_.info),
            png_get_image_width(state_.decoder, state_.info)};
  }

  void read(std::byte* output, std::size_t row_bytes) {
    if (!read_pixels(state_, reinterpret_cast<png_bytep>(output), row_bytes)) fail_here();
  }

 private:
  void destroy() { png_destroy_read_struct(&state_.decoder, &state_.info, nullptr); }
  [[noreturn]] void fail_here() const {
    fail(ErrorCode::format, name_, ": is not a readable PNG image: ",
         state_.message[0] != '\0' ? state_.message : "libpng could not start");
  }

  PngState state_;
  const std::string& name_;
};

}  // namespace

ImageExtent png_extent(std::span<const std::byte> bytes, const std::string& name) {
  return PngDecoder(bytes, name).extent();
}

ImageView decode_png(std::span<const std::byte> bytes, const std::string& name,
                     std::vector<std::byte>& scratch) {
  PngDecoder decoder(bytes, name);
  const ImageView view = rgb_view(decoder.extent(), name, scratch);
  decoder.read(scratch.data(), static_cast<std::size_t>(3 * view.width));
  return view;
}

}  // namespace deepmoe
