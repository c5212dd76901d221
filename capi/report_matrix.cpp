#include <Eigen/Core>
#include <string>
#include <vector>

#include "analysis/analysis.hpp"
#include "deepmoe.h"
#include "guard.hpp"
#include "objects.hpp"
#include "report_object.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

const LayerCounts& layer_called(const Collection& collection, const char* layer) {
  require(layer, "layer");
  std::vector<std::string> names;
  for (const LayerCounts& one : collection.layers()) {
    if (one.name == layer) return one;
    names.push_back(one.name);
  }
  fail(ErrorCode::not_found, "the network has no gate '", layer, "'.", suggestion(layer, names));
}

Eigen::MatrixXd embedding_matrix(const Collection& collection) {
  const auto found = collection.covariance().principal_components(2);
  if (!found || found->components.cols() < 2) {
    fail(ErrorCode::state, "the embeddings of ", collection.samples(),
         " images of this network have no two principal components");
  }
  const Reservoir& sample = collection.embeddings();
  const auto count = static_cast<Eigen::Index>(sample.labels().size());
  Eigen::MatrixXd matrix(count, 3);
  matrix.leftCols(2) = found->project(sample.vectors());
  for (Eigen::Index i = 0; i < count; ++i) {
    matrix(i, 2) = static_cast<double>(sample.labels()[static_cast<std::size_t>(i)]);
  }
  return matrix;
}

Eigen::MatrixXd matrix_called(const Report& report, const std::string& name, const char* layer) {
  const Collection& collection = report.collection;
  const auto samples = static_cast<double>(collection.samples());
  if (name == "confusion") return collection.classification().confusion();
  if (name == "class_similarity") return report.routing.similarity;
  if (name == "embedding") return embedding_matrix(collection);
  if (name == "utilisation") return utilisation(layer_called(collection, layer).uses(), samples).transpose();
  if (name == "class_activation") {
    return class_activation(layer_called(collection, layer).class_uses, collection.class_samples());
  }
  if (name == "co_activation") return layer_called(collection, layer).pairs.counts() / samples;
  fail(ErrorCode::not_found, "there is no matrix '", name, "'.",
       suggestion(name, {"confusion", "class_similarity", "embedding", "utilisation", "class_activation",
                         "co_activation"}));
}

}  // namespace

const char* dmoe_report_layer(const dmoe_report* report, int64_t number) {
  const dmoe_report* const object = known(report);
  if (object == nullptr) return nullptr;
  const std::vector<LayerCounts>& layers = object->report.collection.layers();
  if (number < 0 || number >= static_cast<std::int64_t>(layers.size())) return nullptr;
  return layers[static_cast<std::size_t>(number)].name.c_str();
}

int32_t dmoe_report_matrix(const dmoe_report* report, const char* name, const char* layer, double* values,
                           int64_t capacity, int64_t* shape, dmoe_error** error) {
  return guard(error, [&] {
    const Report& content = checked(report, "report").report;
    require(name, "name");
    const Eigen::MatrixXd matrix = matrix_called(content, name, layer);
    if (shape != nullptr) {
      shape[0] = matrix.rows();
      shape[1] = matrix.cols();
    }
    if (values == nullptr || capacity < matrix.size()) {
      fail(ErrorCode::invalid_argument, "the matrix ", name, " has ", matrix.size(),
           " numbers; the buffer takes ", values == nullptr ? 0 : capacity);
    }
    using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<Rows>(values, matrix.rows(), matrix.cols()) = matrix;
  });
}
