// Numbers of channels_at_once channels as vectors of one instruction set, for channel_kernels.cpp.

#if defined(DEEPMOE_CHANNEL_VECTORS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef DEEPMOE_CHANNEL_VECTORS_INL
#undef DEEPMOE_CHANNEL_VECTORS_INL
#else
#define DEEPMOE_CHANNEL_VECTORS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "model/channel_kernels.hpp"
#include "model/norm_vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace deepmoe::HWY_NAMESPACE {

/// Numbers of all channels, in registers.
template <class T>
struct Channels {
  static constexpr std::size_t lanes = hn::MaxLanes(Tag<T>());
  static constexpr std::size_t vectors = channels_at_once / lanes;

  static HWY_INLINE Channels zero() {
    Channels result;
    for (Vector<T>& part : result.part) part = hn::Zero(Tag<T>());
    return result;
  }
  template <class E>
  static HWY_INLINE Channels of(const E* HWY_RESTRICT from) {
    Channels result;
    for (std::size_t v = 0; v < vectors; ++v) result.part[v] = load(from + v * lanes);
    return result;
  }
  template <class E>
  HWY_INLINE void put(E* HWY_RESTRICT to) const {
    for (std::size_t v = 0; v < vectors; ++v) store(part[v], to + v * lanes);
  }
  /// Adds them to doubles.
  HWY_INLINE void add_to(double* HWY_RESTRICT sums) const {
    T numbers[channels_at_once];
    put(numbers);
    for (std::size_t c = 0; c < channels_at_once; ++c) sums[c] += static_cast<double>(numbers[c]);
  }

  Vector<T> part[vectors];
};

/// Pixels that are added up before their sum goes into a double.
constexpr std::size_t pixels_in_stretch = 64;

/// Calls `add(pixel, sums)` for every pixel, where sums are `count` Channels, and adds these to the rows of
/// `totals`.
template <class T, std::size_t count, class Add>
HWY_INLINE void add_up(std::size_t pixels, double* const (&totals)[count], const Add& add) {
  for (double* const total : totals) std::fill(total, total + channels_at_once, 0.0);
  for (std::size_t i = 0; i < pixels;) {
    const std::size_t end = std::min(pixels, i + pixels_in_stretch);
    Channels<T> sums[count];
    for (Channels<T>& sum : sums) sum = Channels<T>::zero();
    for (; i < end; ++i) add(i, sums);
    for (std::size_t s = 0; s < count; ++s) sums[s].add_to(totals[s]);
  }
}

/// ChannelLines in registers.
template <class T>
struct Lines {
  explicit HWY_INLINE Lines(const ChannelLines<T>& lines)
      : before(Channels<T>::of(lines.before)),
        scale(Channels<T>::of(lines.scale)),
        shift(Channels<T>::of(lines.shift)),
        behind(Channels<T>::of(lines.behind)) {}
  HWY_INLINE Vector<T> operator()(std::size_t v, Vector<T> x) const {
    return hn::Mul(hn::MulAdd(hn::Mul(x, before.part[v]), scale.part[v], shift.part[v]), behind.part[v]);
  }
  Channels<T> before, scale, shift, behind;
};

/// ChannelSlopes in registers.
template <class T>
struct Slopes {
  explicit HWY_INLINE Slopes(const ChannelSlopes<T>& slopes)
      : gradient(Channels<T>::of(slopes.gradient)),
        input(Channels<T>::of(slopes.input)),
        center(Channels<T>::of(slopes.center)),
        constant(Channels<T>::of(slopes.constant)) {}
  template <class E>
  HWY_INLINE void put(const Channels<T>& d, const E* HWY_RESTRICT from, E* HWY_RESTRICT to) const {
    for (std::size_t v = 0; v < d.vectors; ++v) {
      const Vector<T> away = hn::Sub(load(from + v * d.lanes), center.part[v]);
      const Vector<T> rest = hn::MulAdd(away, input.part[v], constant.part[v]);
      store(hn::MulAdd(d.part[v], gradient.part[v], rest), to + v * d.lanes);
    }
  }
  Channels<T> gradient, input, center, constant;
};

/// Taps as numbers to compare with.
template <class T>
HWY_INLINE Vector<T> load_taps(const std::uint8_t* HWY_RESTRICT from) {
  const Tag<T> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const hn::Rebind<std::int32_t, decltype(d)> whole;
  if constexpr (sizeof(T) == sizeof(double)) {
    return hn::PromoteTo(d, hn::PromoteTo(whole, hn::LoadU(bytes, from)));
  } else {
    return hn::ConvertTo(d, hn::PromoteTo(whole, hn::LoadU(bytes, from)));
  }
}
template <class T>
HWY_INLINE void store_taps(Vector<T> taps, std::uint8_t* HWY_RESTRICT to) {
  const Tag<T> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const hn::Rebind<std::int32_t, decltype(d)> whole;
  if constexpr (sizeof(T) == sizeof(double)) {
    hn::StoreU(hn::DemoteTo(bytes, hn::DemoteTo(whole, taps)), bytes, to);
  } else {
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(whole, taps)), bytes, to);
  }
}

}  // namespace deepmoe::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // DEEPMOE_CHANNEL_VECTORS_INL
