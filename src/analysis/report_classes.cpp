#include "analysis/report_classes.hpp"

#include "analysis/class_figures.hpp"
#include "analysis/class_similarity.hpp"

namespace deepmoe {

ClassRouting class_routing(const Collection& collection) {
  const Eigen::VectorXd samples = collection.class_samples();
  std::vector<Eigen::Index> present;
  for (Eigen::Index label = 0; label < samples.size(); ++label) {
    if (samples[label] > 0) present.push_back(label);
  }
  Eigen::MatrixXd activation(static_cast<Eigen::Index>(present.size()), collection.experts());
  Eigen::Index start = 0;
  for (const LayerCounts& layer : collection.layers()) {
    const Eigen::MatrixXd of_layer = class_activation(layer.class_uses, samples);
    activation.middleCols(start, of_layer.cols()) = of_layer(present, Eigen::all);
    start += of_layer.cols();
  }
  const Eigen::MatrixXd similarity = routing_similarity(activation);
  const std::vector<Eigen::Index> order = hierarchical_order(similarity);
  ClassRouting routing;
  for (const Eigen::Index i : order) routing.order.push_back(present[static_cast<std::size_t>(i)]);
  routing.similarity = similarity(order, order);
  return routing;
}

}  // namespace deepmoe
