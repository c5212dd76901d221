#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"
#include "training/random_dataset.hpp"
#include "training/training.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

/// Images in memory, with labels 0, 1, 2, 3, 0, ...
struct Sample {
  explicit Sample(std::int64_t count, std::int64_t size = 32, std::uint64_t seed = 1)
      : images(test::random_images(count, size, seed)) {
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < count; ++i) labels.push_back(i % 4);
    dataset = array_dataset(images.const_data_ptr(), PixelType::f32, labels.data(), count, 3, size, size,
                            false, 4, nullptr);
  }
  at::Tensor images;
  std::shared_ptr<const Dataset> dataset;
};

at::Tensor output(Model& model, const at::Tensor& images, const std::string& name = "logits") {
  for (const SharedTensor& tensor : model.forward(to_shared("input", images))) {
    if (tensor.name == name) return to_torch(tensor).clone();
  }
  FAIL("there is no output " << name);
  return {};
}

/// The largest difference, as a share of the largest value.
double difference(const at::Tensor& left, const at::Tensor& right) {
  return ((left - right).abs().max() / left.abs().max()).item<double>();
}

/// Weights that no symmetry helps: batch norms with statistics, and gate heads some of which are silent.
void randomise(Model& model, std::uint64_t seed, double silent_share) {
  const c10::NoGradGuard no_gradient;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  std::mt19937_64 choice(seed);
  std::uniform_real_distribution<double> share(0.0, 1.0);
  const Architecture& architecture = model.architecture();
  bool silent_layer = false;
  std::vector<bool> silent;
  for (const Network::Entry& entry : model.network().state()) {
    at::Tensor tensor = entry.tensor;
    const std::string& name = entry.specification.name;
    const Operation& operation =
        architecture.nodes[static_cast<std::size_t>(entry.specification.node)].operation;
    if (entry.specification.is_integer) continue;
    if (std::holds_alternative<BatchNorm>(operation)) {
      if (name.ends_with("running_var")) {
        tensor.uniform_(0.5, 1.5, generator);
      } else if (name.ends_with("weight")) {
        tensor.uniform_(0.3, 1.2, generator);
      } else {
        tensor.normal_(0.1, 0.5, generator);
      }
    } else if (std::holds_alternative<Gate>(operation)) {
      if (name.ends_with("weight")) {
        silent_layer = share(choice) < 0.15;
        silent.clear();
        tensor.normal_(0.0, 2.0, generator);
        for (std::int64_t expert = 0; expert < tensor.size(0); ++expert) {
          silent.push_back(silent_layer || share(choice) < silent_share);
          if (silent.back()) tensor.select(0, expert).zero_();
        }
      } else {
        tensor.uniform_(0.2, 0.5, generator);
        for (std::size_t expert = 0; expert < silent.size(); ++expert) {
          if (silent[expert]) tensor.select(0, static_cast<std::int64_t>(expert)).fill_(-20.0);
        }
      }
    } else if (tensor.dim() >= 2) {
      tensor.normal_(0.0, std::sqrt(2.0 / static_cast<double>(tensor.numel() / tensor.size(0))), generator);
    } else {
      tensor.normal_(0.0, 0.1, generator);
    }
  }
}

std::shared_ptr<Model> random_model(const Values& values, std::uint64_t seed, double silent_share = 0.4) {
  Values all = {{"embedding_dim", "12"}, {"image_size", "32"}, {"gate_init", "random"}};
  all.insert(all.end(), values.begin(), values.end());
  const auto model = test::small_model(all);
  randomise(*model, seed, silent_share);
  return model;
}

struct CompactedModel {
  std::shared_ptr<Model> model;
  json report;
};

CompactedModel compacted(Model& model, const Sample& sample, const CompactionSettings& settings = {}) {
  CompactedModel result;
  result.model = compact_model(model, sample.dataset, settings, model.options(), {}, result.report);
  return result;
}

std::int64_t kept(const json& report) { return report["after"]["experts"].get<std::int64_t>(); }
std::int64_t experts(const json& report) { return report["before"]["experts"].get<std::int64_t>(); }

/// Every kind of network that the builders make: a model and what it needs to be small.
const std::vector<Values>& families() {
  static const std::vector<Values> all = {
      {{"model", "resnet18_moe"}},
      {{"model", "resnet18_moe"}, {"variant", "imagenet"}},
      {{"model", "resnet18_moe"}, {"limited_gates", "all"}, {"gate_density", "0.4"}},
      {{"model", "resnet50_moe_a"}, {"width", "0.0625"}},
      {{"model", "resnet50_moe_b"}, {"width", "0.0625"}, {"variant", "imagenet"}},
      {{"model", "vgg11_moe"}},
      {{"model", "vgg11_bn_moe"}},
      {{"model", "vgg11_bn_moe"}, {"variant", "imagenet"}, {"width", "0.0625"}},
  };
  return all;
}

