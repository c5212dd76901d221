#include "architecture/gate_selection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "architecture/gate_reach.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

/// Whether gate_density leaves fewer than all experts.
bool limits_shares(const Options& options) {
  const std::vector<double> shares = options.reals("gate_density");
  return std::any_of(shares.begin(), shares.end(), [](double share) { return share < 1.0; });
}

/// Which gates option limited_gates means.
std::vector<bool> limited_gates(const Architecture& architecture, const Options& options) {
  const std::size_t count = architecture.gates().size();
  if (options.text("limited_gates") == "all") return std::vector<bool>(count, true);
  const GateReach reach = find_gate_reach(architecture);
  std::vector<bool> inner(count, false);
  for (std::size_t gate = 0; gate < count; ++gate) {
    const auto spares = [&](const std::vector<std::int32_t>& gates) {
      return std::find(gates.begin(), gates.end(), static_cast<std::int32_t>(gate)) != gates.end();
    };
    inner[gate] = spares(reach.input_gates) && spares(reach.output_gates);
  }
  if (std::find(inner.begin(), inner.end(), true) == inner.end()) {
    fail(ErrorCode::invalid_argument, "limited_gates is inner, but network '", architecture.model,
         "' has no gate between two convolutions; set limited_gates to all");
  }
  return inner;
}

/// The limits of a share of each limited gate's experts.
class Limits {
 public:
  Limits(const Architecture& architecture, const Options& options)
      : experts_(expert_counts(architecture)), limited_(limited_gates(architecture, options)) {}

  const std::vector<std::int64_t>& experts() const { return experts_; }
  bool is_limited(std::size_t gate) const { return limited_[gate]; }

  /// Rounded down, at least 1.
  std::vector<std::int64_t> cut(double share) const {
    std::vector<std::int64_t> limits = experts_;
    for (std::size_t gate = 0; gate < limits.size(); ++gate) {
      const double exact = static_cast<double>(experts_[gate]) * share;
      if (limited_[gate]) limits[gate] = std::max<std::int64_t>(1, static_cast<std::int64_t>(exact));
    }
    return limits;
  }

 private:
  std::vector<std::int64_t> experts_;
  std::vector<bool> limited_;
};

std::vector<std::int64_t> limits_for_macs(const Architecture& architecture, const Options& options) {
  const double target = options.real("target_macs");
  const Cost total = cost(architecture);
  const Limits of_share(architecture, options);
  const std::vector<std::int64_t>& experts = of_share.experts();
  const auto macs = [&](const std::vector<std::int64_t>& limits) {
    return limited_macs(architecture, total, limits);
  };
  const double least = macs(of_share.cut(0.0));
  if (target < least) {
    fail(ErrorCode::invalid_argument, "target_macs is ", target, ", but network '", architecture.model,
         "' needs a share of ", least, " with one active expert in each layer",
         options.text("limited_gates") == "inner" ? " that limited_gates inner means" : "",
         "; choose a larger one");
  }
  double low = 0.0, high = 1.0;
  for (int halving = 0; halving < 50; ++halving) {
    const double share = 0.5 * (low + high);
    (macs(of_share.cut(share)) <= target ? low : high) = share;
  }

  std::vector<std::int64_t> limits = of_share.cut(low);
  std::vector<std::size_t> order(limits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto cut_off = [&](std::size_t gate) {
    return static_cast<double>(experts[gate]) * high - static_cast<double>(limits[gate]);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t left, std::size_t right) { return cut_off(left) > cut_off(right); });
  for (const std::size_t gate : order) {
    if (limits[gate] == experts[gate] || !of_share.is_limited(gate)) continue;
    ++limits[gate];
    if (macs(limits) > target) --limits[gate];
  }
  return limits;
}

