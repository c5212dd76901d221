// Products of the convolutions' inner loops, for one instruction set. Included once for each by kernels.cpp.

#if defined(DEEPMOE_ENGINE_PRODUCT_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_ENGINE_PRODUCT_KERNELS_INL
#undef DEEPMOE_ENGINE_PRODUCT_KERNELS_INL
#else
#define DEEPMOE_ENGINE_PRODUCT_KERNELS_INL
#endif

#include <hwy/cache_control.h>
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

HWY_INLINE Vector load(Floats d, const float* HWY_RESTRICT weights) { return hn::LoadU(d, weights); }
HWY_INLINE Vector load(Floats d, const BFloat16* HWY_RESTRICT weights) {
  const hn::Rebind<std::uint16_t, Floats> halves;
  const hn::Rebind<std::uint32_t, Floats> wholes;
  // A BFloat16 is nothing but its bits.
  const auto bits = hn::LoadU(halves, reinterpret_cast<const std::uint16_t*>(weights));
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(wholes, bits)));
}

/// `Ahead`: there are rows to ask for.
template <class Weight, bool Ahead, int Rows, int Columns>
HWY_NOINLINE void vector_product_of(const float* HWY_RESTRICT values, const Weight* const* weights,
                                    const Weight* const* ahead, const std::int32_t* HWY_RESTRICT offsets,
                                    std::int32_t count, bool add, float* HWY_RESTRICT out,
                                    std::size_t row_stride, std::size_t column_stride) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vector sums[Rows][Columns];
  const Weight* HWY_RESTRICT row[Rows];
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
    if constexpr (Ahead) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) hwy::Prefetch(ahead[r] + offset);
    }
    if constexpr (Rows <= Columns) {
      Vector weight[Rows];
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        weight[r] = load(d, row[r] + offset);
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
        Vector weight = load(d, row[r] + offset);
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

/// What a product of scalars does besides: reads values at `places`, or asks for rows.
enum class Besides { nothing, places, ahead };

template <class Weight, Besides besides, int Rows, int Columns>
HWY_NOINLINE void scalar_product_of(const float* HWY_RESTRICT values, const Weight* const* weights,
                                    const Weight* const* ahead, const std::int32_t* HWY_RESTRICT offsets,
                                    const std::int32_t* HWY_RESTRICT places, std::int32_t count,
                                    std::int32_t taps, float* HWY_RESTRICT out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vector sums[Rows][Columns];
  const Weight* HWY_RESTRICT row[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    row[r] = weights[r];
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) sums[r][c] = hn::Zero(d);
  }
  for (std::int32_t i = 0; i < count; ++i) {
    std::ptrdiff_t offset = offsets[i];
    if constexpr (besides == Besides::ahead) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        hwy::Prefetch(ahead[r] + offset);
        hwy::Prefetch(ahead[r] + offset + taps - 1);
      }
    }
    const float* HWY_RESTRICT at = values;
    if constexpr (besides == Besides::places)
      at += static_cast<std::size_t>(places[i] * taps * Columns) * lanes;
    for (std::int32_t tap = 0; tap < taps; ++tap, ++offset) {
      Vector value[Columns];
#pragma GCC unroll 4
      for (int c = 0; c < Columns; ++c) {
        value[c] = hn::LoadU(d, at + static_cast<std::size_t>(c) * lanes);
        if constexpr (Rows > 1) keep_in_register(value[c]);
      }
      at += static_cast<std::size_t>(Columns) * lanes;
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        Vector weight = hn::Set(d, to_float(row[r][offset]));
        if constexpr (Columns > 1) keep_in_register(weight);
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c) sums[r][c] = hn::MulAdd(weight, value[c], sums[r][c]);
      }
    }
    if constexpr (besides != Besides::places) values = at;
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

template <class Weight, int Columns>
HWY_INLINE void row_product_of(const float* HWY_RESTRICT x, const Weight* HWY_RESTRICT weights,
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
    const Weight* HWY_RESTRICT weight = weights + feature * width;
    const Vector value = hn::Set(d, x[i]);
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) {
      sums[c] = hn::MulAdd(value, load(d, weight + static_cast<std::size_t>(c) * lanes), sums[c]);
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < Columns; ++c) hn::StoreU(sums[c], d, out + static_cast<std::size_t>(c) * lanes);
}