void check_same_outputs(const char* position) {
  std::uint64_t seed = 1;
  for (const Values& family : families()) {
    for (const char* bias : {"false", "true"}) {
      Values values = family;
      values.push_back({"gate_position", position});
      values.push_back({"gate_bias", bias});
      const auto model = random_model(values, ++seed);
      const Sample sample(6, 32, seed);
      const at::Tensor before = output(*model, sample.images);
      const CompactedModel result = compacted(*model, sample);
      CAPTURE(family[0].second);
      CAPTURE(family.back().second);
      CAPTURE(std::string(bias));
      REQUIRE(before.abs().max().item<double>() > 0);
      CHECK(difference(before, output(*result.model, sample.images)) < 1e-5);
      CHECK(difference(before, output(*model, sample.images)) == 0.0);
      CHECK(kept(result.report) < experts(result.report));
      CHECK(result.report["after"]["parameters"] < result.report["before"]["parameters"]);
      CHECK(result.report["after"]["dense_macs"] < result.report["before"]["dense_macs"]);
      CHECK(result.report["after"]["accuracy"] == result.report["before"]["accuracy"]);

      const CompactedModel again = compacted(*result.model, sample);
      CHECK(difference(before, output(*again.model, sample.images)) < 1e-5);
      CHECK(kept(again.report) == kept(result.report));
      CHECK(again.model->architecture().model == result.model->architecture().model);
    }
  }
}

}  // namespace

TEST_CASE("compacted networks with gates before batch norm compute the same") {
  check_same_outputs("pre_bn");
}
TEST_CASE("compacted networks with gates after batch norm compute the same") {
  check_same_outputs("post_bn");
}
TEST_CASE("compacted networks with gates on the input compute the same") { check_same_outputs("input"); }

TEST_CASE("a compacted network of another builder computes the same") {
  // Two readers of one gate, a batch norm without weights, a GELU, a flattened image, and no biases to fold
  // into.
  Architecture network;
  network.model = "custom";
  network.image_size = 8;
  network.nodes = {{"input", Input{}, {}, {}},
                   {"e.pool", AveragePool{}, {0}, {}},
                   {"e.flatten", Flatten{}, {1}, {}},
                   {"e.linear", Linear{.channels = 12}, {2}, "e.linear"},
                   {"a", Convolution{.channels = 9, .kernel = 3, .padding = 1}, {0}, "a"},
                   {"gate1", Gate{}, {4, 3}, "gate1"},
                   {"norm1", BatchNorm{.affine = false}, {5}, "norm1"},
                   {"gelu", Gelu{}, {6}, {}},
                   {"b", Convolution{.channels = 6, .kernel = 3, .padding = 1}, {7}, "b"},
                   {"c", Convolution{.channels = 6, .kernel = 1}, {7}, "c"},
                   {"sum", Add{}, {8, 9}, {}},
                   {"d", Convolution{.channels = 7, .kernel = 2, .stride = 2}, {10}, "d"},
                   {"gate2", Gate{}, {11, 3}, "gate2"},
                   {"norm2", BatchNorm{}, {12}, "norm2"},
                   {"norm3", BatchNorm{}, {13}, "norm3"},
                   {"pool", MaxPool{.kernel = 3, .stride = 2, .padding = 1}, {14}, {}},
                   {"flatten", Flatten{}, {15}, {}},
                   {"drop", Dropout{}, {16}, {}},
                   {"fc", Linear{.channels = 4, .bias = false}, {17}, "fc"},
                   {"e.classifier", Linear{.channels = 4}, {3}, "e.classifier"}};
  network.logits = 18;
  network.embedding = 3;
  network.embedding_logits = 19;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    const auto model =
        Model::create(network, test::small_options({{"image_size", "8"}, {"gate_init", "random"}}));
    randomise(*model, seed, 0.5);
    const Sample sample(5, 8, seed);
    const CompactedModel result = compacted(*model, sample);
    CHECK(difference(output(*model, sample.images), output(*result.model, sample.images)) < 1e-5);
    CHECK(kept(result.report) < experts(result.report));
    CHECK(test::entry_of(*result.model, "fc.bias").defined());
    const CompactedModel again = compacted(*result.model, sample);
    CHECK(difference(output(*model, sample.images), output(*again.model, sample.images)) < 1e-5);
    CHECK(kept(again.report) == kept(result.report));
  }
}

TEST_CASE("a compacted network computes the same for images of another size") {
  const auto model = random_model({{"gate_position", "pre_bn"}, {"gate_bias", "true"}}, 5, 0.6);
  // Silent experts alone, so that other images do not wake what these leave asleep.
  for (const Network::Entry& entry : model->network().state()) {
    if (!entry.specification.name.ends_with("fc.weight") || entry.specification.name == "fc.weight") continue;
    entry.tensor.detach().mul_(0.01);
  }
  const CompactedModel result = compacted(*model, Sample(4));
  for (const std::int64_t size : {24, 39}) {
    const at::Tensor images = test::random_images(3, size, 77);
    CHECK(difference(output(*model, images), output(*result.model, images)) < 1e-5);
  }
}

