#pragma once

/// The engine's inner loops, compiled once for each instruction set and chosen when the program runs.
///
/// A vector holds `lanes` floats (4, 8 or 16). Pointers need no alignment unless it is said.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/bfloat16.hpp"

namespace deepmoe {

/// What happens to a sum before it is stored: y = activate(scale * sum + offset + residual).
struct Finish {
  float scale = 1, offset = 0;
  bool relu = false;
};

/// Numbers of one Winograd tile, F(2x2, 3x3): 4 x 4 transform points.
inline constexpr int tile_points = 16;
/// The same for a plane that is one tile of 2 x 2 pixels and has zeros around it: 3 x 3 points.
inline constexpr int single_tile_points = 9;
/// Tiles, or vectors of pixels, that a product kernel works on at a time.
inline constexpr int product_columns = 4;
inline constexpr int product_rows_limit = 12;

/// Consecutive tiles of a group that lie in one row of tiles.
struct TileSegment {
  std::int32_t first = 0, count = 0;   ///< in the group
  std::int32_t row = 0, column = 0;    ///< the first output pixel
  std::int32_t height = 0, width = 0;  ///< output pixels that exist: up to 2 and up to 2 * count
};

/// Up to product_columns tiles of a plane that follow each other.
struct TileGroup {
  std::int32_t first_tile = 0, tiles = 0, segment_count = 0;
  std::array<TileSegment, product_columns> segments;
};

/// Numbers of one tile of F(4x4, 3x3): 6 x 6 transform points.
inline constexpr int large_tile_points = 36;

/// Tiles of 4 x 4 output pixels that follow each other, row by row, from the start of a row of tiles.
struct LargeTiles {
  std::int32_t first_row = 0, columns = 0, count = 0;  ///< rows and columns of tiles
  std::int32_t height = 0, width = 0;                  ///< pixels of the whole plane
};

/// Sums of products of float values with weights of type Weight, float or BFloat16, all computed in float.
///
/// `ahead` may be null. Else the same weights of these rows, which are those of the next call, are asked for,
/// as many as `weights` has: reading here and there far from the processor, one call waits less for them
/// then.
template <class Weight>
struct Products {
  /// out[r][c] (vectors, `row_stride` and `column_stride` floats apart) = sum over i < count of
  /// weights[r][offsets[i] .. + lanes) * values[i][c], values being packed (count, columns, lanes), and with
  /// `add` what is in out already.
  void (*vectors)(const float* values, const Weight* const* weights, const Weight* const* ahead,
                  const std::int32_t* offsets, std::int32_t count, int rows, int columns, bool add,
                  float* out, std::size_t row_stride, std::size_t column_stride);

  /// out[r][c] = sum over i < count and tap < taps of weights[r][offsets[i] + tap] * values[p][tap][c] with p
  /// = places[i] (i without places), values being packed (place, taps, columns, lanes); out is packed (rows,
  /// columns, lanes). With places nothing is asked ahead.
  void (*scalars)(const float* values, const Weight* const* weights, const Weight* const* ahead,
                  const std::int32_t* offsets, const std::int32_t* places, std::int32_t count,
                  std::int32_t taps, int rows, int columns, float* out);

  /// out[c] += sum over i < count of x[i] * weights[(features ? features[i] : i) * columns + c], vectors.
  void (*rows)(const float* x, const Weight* weights, const std::int32_t* features, std::int32_t count,
               int columns, float* out);

  /// Transforms listed kernels of 3 x 3, 9 numbers each: of the kernel at kernels + 9 * channels[i], point p
  /// goes to out[(p / lanes) * part_stride + (channels[i] - first) * lanes + p % lanes], i < count. A number
  /// behind each kernel is read. The same kernels of `ahead`, which are those of the next call, are asked
  /// for.
  void (*transform_kernels)(const Weight* kernels, const Weight* ahead, const std::int32_t* channels,
                            std::int32_t count, std::int32_t first, float* out, std::size_t part_stride);
};

struct Kernels {
  const char* target;  ///< the instruction set's name, e.g. "AVX2"
  int lanes;

  /// The largest number of rows of a product with 1..product_columns columns that fits the registers.
  int rows_limit[product_columns + 1];

  Products<float> float_products;
  Products<BFloat16> bfloat16_products;
  template <class Weight>
  const Products<Weight>& products() const {
    if constexpr (std::is_same_v<Weight, float>) {
      return float_products;
    } else {
      return bfloat16_products;
    }
  }

  /// Transforms 4 x 4 patches of `plane` (rows `stride` floats apart), `tiles` in each of some groups, patch
  /// t of group g having its corner at corners[g * tiles + t], and stores its point p at out[g * group_stride
  /// + (p / lanes) * part_stride + t * lanes + p % lanes].
  void (*transform_tiles)(const float* plane, std::size_t stride, const std::int32_t* corners, int groups,
                          int tiles, float* out, std::size_t part_stride, std::size_t group_stride);

