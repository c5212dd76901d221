#include "analysis/gate_savings.hpp"

#include "base/base.hpp"

namespace deepmoe {

GateSavings::GateSavings(Eigen::Index gates) : products_(Eigen::MatrixXd::Zero(gates + 1, gates + 1)) {}

void GateSavings::add(const Eigen::Ref<const Eigen::MatrixXd>& densities) {
  if (densities.rows() + 1 != products_.rows()) {
    fail(ErrorCode::invalid_argument, "there are densities of ", densities.rows(), " gates, must be of ",
         products_.rows() - 1);
  }
  Eigen::MatrixXd factors = Eigen::MatrixXd::Ones(products_.rows(), densities.cols());
  factors.topRows(densities.rows()) = densities;
  products_.noalias() += factors * factors.transpose();
}

std::vector<GateSaving> GateSavings::savings(const Architecture& architecture, const Cost& cost) const {
  const std::vector<std::int32_t> gates = architecture.gates();
  const Eigen::Index none = products_.rows() - 1;
  if (static_cast<Eigen::Index>(gates.size()) != none) {
    fail(ErrorCode::invalid_argument, "the network has ", gates.size(), " gates, the sums are of ", none);
  }
  std::vector<GateSaving> result(gates.size());
  const double images = products_(none, none);
  if (!(images > 0)) return result;
  const auto place = [&](std::int32_t gate) { return gate < 0 ? none : Eigen::Index(gate); };
  for (const NodeCost& node : cost.nodes) {
    const Eigen::Index input = place(node.input_gate), output = place(node.output_gate);
    const auto macs = static_cast<double>(node.dense_macs) / images;
    const double now = products_(input, output);
    if (input != none) {
      const double without = input == output ? products_(none, none) : products_(none, output);
      result[static_cast<std::size_t>(input)].saved += macs * (without - now);
    }
    if (output != none && output != input) {
      result[static_cast<std::size_t>(output)].saved += macs * (products_(input, none) - now);
    }
  }
  for (std::size_t i = 0; i < gates.size(); ++i) {
    result[i].head = static_cast<double>(cost.nodes[static_cast<std::size_t>(gates[i])].dense_macs);
  }
  return result;
}

}  // namespace deepmoe
