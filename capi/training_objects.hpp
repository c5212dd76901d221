#pragma once

/// The objects behind the handles of deepmoe.h.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/data.hpp"
#include "exclusive_use.hpp"
#include "handles.hpp"
#include "model/model.hpp"
#include "plugin/plugin.hpp"
#include "training/training.hpp"

struct dmoe_dataset : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::dataset;
  explicit dmoe_dataset(std::shared_ptr<const deepmoe::Dataset> images)
      : Header(kind), dataset(std::move(images)) {}
  const std::shared_ptr<const deepmoe::Dataset> dataset;
};

struct dmoe_loader : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::loader;
  dmoe_loader(std::shared_ptr<deepmoe::Loader> batches, std::int64_t side)
      : Header(kind),
        loader(std::move(batches)),
        image_size(side),
        use(std::make_shared<deepmoe::capi::UseFlag>("loader")) {}
  const std::shared_ptr<deepmoe::Loader> loader;
  const std::int64_t image_size;
  const std::shared_ptr<deepmoe::capi::UseFlag> use;
};

struct dmoe_model : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::model;
  explicit dmoe_model(std::shared_ptr<deepmoe::Model> network)
      : Header(kind), model(std::move(network)), use(std::make_shared<deepmoe::capi::UseFlag>("model")) {}
  const std::shared_ptr<deepmoe::Model> model;
  const std::shared_ptr<deepmoe::capi::UseFlag> use;  ///< shared with the model's trainers
};

struct dmoe_trainer : deepmoe::capi::Header {
  static constexpr auto kind = deepmoe::capi::Kind::trainer;
  dmoe_trainer(std::shared_ptr<deepmoe::Trainer> training, std::shared_ptr<deepmoe::capi::UseFlag> model,
               const deepmoe::Options& wishes)
      : Header(kind),
        trainer(std::move(training)),
        options(wishes),
        plugins(deepmoe::load_plugins(wishes)),
        use(std::make_shared<deepmoe::capi::UseFlag>("trainer")),
        model_use(std::move(model)) {}
  const std::shared_ptr<deepmoe::Trainer> trainer;
  const deepmoe::Options options;
  const std::vector<std::shared_ptr<const deepmoe::Plugin>> plugins;  ///< whose observers see runs
  const std::shared_ptr<deepmoe::capi::UseFlag> use;
  const std::shared_ptr<deepmoe::capi::UseFlag> model_use;
};