  /// Transforms listed planes of 2 x 2 pixels, each of them a tile with zeros around it: of plane channels[i]
  /// (i without channels) at planes + 4 * channel less its constant (of `constants`, 0 without any), times
  /// scales[i] (1 without any), stores point p at out[(p / lanes) * part_stride + i * stride + p % lanes], i
  /// < count. Lanes behind the last point are zero.
  void (*transform_single_tiles)(const float* planes, const std::int32_t* channels, const float* scales,
                                 const float* constants, std::int32_t count, float* out, std::size_t stride,
                                 std::size_t part_stride);

  /// The 9 points of each of some outputs, `stride` floats apart, back to planes of 2 x 2 pixels, finished,
  /// the output at place k being channels[k] (k without channels). `residual`, planes alike, may be null.
  void (*finish_single_tiles)(const float* points, std::size_t stride, const std::int32_t* channels,
                              std::int32_t count, const float* scales, const float* offsets, bool relu,
                              const float* residual, float* planes);

  /// Transforms the 16 points of each of the groups' tiles back to 2 x 2 pixels and stores them, finished, to
  /// `plane`. Points are packed, those of a group product_columns tiles after those of the one before.
  /// `residual`, a plane of the same extents, may be null.
  void (*finish_tiles)(const float* points, const TileGroup* groups, int group_count, const Finish& finish,
                       const float* residual, float* plane, std::size_t width);

  /// Transforms `tiles` consecutive 6 x 6 patches, 4 columns apart, of the 6 rows at `plane` (`stride` floats
  /// apart; 4 * tiles + 4 columns can be read), and stores point p of tile t at out[p * point_stride + t].
  void (*transform_large_tiles)(const float* plane, std::size_t stride, std::size_t tiles, float* out,
                                std::size_t point_stride);

  /// Transforms the 36 points of each tile, point p of tile t at sums[p * point_stride + t] (whole vectors
  /// can be read), back to 4 x 4 pixels and stores them, finished, to `plane`.
  void (*finish_large_tiles)(const float* sums, std::size_t point_stride, const LargeTiles& tiles,
                             const Finish& finish, const float* residual, float* plane);

  /// The same for `count` pixels in a row.
  void (*finish_pixels)(const float* sums, std::size_t count, const Finish& finish, const float* residual,
                        float* out);

  /// The same for rows of sums that hold the outputs of one pixel each, `width` floats apart (a multiple of
  /// four): output o of pixel i goes to planes[o * plane + i]. `residual`, planes of the same extents, may be
  /// null.
  void (*finish_outputs)(const float* sums, std::size_t width, std::size_t pixels, std::size_t outputs,
                         const float* scales, const float* offsets, bool relu, const float* residual,
                         float* planes, std::size_t plane);

  /// Copies `rows` rows of `width` pixels, as (x - shift) * scale.
  void (*copy_rows)(const float* in, std::size_t in_stride, std::size_t rows, std::size_t width, float shift,
                    float scale, float* out, std::size_t out_stride);

  /// The same with even columns to `even` and odd ones to `odd`, for convolutions of stride 2. Both take
  /// (width + 1) / 2 pixels a row.
  void (*split_rows)(const float* in, std::size_t in_stride, std::size_t rows, std::size_t width, float shift,
                     float scale, float* even, float* odd, std::size_t out_stride);

  /// out[i] = the largest of x[2 i] .. x[2 i + kernel - 1], or one of them that is not a number, for i <
  /// count; x has one number more than the windows need.
  void (*largest_of_windows)(const float* x, int kernel, std::size_t count, float* out);

  /// out = the largest of each 2 x 2 window, or one of them that is not a number, of `rows` rows of `width`
  /// floats that follow each other; both are even.
  void (*largest_of_quarters)(const float* x, std::size_t rows, std::size_t width, float* out);

  /// x[i] = the larger of x[i] and y[i], or the one that is not a number.
  void (*larger_of)(float* x, const float* y, std::size_t count);

  /// Lists the places i < count of numbers that are more than 0, or that are none, in order, and says how
  /// many they are. `places` has room for `count`.
  std::int32_t (*list_positive)(const float* x, std::int32_t count, std::int32_t* places);

  /// How many of `count` numbers, none of them negative, have more than these bits, signs aside. Such numbers
  /// are in the order of their bits, and what is not a number, of either sign, comes last.
  std::int32_t (*count_above)(const float* x, std::int32_t count, std::int32_t bits);

  /// x = x * Phi(x) in place, the exact GELU, within 1e-6 of the largest |x|.
  void (*gelu)(float* x, std::size_t count);
};

/// The kernels of the best instruction set that this machine has.
const Kernels& kernels();

/// The instruction sets that are compiled in and that this machine has, the best one first; for tests.
std::vector<std::string> kernel_targets();
/// The kernels of one of them.
const Kernels& kernels(const std::string& target);

}  // namespace deepmoe
