#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "architecture/gate_selection.hpp"
#include "engine/engine.hpp"
#include "training/evaluation.hpp"

namespace deepmoe {
namespace {

Network::Outputs run(const Engine& engine, const std::vector<std::int64_t>& widths,
                     const at::Tensor& images) {
  const std::int64_t batch = images.size(0), classes = engine.architecture().num_classes();
  const at::Tensor contiguous = images.contiguous();
  Network::Outputs outputs;
  EngineRun request;
  request.images = contiguous.const_data_ptr<float>();
  request.batch_size = batch;
  outputs.logits = at::empty({batch, classes});
  request.logits = outputs.logits.mutable_data_ptr<float>();
  if (widths.empty()) {
    engine.run(request);
    return outputs;
  }
  outputs.embedding_logits = at::empty({batch, classes});
  request.embedding_logits = outputs.embedding_logits.mutable_data_ptr<float>();
  const at::Tensor gates = at::empty({batch, engine.experts()});
  request.gates = gates.mutable_data_ptr<float>();
  engine.run(request);
  outputs.gates = gates.split_with_sizes(widths, 1);
  return outputs;
}

}  // namespace

nlohmann::json evaluate(const Engine& engine, std::shared_ptr<const Dataset> dataset, const Options& options,
                        const EventCallback& callback) {
  const std::vector<std::int64_t> widths = expert_counts(engine.architecture());
  const Subject subject{engine.architecture(), engine.image_size(), at::kCPU,
                        [&](const at::Tensor& images) { return run(engine, widths, images); }};
  return evaluate_subject(subject, std::move(dataset), options, callback, {});
}

}  // namespace deepmoe
