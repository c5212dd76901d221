#include "model/loss.hpp"

#include "base/base.hpp"

namespace deepmoe {

GateNorm gate_norm_from(const std::string& name) {
  if (name == "mean_l1") return GateNorm::mean_l1;
  if (name == "layer_mean_l1") return GateNorm::layer_mean_l1;
  if (name == "hoyer") return GateNorm::hoyer;
  if (name == "seed") return GateNorm::seed;
  fail(ErrorCode::internal, "gate_norm '", name, "' is declared but not known to the loss");
}

at::Tensor gate_loss(const std::vector<at::Tensor>& gates, GateNorm norm) {
  // Small enough never to change a layer with an active expert, large enough to make 0/0 a 0.
  constexpr double tiny = 1e-12;
  at::Tensor sum;
  for (const at::Tensor& layer : gates) {
    at::Tensor term;
    switch (norm) {
      case GateNorm::mean_l1:
        term = layer.abs().sum(1).mean();
        break;
      case GateNorm::layer_mean_l1:
        term = layer.abs().mean();
        break;
      case GateNorm::hoyer: {
        const at::Tensor squares = (layer.square().sum(1) * layer.size(1)).clamp_min(tiny);
        term = (layer.abs().sum(1).square() / squares).mean();
        break;
      }
      case GateNorm::seed:
        term = layer.abs().sum(0).amax();
        break;
    }
    sum = sum.defined() ? sum + term : term;
  }
  return norm == GateNorm::hoyer ? sum / static_cast<double>(gates.size()) : sum;
}

Loss compute_loss(const Network::Outputs& outputs, const at::Tensor& targets, const LossWeights& weights,
                  const at::Tensor& teacher_logits) {
  const auto cross_entropy = [&](const at::Tensor& logits) {
    return at::cross_entropy_loss(logits, targets, {}, at::Reduction::Mean, -100, weights.label_smoothing);
  };
  Loss loss;
  loss.classification = cross_entropy(outputs.logits);
  loss.total = loss.classification;
  if (teacher_logits.defined()) {
    const double temperature = weights.temperature;
    const at::Tensor taught = at::kl_div(at::log_softmax(outputs.logits / temperature, 1),
                                         at::log_softmax(teacher_logits / temperature, 1), at::Reduction::Sum,
                                         /*log_target=*/true) *
                              (temperature * temperature / static_cast<double>(outputs.logits.size(0)));
    loss.total = (1.0 - weights.distillation) * loss.classification + weights.distillation * taught;
  }
  if (!outputs.gates.empty()) {
    loss.gate = gate_loss(outputs.gates, weights.gate_norm);
    if (weights.lambda_on_device.defined()) {
      loss.total = loss.total + weights.lambda_on_device * loss.gate;
    } else if (weights.lambda_val != 0.0) {
      loss.total = loss.total + weights.lambda_val * loss.gate;
    }
  }
  if (outputs.embedding_logits.defined() && weights.mu != 0.0) {
    loss.total = loss.total + weights.mu * cross_entropy(outputs.embedding_logits);
  }
  return loss;
}

}  // namespace deepmoe
