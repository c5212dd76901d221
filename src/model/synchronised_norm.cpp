#include "model/synchronised_norm.hpp"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>
#include <vector>

namespace deepmoe {
namespace {

/// The sum of a tensor over the processes. What each process gets depends on the tensors of all, so that its gradient is
/// the sum of their gradients.
struct SharedSum : torch::autograd::Function<SharedSum> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& own,
                            const SumOverProcesses* sum_over_processes) {
    context->saved_data["sum"] = reinterpret_cast<std::int64_t>(sum_over_processes);
    at::Tensor sum = own.clone();
    (*sum_over_processes)(sum);
    return sum;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto* sum_over_processes =
        reinterpret_cast<const SumOverProcesses*>(context->saved_data["sum"].toInt());
    at::Tensor sum = gradients[0].clone();
    (*sum_over_processes)(sum);
    return {sum, at::Tensor()};
  }
};

}  // namespace

at::Tensor synchronised_norm(const at::Tensor& input, const std::optional<at::Tensor>& weight,
                             const std::optional<at::Tensor>& bias, const at::Tensor& running_mean,
                             const at::Tensor& running_var, double momentum, double epsilon,
                             const SumOverProcesses& sum_over_processes) {
  const std::int64_t channels = input.size(1);
  std::vector<std::int64_t> others{0}, shape(static_cast<std::size_t>(input.dim()), 1);
  for (std::int64_t dimension = 2; dimension < input.dim(); ++dimension) others.push_back(dimension);
  shape[1] = channels;

  const at::Tensor value = input.to(at::kFloat);
  const at::Tensor own = at::cat({value.sum(others, false, at::kDouble),
                                  at::full({1}, static_cast<double>(value.numel() / channels),
                                           at::TensorOptions(value.device()).dtype(at::kDouble))});
  const at::Tensor sums = SharedSum::apply(own, &sum_over_processes);
  const at::Tensor count = sums.narrow(0, channels, 1).detach();
  const at::Tensor mean = sums.narrow(0, 0, channels) / count;
  // Around the mean, since a difference of large squares would lose digits.
  const at::Tensor centred = value - mean.to(at::kFloat).view(shape);
  const at::Tensor variance =
      SharedSum::apply(centred.square().sum(others, false, at::kDouble), &sum_over_processes) / count;
  {
    const c10::NoGradGuard no_gradient;
    const at::Tensor unbiased = variance * (count / (count - 1.0));
    running_mean.mul_(1.0 - momentum).add_(mean.to(running_mean.scalar_type()), momentum);
    running_var.mul_(1.0 - momentum).add_(unbiased.to(running_var.scalar_type()), momentum);
  }
  at::Tensor output = centred * (variance + epsilon).rsqrt().to(at::kFloat).view(shape);
  if (weight) output = output * weight->view(shape);
  if (bias) output = output + bias->view(shape);
  return output.to(input.scalar_type());
}

}  // namespace deepmoe