std::vector<std::int64_t> limits_for_shares(const Architecture& architecture, const Options& options,
                                            std::vector<double> shares) {
  const Limits of_share(architecture, options);
  const std::vector<std::int64_t>& experts = of_share.experts();
  if (shares.size() == 1) {
    const double share = shares.front();
    shares.clear();
    for (std::size_t gate = 0; gate < experts.size(); ++gate) {
      shares.push_back(of_share.is_limited(gate) ? share : 1.0);
    }
  }
  if (shares.size() != experts.size()) {
    fail(ErrorCode::invalid_argument, "gate_density has ", shares.size(), " numbers, but network '",
         architecture.model, "' has ", experts.size(), " gates; give one number, or one for each gate");
  }
  std::vector<std::int64_t> limits;
  for (std::size_t gate = 0; gate < experts.size(); ++gate) {
    limits.push_back(
        std::max<std::int64_t>(1, std::llround(static_cast<double>(experts[gate]) * shares[gate])));
  }
  return limits;
}

}  // namespace

std::vector<std::int64_t> expert_counts(const Architecture& architecture) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  std::vector<std::int64_t> counts;
  for (const std::int32_t gate : architecture.gates()) {
    counts.push_back(shapes[static_cast<std::size_t>(gate)].channels);
  }
  return counts;
}

double limited_macs(const Architecture& architecture, const Cost& cost,
                    const std::vector<std::int64_t>& limits) {
  const std::vector<std::int64_t> experts = expert_counts(architecture);
  std::vector<double> shares;
  for (std::size_t gate = 0; gate < limits.size(); ++gate) {
    const std::int64_t active = limits[gate] == 0 ? experts[gate] : std::min(limits[gate], experts[gate]);
    shares.push_back(static_cast<double>(active) / static_cast<double>(experts[gate]));
  }
  return active_macs(architecture, cost, shares) / static_cast<double>(cost.dense_macs);
}

bool wishes_fewer_experts(const Options& options) {
  return limits_shares(options) || options.real("target_density") > 0.0 || options.real("target_macs") > 0.0;
}

std::vector<std::int64_t> selected_limits(const Architecture& architecture, const Options& options) {
  const bool by_share = limits_shares(options);
  if (options.text("gate_select") != "topk") {
    if (by_share) {
      fail(ErrorCode::invalid_argument, "gate_density is ", options.value("gate_density"),
           ", but gate_select is relu, which keeps every expert with a positive gate; set gate_select to "
           "topk, or "
           "target_density instead");
    }
    return {};
  }
  const double density = options.real("target_density"), macs = options.real("target_macs");
  if (by_share + (density > 0.0) + (macs > 0.0) > 1) {
    fail(ErrorCode::invalid_argument,
         "gate_density, target_density and target_macs each say how many experts stay active; give one of "
         "them");
  }
  if (!wishes_fewer_experts(options)) return {};
  if (!architecture.gated()) {
    const char* const wish = by_share ? "gate_density" : macs > 0.0 ? "target_macs" : "target_density";
    fail(ErrorCode::invalid_argument, wish, " needs gates, but network '", architecture.model,
         "' is dense; choose a network with gates");
  }
  if (macs > 0.0) return limits_for_macs(architecture, options);
  return limits_for_shares(architecture, options,
                           by_share ? options.reals("gate_density") : std::vector<double>{density});
}

void set_active_limits(Architecture& architecture, const std::vector<std::int64_t>& limits) {
  const std::vector<std::int32_t> gates = architecture.gates();
  const std::vector<std::int64_t> experts = expert_counts(architecture);
  for (std::size_t gate = 0; gate < gates.size(); ++gate) {
    std::get<Gate>(architecture.nodes[static_cast<std::size_t>(gates[gate])].operation).active_limit =
        limits.at(gate) < experts[gate] ? limits[gate] : 0;
  }
}

void set_embedding_influence(Architecture& architecture, double influence) {
  for (const std::int32_t gate : architecture.gates()) {
    std::get<Gate>(architecture.nodes[static_cast<std::size_t>(gate)].operation).influence = influence;
  }
}

}  // namespace deepmoe
