#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/channel_lists.hpp"
#include "engine/geometry.hpp"
#include "engine/kernels.hpp"
#include "engine/packed_kernels.hpp"
#include "engine/team.hpp"
#include "engine/weight_precision.hpp"

namespace deepmoe {

/// A convolution with packed weights that computes only the listed channels from only the listed channels.
/// Immutable: any number of threads may run it.
///
/// Channels that are not listed in the input hold the constants given at creation (zero without any): the
/// listed ones are read as x - constant, and one more channel, one everywhere, whose kernel is the sum of all
/// kernels times their constants, stands for the constants themselves, borders included (DESIGN section 10).
class ConvolutionKernel {
 public:
  virtual ~ConvolutionKernel() = default;

  virtual std::string name() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  /// Floats of scratch memory that run() needs for this many samples and threads.
  virtual std::size_t scratch_floats(std::int32_t samples, int threads) const = 0;
  virtual void run(std::span<const SampleInput> inputs, std::span<const SampleOutput> outputs, bool relu,
                   float* scratch, const Team& team) const = 0;
};

inline std::span<const float> constants_of(const Geometry& geometry, const float* constants) {
  return {constants, constants != nullptr ? static_cast<std::size_t>(geometry.inputs) : 0};
}

/// `weight` is (outputs, inputs, kernel, kernel); `constants` holds `inputs` numbers or is null.
std::unique_ptr<ConvolutionKernel> make_winograd_convolution(const Kernels& kernels, const Geometry& geometry,
                                                             const float* weight, const float* constants,
                                                             WeightPrecision precision);
/// For kernels of 3 x 3 and stride 1 on large planes.
std::unique_ptr<ConvolutionKernel> make_large_winograd_convolution(const Kernels& kernels,
                                                                   const Geometry& geometry,
                                                                   const float* weight,
                                                                   const float* constants);
std::unique_ptr<ConvolutionKernel> make_direct_convolution(const Kernels& kernels, const Geometry& geometry,
                                                           const float* weight, const float* constants,
                                                           WeightPrecision precision);

/// The same of kernels that others use, too; `constants` may be empty.
template <class Weight>
std::unique_ptr<ConvolutionKernel> make_packed_direct_convolution(
    const Kernels& kernels, const Geometry& geometry, std::shared_ptr<const PackedKernels<Weight>> weights,
    std::span<const float> constants);
template <class Weight>
std::unique_ptr<ConvolutionKernel> make_packed_winograd_convolution(
    const Kernels& kernels, const Geometry& geometry, std::shared_ptr<const PackedKernels<Weight>> weights,
    std::span<const float> constants);

/// For kernels of 3 x 3 and stride 1 that are large and meet small planes: kernels are kept as they are, and
/// transformed where they are used if they serve enough tiles.
std::unique_ptr<ConvolutionKernel> make_late_winograd_convolution(const Kernels& kernels,
                                                                  const Geometry& geometry,
                                                                  const float* weight, const float* constants,
                                                                  WeightPrecision precision);

/// Only for steps that compute every output.
std::unique_ptr<ConvolutionKernel> make_dense_convolution(const Kernels& kernels, const Geometry& geometry,
                                                          const float* weight, const float* constants);

/// The fastest of them for these extents; `every_output` says that none is ever left out.
std::unique_ptr<ConvolutionKernel> make_convolution(const Kernels& kernels, const Geometry& geometry,
                                                    const float* weight, const float* constants,
                                                    bool every_output, WeightPrecision precision);

}  // namespace deepmoe