TEST_CASE("the report of a compaction counts each expert's images") {
  const auto model = random_model({{"gate_position", "post_bn"}}, 3);
  const Sample sample(9);
  const json report = compacted(*model, sample).report;
  CHECK(report["samples"] == 9);
  CHECK(report["classes"].is_null());
  for (const json& one : report["layers"]) {
    const at::Tensor gates = output(*model, sample.images, "gate." + one["name"].get<std::string>());
    const at::Tensor shares = gates.gt(0).to(at::kDouble).mean(0);
    std::int64_t unused = 0;
    for (std::int64_t expert = 0; expert < shares.numel(); ++expert) {
      const double share = shares[expert].item<double>();
      CHECK(one["utilisation"][static_cast<std::size_t>(expert)].get<double>() == doctest::Approx(share));
      unused += share == 0 ? 1 : 0;
    }
    CHECK(one["inactive"] == unused);
    // In a basic block the second convolution's experts are channels of the sum.
    const bool second = one["name"].get<std::string>().ends_with("gate2");
    CHECK(one["kept"] == (second ? one["experts"].get<std::int64_t>()
                                 : std::max<std::int64_t>(1, one["experts"].get<std::int64_t>() - unused)));
    if (second && unused > 0) CHECK(one["reason"].get<std::string>().find("residual stream") == 4);
  }
  const json evaluated = evaluate(*model, sample.dataset, model->options(), {});
  CHECK(report["before"]["active_macs"] == evaluated["active_macs"]);
  CHECK(report["before"]["accuracy"] == evaluated["accuracy"]);
}

TEST_CASE("compaction for some classes counts their images alone") {
  const auto model = random_model({{"model", "vgg11_bn_moe"}}, 11, 0.1);
  const Sample sample(12);
  const CompactedModel all = compacted(*model, sample);
  const CompactedModel some = compacted(*model, sample, {.classes = {1, 3}});
  CHECK(some.report["samples"] == 6);
  CHECK(some.report["classes"] == json({1, 3}));
  CHECK(kept(some.report) < kept(all.report));
  const at::Tensor chosen = sample.images.index_select(0, at::tensor({1, 3, 5, 7, 9, 11}));
  CHECK(difference(output(*model, chosen), output(*some.model, chosen)) < 1e-5);
}

TEST_CASE("a higher utilisation asked for leaves fewer experts in a compacted network") {
  const auto model = random_model({{"model", "vgg11_bn_moe"}}, 12, 0.1);
  const Sample sample(8);
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  for (const double least : {0.0, 0.25, 0.5, 1.0}) {
    const json report = compacted(*model, sample, {.min_utilisation = least}).report;
    CHECK(kept(report) < last);
    last = kept(report);
    for (const json& one : report["layers"]) {
      std::int64_t removed = 0;
      for (const json& share : one["utilisation"]) removed += share == 0 || share < least ? 1 : 0;
      CHECK(one["inactive"] == removed);
    }
  }
}

TEST_CASE("a network whose experts are all silent can be compacted") {
  for (const char* position : {"pre_bn", "post_bn", "input"}) {
    CAPTURE(std::string(position));
    const auto model = random_model({{"model", "vgg11_bn_moe"}, {"gate_position", position}}, 4, 1.0);
    const Sample sample(4);
    const CompactedModel result = compacted(*model, sample);
    CHECK(difference(output(*model, sample.images), output(*result.model, sample.images)) < 1e-5);
    for (const json& one : result.report["layers"]) {
      if (one["reason"] == "") CHECK(one["kept"] == 1);
    }
  }
}

TEST_CASE("a compacted network is trained further and its silent experts stay silent") {
  const auto model = random_model({{"model", "vgg11_bn_moe"}, {"gate_position", "pre_bn"}}, 6, 0.5);
  const Sample sample(16);
  const CompactedModel result = compacted(*model, sample);
  Options options = result.model->options();
  options.set("batch_size", "8");
  options.set("optimizer", "adamw");
  options.set("lr", "0.003");
  options.set("weight_decay", "0.1");
  options.set("warmup_epochs", "0");
  Trainer trainer(result.model, options);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 16; ++i) labels.push_back(i % 4);
  const at::Tensor targets = at::tensor(labels);
  double first = 0, last = 0;
  for (int step = 0; step < 12; ++step) {
    trainer.step(to_shared("images", sample.images), to_shared("labels", targets),
                 step == 0 ? &first : &last);
  }
  CHECK(last < first);
  int silent = 0;
  const at::Tensor others = test::random_images(20, 32, 99);
  const auto outputs = result.model->forward(to_shared("input", others));
  for (const json& one : result.report["layers"]) {
    if (one["silent"] == false) continue;
    const at::Tensor gates = output(*result.model, others, "gate." + one["name"].get<std::string>());
    CHECK(gates.gt(0).any(0).logical_not().sum().item<std::int64_t>() >= 1);
    ++silent;
  }
  CHECK(silent > 0);
}

