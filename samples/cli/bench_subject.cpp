#include "bench_subject.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace deepmoe::command {
namespace {

/// Images of all batches together, at least.
constexpr std::int64_t least_images = 64;

}  // namespace

BenchSubject::BenchSubject(const OptionsHandle& options, const std::string& weights, std::string precision)
    : precision_(std::move(precision)),
      batch_(option_integer(options, "batch_size")),
      batches_((least_images + batch_ - 1) / batch_) {
  if (weights.empty()) {
    call(dmoe_model_create, static_cast<const dmoe_options*>(options.get()),
         static_cast<const dmoe_dataset*>(nullptr), model_.out());
  } else {
    call(dmoe_model_load, weights.c_str(), static_cast<const dmoe_options*>(options.get()), model_.out());
  }
  description = json_from(dmoe_model_describe, static_cast<const dmoe_model*>(model_.get()));
  const std::int64_t asked = option_integer(options, "image_size");
  size_ = asked > 0 ? asked : description.at("image_size").get<std::int64_t>();
  threads_ = option_integer(options, "threads");
  engine = make_engine(nlohmann::json::object());
  engine_description = describe(engine);
  const std::int64_t classes = engine_description.at("num_classes");
  logits_.resize(static_cast<std::size_t>(batch_ * classes));
  images_.resize(static_cast<std::size_t>(batches_ * batch_ * 3 * size_ * size_));
  std::normal_distribution<float> pixel;
  for (float& value : images_) value = pixel(random_);
}

EngineHandle BenchSubject::make_engine(nlohmann::json more) const {
  more.update({{"image_size", size_}, {"threads", threads_}, {"precision", precision_}});
  return compile(model_, more);
}

ModelHandle BenchSubject::fold() const {
  ModelHandle folded;
  call(dmoe_model_fold, static_cast<const dmoe_model*>(model_.get()), folded.out());
  return folded;
}

std::vector<float> BenchSubject::draw_gates(double density) {
  std::vector<float> gates;
  std::uniform_real_distribution<float> weight(0.5F, 1.5F);
  for (std::int64_t image = 0; image < batches_ * batch_; ++image) {
    for (const nlohmann::ordered_json& gate : engine_description.at("gates")) {
      std::vector<float> layer(gate.at("experts").get<std::size_t>(), 0.0F);
      const auto active = static_cast<std::size_t>(std::lround(density * static_cast<double>(layer.size())));
      for (std::size_t i = 0; i < active; ++i) layer[i] = weight(random_);
      std::shuffle(layer.begin(), layer.end(), random_);
      gates.insert(gates.end(), layer.begin(), layer.end());
    }
  }
  return gates;
}

std::int64_t BenchSubject::run(const EngineHandle& some_engine, const std::vector<float>& gates) {
  const std::size_t batch = take_batch();
  const float* of_batch =
      gates.empty() ? nullptr : gates.data() + batch * (gates.size() / static_cast<std::size_t>(batches_));
  std::int64_t macs = 0;
  call(dmoe_engine_run_outputs, static_cast<const dmoe_engine*>(some_engine.get()), images_of(batch), batch_,
       size_, size_, of_batch, logits_.data(), static_cast<std::int64_t>(logits_.size()),
       static_cast<float*>(nullptr), std::int64_t{0}, static_cast<float*>(nullptr), std::int64_t{0},
       static_cast<float*>(nullptr), std::int64_t{0}, static_cast<std::int64_t*>(nullptr), &macs);
  return macs;
}

std::size_t BenchSubject::take_batch() {
  const std::int64_t batch = next_;
  next_ = (next_ + 1) % batches_;
  return static_cast<std::size_t>(batch);
}

const float* BenchSubject::images_of(std::size_t batch) const {
  return images_.data() + batch * (images_.size() / static_cast<std::size_t>(batches_));
}

void BenchSubject::run(const ModelHandle& some_model) {
  call(dmoe_model_forward_f32, some_model.get(), images_of(take_batch()), batch_, size_, size_,
       logits_.data(), static_cast<std::int64_t>(logits_.size()), static_cast<std::int64_t*>(nullptr));
}

}  // namespace deepmoe::command
