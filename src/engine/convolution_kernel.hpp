#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/channel_lists.hpp"
#include "engine/geometry.hpp"
#include "engine/kernels.hpp"
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

/// Only for steps that compute every output.
std::unique_ptr<ConvolutionKernel> make_dense_convolution(const Kernels& kernels, const Geometry& geometry,
                                                          const float* weight, const float* constants);

/// The fastest of them for these extents; `every_output` says that none is ever left out.
std::unique_ptr<ConvolutionKernel> make_convolution(const Kernels& kernels, const Geometry& geometry,
                                                    const float* weight, const float* constants,
                                                    bool every_output, WeightPrecision precision);

}  // namespace deepmoe
