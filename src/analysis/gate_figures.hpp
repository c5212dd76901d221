#pragma once

/// What the gates of one layer say about its experts. `uses` holds for each expert how many of `samples`
/// images it was active for; `weights` holds any non-negative share of the work for each, such as its uses or
/// the sum of its gates. A figure that is not defined is std::nullopt: entropy and what follows from it for a
/// layer without any work.

#include <Eigen/Core>
#include <cstdint>
#include <optional>

namespace deepmoe {

/// Share of the experts that is active, as a mean over the images: sum(uses) / (samples * experts). Throws
/// Error(invalid_argument), as the functions below, unless there is an expert, samples >= 1 and every use is
/// in 0..samples.
double density(const Eigen::VectorXd& uses, double samples);

/// Share of the images that each expert is active for: uses / samples.
Eigen::VectorXd utilisation(const Eigen::VectorXd& uses, double samples);

/// How many experts are active for none of the images.
std::int64_t dead_experts(const Eigen::VectorXd& uses, double samples);

/// How many experts are active for all of the images.
std::int64_t always_on_experts(const Eigen::VectorXd& uses, double samples);

/// Shannon's entropy of the shares p = weights / sum(weights) in nats: -sum p ln p, from 0 (one expert does
/// everything) to ln(experts). C. E. Shannon, A mathematical theory of communication, 1948. Throws
/// Error(invalid_argument), as the functions below, for a weight that is negative or not finite, and without
/// weights.
std::optional<double> entropy(const Eigen::VectorXd& weights);

/// exp(entropy): as many experts with equal shares would be as unequal. The Hill number of order 1; M. O.
/// Hill, Diversity and evenness, Ecology 54, 1973.
std::optional<double> effective_experts(const Eigen::VectorXd& weights);

/// Load imbalance as population standard deviation / mean, from 0 (all equal) to sqrt(experts - 1). Its
/// square is the load loss of N. Shazeer et al., Outrageously large neural networks, ICLR 2017.
std::optional<double> coefficient_of_variation(const Eigen::VectorXd& weights);

/// Load imbalance as half of the relative mean difference, sum over i, j of |w_i - w_j| / (2 n^2 mean), from
/// 0 (all equal) to 1 - 1/n (one expert does everything). C. Gini, Variabilita e mutabilita, 1912.
std::optional<double> gini(const Eigen::VectorXd& weights);

}  // namespace deepmoe
