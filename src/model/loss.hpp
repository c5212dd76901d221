#pragma once

#include "model/network.hpp"

namespace deepmoe {

enum class GateNorm { mean_l1, layer_mean_l1, hoyer, seed };
/// The choice of option gate_norm.
GateNorm gate_norm_from(const std::string& name);

struct LossWeights {
  double lambda_val = 0.0;       ///< of the gate loss
  double mu = 0.0;               ///< of the embedding classifier's cross entropy
  double label_smoothing = 0.0;  ///< of both cross entropies
  GateNorm gate_norm = GateNorm::layer_mean_l1;
  double distillation = 0.0;  ///< share of the classification that a teacher's answers make up
  double temperature = 1.0;   ///< of the teacher's answers and ours
  /// Takes the place of lambda_val where it is defined: a scalar, f32, whose value the host need not know.
  at::Tensor lambda_on_device = {};
};

struct Loss {
  at::Tensor total;           ///< taught classification + lambda_val * gate + mu * embedding; a scalar
  at::Tensor classification;  ///< mean cross entropy of the logits
  at::Tensor gate;            ///< undefined in a dense network
};

/// The gate loss over the layers' gates (N, experts), all non-negative; a scalar:
///  - mean_l1: sum over layers of the batch mean of sum_c g_c
///  - layer_mean_l1: the same, each layer divided by its width
///  - hoyer: mean over layers of the batch mean of (sum_c g_c)^2 / (C sum_c g_c^2), in 1/C..1, 0 for a layer
///  without any
///    active expert (Yang, Wen, Li, DeepHoyer, ICLR 2020)
///  - seed: sum over layers of the matrix 1-norm, that is the largest column sum of the batch x experts
///  matrix. It reaches
///    one expert a layer only: a defect of the public Python implementation, kept for parity.
at::Tensor gate_loss(const std::vector<at::Tensor>& gates, GateNorm norm);

/// DESIGN 6 (Wang et al., UAI 2019, section 3.4). `targets` is (N) of int64, or the probability of each
/// class, (N, classes) f32. Terms of weight 0 are left out of the autograd graph. With a teacher's logits
/// (N, classes) the classification in the total is (1 - distillation) times it plus distillation times T^2
/// KL(softmax(teacher / T) || softmax(logits / T)), the mean over the batch, T being the temperature (Hinton,
/// Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015, section 2).
Loss compute_loss(const Network::Outputs& outputs, const at::Tensor& targets, const LossWeights& weights,
                  const at::Tensor& teacher_logits = {});

}  // namespace deepmoe
