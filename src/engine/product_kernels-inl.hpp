// Products of the convolutions' inner loops, for one instruction set. Included once for each by kernels.cpp.

#if defined(DEEPMOE_ENGINE_PRODUCT_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_PRODUCT_KERNELS_INL
#undef DEEPMOE_ENGINE_PRODUCT_KERNELS_INL
#else
#define DEEPMOE_ENGINE_PRODUCT_KERNELS_INL
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr int register_budget = 24;  // sums held in the 32 registers
#else
inline constexpr int register_budget = 12;  // in 16
#endif

constexpr int rows_limit(int columns) {
  return register_budget / columns < product_rows_limit ? register_budget / columns : product_rows_limit;
}

/// At most 16 floats: a tile's transform points fill a whole number of vectors.
using Floats = hn::CappedTag<float, tile_points>;
using Vector = hn::Vec<Floats>;

/// Keeps a value in a register: compilers otherwise load it anew from memory for every use.
HWY_INLINE void keep_in_register(Vector& value) {
#if HWY_COMPILER_GCC && HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  asm("" : "+x"(value.raw));
#elif HWY_COMPILER_GCC && HWY_TARGET == HWY_NEON
  asm("" : "+w"(value.raw));
#else
  (void)value;
#endif
}

template <int Rows, int Columns>
HWY_NOINLINE void vector_product_of(const float* HWY_RESTRICT values, const float* const* weights,
                                    const std::int32_t* HWY_RESTRICT offsets, std::int32_t count,
                                    bool add, float* HWY_RESTRICT out, std::size_t row_stride,
                                    std::size_t column_stride) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vector sums[Rows][Columns];
  const float* HWY_RESTRICT row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    row[r] = weights[r];
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) {
      const float* sum =
          out + static_cast<std::size_t>(r) * row_stride + static_cast<std::size_t>(c) * column_stride;
      sums[r][c] = add ? hn::LoadU(d, sum) : hn::Zero(d);
    }
  }
  for (std::int32_t i = 0; i < count; ++i) {
    const std::ptrdiff_t offset = offsets[i];
    if constexpr (Rows <= Columns) {
      Vector weight[Rows];
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        weight[r] = hn::LoadU(d, row[r] + offset);
        keep_in_register(weight[r]);
      }
#pragma GCC unroll 4
      for (int c = 0; c < Columns; ++c) {
        Vector value = hn::LoadU(d, values + static_cast<std::size_t>(c) * lanes);
        keep_in_register(value);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) sums[r][c] = hn::MulAdd(weight[r], value, sums[r][c]);
      }
    } else {
      Vector value[Columns];
#pragma GCC unroll 4
      for (int c = 0; c < Columns; ++c) {
        value[c] = hn::LoadU(d, values + static_cast<std::size_t>(c) * lanes);
        keep_in_register(value[c]);
      }
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        Vector weight = hn::LoadU(d, row[r] + offset);
        if constexpr (Columns > 1) keep_in_register(weight);
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c) sums[r][c] = hn::MulAdd(weight, value[c], sums[r][c]);
      }
    }
    values += static_cast<std::size_t>(Columns) * lanes;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) {
      hn::StoreU(
          sums[r][c], d,
          out + static_cast<std::size_t>(r) * row_stride + static_cast<std::size_t>(c) * column_stride);
    }
  }
}

template <int Rows, int Columns>
HWY_NOINLINE void scalar_product_of(const float* HWY_RESTRICT values, const float* const* weights,
                                    const std::int32_t* HWY_RESTRICT offsets, std::int32_t count,
                                    std::int32_t taps, float* HWY_RESTRICT out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vector sums[Rows][Columns];
  const float* HWY_RESTRICT row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    row[r] = weights[r];
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) sums[r][c] = hn::Zero(d);
  }
  for (std::int32_t i = 0; i < count; ++i) {
    std::ptrdiff_t offset = offsets[i];
    for (std::int32_t tap = 0; tap < taps; ++tap, ++offset) {
      Vector value[Columns];
#pragma GCC unroll 4
      for (int c = 0; c < Columns; ++c) {
        value[c] = hn::LoadU(d, values + static_cast<std::size_t>(c) * lanes);
        if constexpr (Rows > 1) keep_in_register(value[c]);
      }
      values += static_cast<std::size_t>(Columns) * lanes;
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        Vector weight = hn::Set(d, row[r][offset]);
        if constexpr (Columns > 1) keep_in_register(weight);
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c) sums[r][c] = hn::MulAdd(weight, value[c], sums[r][c]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) {
      hn::StoreU(sums[r][c], d,
                 out + (static_cast<std::size_t>(r) * Columns + static_cast<std::size_t>(c)) * lanes);
    }
  }
}