template <class Weight>
using VectorProduct = void (*)(const float*, const Weight* const*, const Weight* const*, const std::int32_t*,
                               std::int32_t, bool, float*, std::size_t, std::size_t);
template <class Weight>
using ScalarProduct = void (*)(const float*, const Weight* const*, const Weight* const*, const std::int32_t*,
                               const std::int32_t*, std::int32_t, std::int32_t, float*);

template <int Columns>
using RowsOf = std::make_integer_sequence<int, rows_limit(Columns)>;

template <class Product>
using ProductTable = std::array<std::array<Product, product_rows_limit>, product_columns>;

template <class Weight, bool Ahead, int Columns, int... Row>
constexpr std::array<VectorProduct<Weight>, product_rows_limit> vector_products(
    std::integer_sequence<int, Row...>) {
  return {vector_product_of<Weight, Ahead, Row + 1, Columns>...};
}
template <class Weight, bool Ahead>
constexpr ProductTable<VectorProduct<Weight>> vector_products() {
  return {vector_products<Weight, Ahead, 1>(RowsOf<1>()), vector_products<Weight, Ahead, 2>(RowsOf<2>()),
          vector_products<Weight, Ahead, 3>(RowsOf<3>()), vector_products<Weight, Ahead, 4>(RowsOf<4>())};
}
template <class Weight, Besides besides, int Columns, int... Row>
constexpr std::array<ScalarProduct<Weight>, product_rows_limit> scalar_products(
    std::integer_sequence<int, Row...>) {
  return {scalar_product_of<Weight, besides, Row + 1, Columns>...};
}
template <class Weight, Besides besides>
constexpr ProductTable<ScalarProduct<Weight>> scalar_products() {
  return {scalar_products<Weight, besides, 1>(RowsOf<1>()), scalar_products<Weight, besides, 2>(RowsOf<2>()),
          scalar_products<Weight, besides, 3>(RowsOf<3>()), scalar_products<Weight, besides, 4>(RowsOf<4>())};
}

template <class Weight>
void vector_product(const float* values, const Weight* const* weights, const Weight* const* ahead,
                    const std::int32_t* offsets, std::int32_t count, int rows, int columns, bool add,
                    float* out, std::size_t row_stride, std::size_t column_stride) {
  static constexpr auto plain = vector_products<Weight, false>(), asking = vector_products<Weight, true>();
  const auto& products = ahead != nullptr ? asking : plain;
  products[static_cast<std::size_t>(columns) - 1][static_cast<std::size_t>(rows) - 1](
      values, weights, ahead, offsets, count, add, out, row_stride, column_stride);
}

template <class Weight>
void scalar_product(const float* values, const Weight* const* weights, const Weight* const* ahead,
                    const std::int32_t* offsets, const std::int32_t* places, std::int32_t count,
                    std::int32_t taps, int rows, int columns, float* out) {
  static constexpr auto plain = scalar_products<Weight, Besides::nothing>(),
                        listed = scalar_products<Weight, Besides::places>(),
                        asking = scalar_products<Weight, Besides::ahead>();
  const auto& products = places != nullptr ? listed : ahead != nullptr ? asking : plain;
  products[static_cast<std::size_t>(columns) - 1][static_cast<std::size_t>(rows) - 1](
      values, weights, ahead, offsets, places, count, taps, out);
}

template <class Weight>
void row_product(const float* x, const Weight* weights, const std::int32_t* features, std::int32_t count,
                 int columns, float* out) {
  switch (columns) {
    case 1:
      return row_product_of<Weight, 1>(x, weights, features, count, out);
    case 2:
      return row_product_of<Weight, 2>(x, weights, features, count, out);
    case 3:
      return row_product_of<Weight, 3>(x, weights, features, count, out);
    default:
      return row_product_of<Weight, 4>(x, weights, features, count, out);
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
