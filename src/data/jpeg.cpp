#include <algorithm>
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs cstdio before it.
#include <jpeglib.h>
// jerror.h needs jpeglib.h before it.
#include <jerror.h>

#include "base/base.hpp"
#include "data/image_file.hpp"

// libjpeg reports errors by a callback that must not return, so it jumps. The functions that are jumped back
// to (those that call setjmp) and the callbacks own nothing that has a destructor, and no C++ frame lies
// between them.

namespace deepmoe {
namespace {

struct JpegState {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void on_error(j_common_ptr decoder) {
  JpegState* state = static_cast<JpegState*>(decoder->client_data);
  decoder->err->format_message(decoder, state->message);
  std::longjmp(state->jump, 1);
}

/// libjpeg goes on after damage with grey pixels and a warning. Warnings that mean missing or wrong pixels
/// are errors here; the others (stray bytes between segments) are common in images of photographers and
/// harmless.
void on_message(j_common_ptr decoder, int level) {
  if (level >= 0) return;
  const int code = decoder->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
      code == JWRN_MUST_RESYNC) {
    on_error(decoder);
  }
}

void discard_message(j_common_ptr) {}

/// A small file may ask for many thousand scans over a large image.
void on_progress(j_common_ptr decoder) {
  constexpr int most_scans = 500;
  if (decoder->is_decompressor == 0) return;
  if (reinterpret_cast<j_decompress_ptr>(decoder)->input_scan_number > most_scans) {
    JpegState* state = static_cast<JpegState*>(decoder->client_data);
    std::snprintf(state->message, sizeof state->message, "more than %d scans", most_scans);
    std::longjmp(state->jump, 1);
  }
}

bool create(JpegState& state) {
  state.message[0] = '\0';
  state.decoder.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = &on_error;
  state.errors.emit_message = &on_message;
  state.errors.output_message = &discard_message;
  state.decoder.client_data = &state;
  state.progress.progress_monitor = &on_progress;
  if (setjmp(state.jump) != 0) return false;
  jpeg_create_decompress(&state.decoder);
  state.decoder.client_data = &state;  // creation cleared it in some versions
  state.decoder.progress = &state.progress;
  return true;
}

bool read_header(JpegState& state, const unsigned char* bytes, unsigned long size) {
  if (setjmp(state.jump) != 0) return false;
  jpeg_mem_src(&state.decoder, bytes, size);
  jpeg_read_header(&state.decoder, TRUE);
  return true;
}

/// The columns that rows will have: at least those asked for, from the start of a block on.
struct Columns {
  unsigned left, width;
};

/// Makes ready for reading rows of `columns` of the reduced image, which become those that rows will have.
bool start(JpegState& state, J_COLOR_SPACE colours, unsigned reduction, Columns& columns) {
  if (setjmp(state.jump) != 0) return false;
  state.decoder.out_color_space = colours;
  state.decoder.scale_num = 1;
  state.decoder.scale_denom = reduction;
  jpeg_start_decompress(&state.decoder);
  if (columns.width < state.decoder.output_width) {
    jpeg_crop_scanline(&state.decoder, &columns.left, &columns.width);
  }
  return true;
}

bool read_rows(JpegState& state, unsigned skipped, unsigned count, unsigned char* output,
               std::size_t row_bytes) {
  if (setjmp(state.jump) != 0) return false;
  if (skipped > 0) jpeg_skip_scanlines(&state.decoder, skipped);
  for (unsigned y = 0; y < count; ++y) {
    JSAMPROW row = output + y * row_bytes;
    jpeg_read_scanlines(&state.decoder, &row, 1);
  }
  // The end is looked at only by who has come near it: that of a truncated file may be missing.
  if (state.decoder.output_scanline == state.decoder.output_height) jpeg_finish_decompress(&state.decoder);
  return true;
}

/// Owns the decoder's memory, whatever becomes of the file.
class JpegDecoder {
 public:
  JpegDecoder(std::span<const std::byte> bytes, const std::string& name) : name_(name) {
    if (!create(state_)) fail_here();
    if (!read_header(state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) {
      const std::string reason = state_.message;
      jpeg_destroy_decompress(&state_.decoder);
      fail(ErrorCode::format, name_, ": is not a readable JPEG image: ", reason);
    }
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&state_.decoder); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  ImageExtent extent() const { return {state_.decoder.image_height, state_.decoder.image_width}; }

  bool has_four_inks() const {
    return state_.decoder.jpeg_color_space == JCS_CMYK || state_.decoder.jpeg_color_space == JCS_YCCK;
  }

  /// Adobe's programs store ink the wrong way round, and say so by their marker.
  bool inks_inverted() const { return state_.decoder.saw_Adobe_marker != 0; }

  /// Prepares for `pixels` of the image reduced by `reduction`, and returns those that rows will be read of:
  /// the same rows, but maybe more columns.
  Rectangle start(std::int64_t reduction, Rectangle pixels) {
    // Chroma is interpolated between neighbours: with them at hand, a part has the pixels that the whole has.
    constexpr std::int64_t neighbours = 2;
    const std::int64_t width = (extent().width + reduction - 1) / reduction;
    const std::int64_t left = std::max<std::int64_t>(0, pixels.left - neighbours);
    const std::int64_t right = std::min(width, pixels.left + pixels.width + neighbours);
    Columns columns{static_cast<unsigned>(left), static_cast<unsigned>(right - left)};
    const J_COLOR_SPACE colours = has_four_inks() ? JCS_CMYK : JCS_RGB;
    if (!deepmoe::start(state_, colours, static_cast<unsigned>(reduction), columns)) fail_here();
    return {pixels.top, columns.left, pixels.height, columns.width};
  }

  void read(const Rectangle& pixels, std::byte* output, std::size_t row_bytes) {
    if (!read_rows(state_, static_cast<unsigned>(pixels.top), static_cast<unsigned>(pixels.height),
                   reinterpret_cast<unsigned char*>(output), row_bytes)) {
      fail_here();
    }
  }

 private:
  [[noreturn]] void fail_here() const {
    fail(ErrorCode::format, name_, ": is not a readable JPEG image: ", state_.message);
  }

  JpegState state_{};
  const std::string& name_;
};

/// Cyan, magenta, yellow and black, as light that each lets through, become red, green and blue.
void inks_to_rgb(const std::vector<std::byte>& inks, bool inverted, std::vector<std::byte>& rgb) {
  for (std::size_t pixel = 0; pixel * 3 < rgb.size(); ++pixel) {
    const auto light = [&](std::size_t ink) {
      const int value = std::to_integer<int>(inks[pixel * 4 + ink]);
      return inverted ? value : 255 - value;
    };
    for (std::size_t c = 0; c < 3; ++c)
      rgb[pixel * 3 + c] = static_cast<std::byte>((light(c) * light(3) + 127) / 255);
  }
}

/// The largest reduction that libjpeg has fast transforms for and that leaves pixels enough.
std::int64_t reduction_for(const PartRequest& request) {
  for (const std::int64_t reduction : {8, 4, 2}) {
    if (request.reduction >= static_cast<double>(reduction)) return reduction;
  }
  return 1;
}

/// All pixels of the reduced image that pixels of the image went into.
Rectangle reduced(const Rectangle& pixels, std::int64_t reduction) {
  const std::int64_t top = pixels.top / reduction, left = pixels.left / reduction;
  const auto end = [&](std::int64_t position) { return (position + reduction - 1) / reduction; };
  return {top, left, end(pixels.top + pixels.height) - top, end(pixels.left + pixels.width) - left};
}

}  // namespace

ImageExtent jpeg_extent(std::span<const std::byte> bytes, const std::string& name) {
  return JpegDecoder(bytes, name).extent();
}

ImagePart decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const ChoosePart& choose,
                      std::vector<std::byte>& scratch) {
  JpegDecoder decoder(bytes, name);
  check_extent(decoder.extent(), name);
  const PartRequest request = choose(decoder.extent());
  const std::int64_t reduction = reduction_for(request);
  const Rectangle wanted = reduced(request.pixels, reduction);
  const Rectangle read = decoder.start(reduction, wanted);
  const ImageView view = rgb_view({read.height, read.width}, name, scratch);
  if (decoder.has_four_inks()) {
    std::vector<std::byte> inks(static_cast<std::size_t>(4 * view.height * view.width));
    decoder.read(read, inks.data(), static_cast<std::size_t>(4 * view.width));
    inks_to_rgb(inks, decoder.inks_inverted(), scratch);
  } else {
    decoder.read(read, scratch.data(), static_cast<std::size_t>(3 * view.width));
  }
  ImagePart part = part_of(view, {0, wanted.left - read.left, wanted.height, wanted.width});
  part.top = wanted.top;
  part.left = wanted.left;
  part.reduction = reduction;
  return part;
}

}  // namespace deepmoe
