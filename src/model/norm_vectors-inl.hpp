// Numbers that are stored as float, double or Bfloat16, as vectors of one instruction set, for the kernels of
// the fused norm.

#if defined(DEEPMOE_NORM_VECTORS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_NORM_VECTORS_INL
#undef DEEPMOE_NORM_VECTORS_INL
#else
#define DEEPMOE_NORM_VECTORS_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "model/plane_kernels.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
using Vector = hn::Vec<Tag<T>>;

template <class E>
Vector<ComputedType<E>> load(const E* HWY_RESTRICT from) {
  const Tag<ComputedType<E>> d;
  if constexpr (std::is_same_v<E, Bfloat16>) {
    const hn::RebindToUnsigned<decltype(d)> whole;
    const hn::Rebind<std::uint16_t, decltype(d)> halves;
    const auto upper = hn::LoadU(halves, reinterpret_cast<const std::uint16_t*>(from));
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(whole, upper)));
  } else {
    return hn::LoadU(d, from);
  }
}

/// Rounds as `stored` does.
template <class E>
void store(Vector<ComputedType<E>> values, E* HWY_RESTRICT to) {
  const Tag<ComputedType<E>> d;
  if constexpr (std::is_same_v<E, Bfloat16>) {
    const hn::RebindToUnsigned<decltype(d)> whole;
    const hn::RebindToSigned<decltype(d)> narrowed;
    const hn::Rebind<std::uint16_t, decltype(d)> halves;
    const auto bits = hn::BitCast(whole, values);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(whole, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(whole, 0x7FFF))));
    const auto is_number = hn::RebindMask(whole, hn::Eq(values, values));
    const auto upper = hn::IfThenElse(is_number, rounded, hn::Set(whole, 0x7FC0));
    hn::StoreU(hn::DemoteTo(halves, hn::BitCast(narrowed, upper)), halves,
               reinterpret_cast<std::uint16_t*>(to));
  } else {
    hn::StoreU(values, d, to);
  }
}

/// The positive part; NaN stays NaN.
template <class T>
Vector<T> positive_part(Vector<T> values) {
  return hn::IfThenZeroElse(hn::Lt(values, hn::Zero(Tag<T>())), values);
}
template <class T>
T positive_part(T value) {
  return value < 0 ? 0 : value;
}

/// The gradient that gets through a ReLU with this output.
template <class T>
Vector<T> let_through(Vector<T> gradient, Vector<T> output) {
  return hn::IfThenZeroElse(hn::Le(output, hn::Zero(Tag<T>())), gradient);
}
template <class T>
T let_through(T gradient, T output) {
  return output <= 0 ? 0 : gradient;
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DEEPMOE_NORM_VECTORS_INL