template <int Columns>
HWY_INLINE void row_product_of(const float* HWY_RESTRICT x, const float* HWY_RESTRICT weights,
                               const std::int32_t* HWY_RESTRICT features, std::int32_t count,
                               float* HWY_RESTRICT out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t width = static_cast<std::size_t>(Columns) * lanes;
  Vector sums[Columns];
#pragma GCC unroll 4
  for (int c = 0; c < Columns; ++c) sums[c] = hn::LoadU(d, out + static_cast<std::size_t>(c) * lanes);
  for (std::int32_t i = 0; i < count; ++i) {
    const auto feature = static_cast<std::size_t>(features != nullptr ? features[i] : i);
    const float* HWY_RESTRICT weight = weights + feature * width;
    const Vector value = hn::Set(d, x[i]);
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) {
      sums[c] = hn::MulAdd(value, hn::LoadU(d, weight + static_cast<std::size_t>(c) * lanes), sums[c]);
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < Columns; ++c) hn::StoreU(sums[c], d, out + static_cast<std::size_t>(c) * lanes);
}

using VectorProduct = void (*)(const float*, const float* const*, const std::int32_t*, std::int32_t, bool,
                               float*, std::size_t, std::size_t);
using ScalarProduct = void (*)(const float*, const float* const*, const std::int32_t*, std::int32_t,
                               std::int32_t, float*);

template <int Columns, int... Row>
constexpr std::array<VectorProduct, product_rows_limit> vector_products(std::integer_sequence<int, Row...>) {
  return {vector_product_of<Row + 1, Columns>...};
}
template <int Columns, int... Row>
constexpr std::array<ScalarProduct, product_rows_limit> scalar_products(std::integer_sequence<int, Row...>) {
  return {scalar_product_of<Row + 1, Columns>...};
}
template <int Columns>
using RowsOf = std::make_integer_sequence<int, rows_limit(Columns)>;

void vector_product(const float* values, const float* const* weights, const std::int32_t* offsets,
                    std::int32_t count, int rows, int columns, bool add, float* out, std::size_t row_stride,
                    std::size_t column_stride) {
  static constexpr std::array<std::array<VectorProduct, product_rows_limit>, product_columns> products{
      vector_products<1>(RowsOf<1>()), vector_products<2>(RowsOf<2>()), vector_products<3>(RowsOf<3>()),
      vector_products<4>(RowsOf<4>())};
  products[static_cast<std::size_t>(columns) - 1][static_cast<std::size_t>(rows) - 1](
      values, weights, offsets, count, add, out, row_stride, column_stride);
}

void scalar_product(const float* values, const float* const* weights, const std::int32_t* offsets,
                    std::int32_t count, std::int32_t taps, int rows, int columns, float* out) {
  static constexpr std::array<std::array<ScalarProduct, product_rows_limit>, product_columns> products{
      scalar_products<1>(RowsOf<1>()), scalar_products<2>(RowsOf<2>()), scalar_products<3>(RowsOf<3>()),
      scalar_products<4>(RowsOf<4>())};
  products[static_cast<std::size_t>(columns) - 1][static_cast<std::size_t>(rows) - 1](
      values, weights, offsets, count, taps, out);
}

void row_product(const float* x, const float* weights, const std::int32_t* features, std::int32_t count,
                 int columns, float* out) {
  switch (columns) {
    case 1:
      return row_product_of<1>(x, weights, features, count, out);
    case 2:
      return row_product_of<2>(x, weights, features, count, out);
    case 3:
      return row_product_of<3>(x, weights, features, count, out);
    default:
      return row_product_of<4>(x, weights, features, count, out);
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