TEST_CASE("a silent expert says the same in training as in evaluation of a compacted network") {
  const auto model = random_model({{"model", "vgg11_bn_moe"}, {"gate_position", "pre_bn"}}, 6, 1.0);
  const Sample sample(8);
  const CompactedModel result = compacted(*model, sample);
  // With every expert silent all that follows the first layer is constant.
  const c10::NoGradGuard no_gradient;
  const at::Tensor evaluated = result.model->network().forward(sample.images, false).logits;
  for (int step = 0; step < 3; ++step) {
    const at::Tensor trained = result.model->network().forward(sample.images, true).logits;
    CHECK(trained.isfinite().all().item<bool>());
  }
  CHECK(difference(evaluated, result.model->network().forward(sample.images, false).logits) < 1e-4);
}

TEST_CASE("a compacted model is saved and loaded and started from") {
  const TemporaryFolder folder;
  const std::string path = folder.file("small.safetensors");
  const auto model = random_model({{"gate_position", "pre_bn"}}, 8);
  model->describe_data({{0.1F, 0.2F, 0.3F}, {0.4F, 0.5F, 0.6F}}, {"ant", "bee", "cat", "dog"});
  const Sample sample(4);
  const CompactedModel result = compacted(*model, sample);
  result.model->save(path);
  const at::Tensor expected = output(*result.model, sample.images);
  const auto loaded = Model::load(path, Options());
  CHECK(loaded->architecture().model == "resnet18_moe_compacted");
  CHECK(loaded->options().text("model") == "resnet18_moe");
  CHECK(loaded->class_names() == model->class_names());
  CHECK(loaded->normalization().mean == model->normalization().mean);
  CHECK(difference(expected, output(*loaded, sample.images)) == 0.0);

  // Option weights, with options that describe the network before compaction.
  Options options = model->options();
  options.set("weights", path);
  const auto started = Model::create(options);
  CHECK(difference(expected, output(*started, sample.images)) == 0.0);
  // A smaller model of a model with option weights is its own.
  CHECK(difference(expected, output(*compacted(*started, sample).model, sample.images)) < 1e-5);

  options.set("width", "0.25");
  require_error(ErrorCode::format, {path, "shape"}, [&] { Model::create(options); });
}

TEST_CASE("what cannot be compacted is refused in words") {
  const Sample sample(4);
  const auto model = test::small_model({{"image_size", "32"}});
  const auto refuses = [&](ErrorCode code, const std::vector<std::string>& parts, Model& target,
                           const CompactionSettings& settings, const Sample& images) {
    require_error(code, parts, [&] { compacted(target, images, settings); });
  };
  const auto dense = test::small_model({{"model", "resnet18"}, {"image_size", "32"}});
  refuses(ErrorCode::invalid_argument, {"resnet18", "dense", "no experts"}, *dense, {}, sample);
  refuses(ErrorCode::invalid_argument, {"no class 4", "0 to 3"}, *model, {.classes = {1, 4}}, sample);
  refuses(ErrorCode::invalid_argument, {"no class -1"}, *model, {.classes = {-1}}, sample);
  refuses(ErrorCode::invalid_argument, {"class 3", "no images"}, *model, {.classes = {3}}, Sample(3));
  for (const double bad : {-0.1, 1.5, std::numeric_limits<double>::quiet_NaN()}) {
    refuses(ErrorCode::invalid_argument, {"min_utilisation", "from 0"}, *model, {.min_utilisation = bad},
            sample);
  }
  test::entry_of(*model, "layer2.0.gate1.fc.weight").detach().fill_(std::nan(""));
  refuses(ErrorCode::numeric, {"layer2.0.gate1", "not numbers"}, *model, {}, sample);
}

TEST_CASE("a callback ends a compaction") {
  const auto model = test::small_model({{"image_size", "32"}});
  const Sample sample(4);
  for (const int calls : {1, 2}) {
    int count = 0;
    try {
      json report;
      const EventCallback stop = [&](Event event, const json& details) {
        CHECK(event == Event::validation);
        CHECK(details["samples"] == 4);
        return ++count == calls ? 42 : 0;
      };
      compact_model(*model, sample.dataset, {}, model->options(), stop, report);
      FAIL("the callback did not end the compaction");
    } catch (const Cancelled& cancelled) {
      CHECK(cancelled.answer() == 42);
    }
  }
}
