#include "engine/kernels.hpp"

// GCC 12.2 is feared to break 64-bit integer products in Highway's emulated target; none are used here, and
// the emulated target is the only one without SIMD that has vectors of four.
#define HWY_BROKEN_EMU128 0
// The emulated target too, for machines without any known instruction set and for the tests.
#define HWY_COMPILE_ALL_ATTAINABLE
// A step between SSE4 and nothing is not worth its size.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "engine/large_tile_kernels-inl.hpp"
#include "engine/pixel_kernels-inl.hpp"
#include "engine/product_kernels-inl.hpp"
#include "engine/single_tile_kernels-inl.hpp"
#include "engine/tile_kernels-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

const Kernels& kernel_table() {
  static const Kernels table{
      .target = hwy::TargetName(HWY_TARGET),
      .lanes = static_cast<int>(hn::Lanes(Floats())),
      .rows_limit = {0, rows_limit(1), rows_limit(2), rows_limit(3), rows_limit(4)},
      .float_products = {vector_product<float>, scalar_product<float>, row_product<float>,
                         transform_kernels<float>},
      .bfloat16_products = {vector_product<BFloat16>, scalar_product<BFloat16>, row_product<BFloat16>,
                            transform_kernels<BFloat16>},
      .transform_tiles = transform_tiles,
      .transform_single_tiles = transform_single_tiles,
      .finish_single_tiles = finish_single_tiles,
      .finish_tiles = finish_tiles,
      .transform_large_tiles = transform_large_tiles,
      .finish_large_tiles = finish_large_tiles,
      .finish_pixels = finish_pixels,
      .finish_outputs = finish_outputs,
      .copy_rows = copy_rows,
      .split_rows = split_rows,
      .largest_of_windows = largest_of_windows,
      .largest_of_quarters = largest_of_quarters,
      .larger_of = larger_of,
      .list_positive = list_positive,
      .count_above = count_above,
      .gelu = gelu,
  };
  return table;
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "base/base.hpp"

namespace deepmoe {

HWY_EXPORT(kernel_table);

namespace {

/// One table for each instruction set that is compiled in and that the machine has, the best one first.
std::vector<const Kernels*> available_tables() {
  std::vector<const Kernels*> tables;
  std::int64_t targets = (hwy::SupportedTargets() & HWY_TARGETS) | HWY_EMU128;
  for (; targets != 0; targets &= targets - 1) {
    hwy::ChosenTarget target;
    target.Update(targets & -targets);
    tables.push_back(&HWY_DISPATCH_TABLE(kernel_table)[target.GetIndex()]());
  }
  return tables;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& best = *available_tables().front();
  return best;
}

std::vector<std::string> kernel_targets() {
  std::vector<std::string> names;
  for (const Kernels* table : available_tables()) names.emplace_back(table->target);
  return names;
}

const Kernels& kernels(const std::string& target) {
  for (const Kernels* table : available_tables()) {
    if (target == table->target) return *table;
  }
  fail(ErrorCode::invalid_argument, "this machine has no kernels for '", target, "', but for ",
       join(kernel_targets(), ", "));
}

}  // namespace deepmoe
#endif  // HWY_ONCE
