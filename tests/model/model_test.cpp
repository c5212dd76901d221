#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/model.hpp"

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/device.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;
using test::small_model;
using test::small_options;

namespace {

SharedTensor images_of(const at::Tensor& images) { return to_shared("input", images); }

const SharedTensor& named(const std::vector<SharedTensor>& tensors, const std::string& name) {
  for (const SharedTensor& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  FAIL("there is no tensor " << name);
  throw std::logic_error(name);
}

/// Writes a state as another program would: tensors alone, without metadata.
void write_bare(const std::string& path, const std::vector<SharedTensor>& state) {
  std::vector<TensorView> views;
  for (const SharedTensor& tensor : state) {
    views.push_back({tensor.name, tensor.type, tensor.shape,
                     std::span(static_cast<const std::byte*>(tensor.data),
                               static_cast<std::size_t>(tensor.elements()) * size_of(tensor.type))});
  }
  write_safetensors(path, views, {});
}

}  // namespace

TEST_CASE("a saved model gives the same outputs when loaded") {
  const TemporaryFolder folder;
  const auto model = small_model({{"gate_position", "pre_bn"}});
  model->describe_data({{0.1F, 0.2F, 0.3F}, {0.4F, 0.5F, 0.6F}}, {"ant", "bee", "cat", "dog"});
  model->save(folder.file("model.safetensors"));
  const auto loaded = Model::load(folder.file("model.safetensors"), Options());
  CHECK(loaded->class_names() == model->class_names());
  CHECK(loaded->normalization().deviation == model->normalization().deviation);
  CHECK(loaded->options().text("gate_position") == "pre_bn");
  const SharedTensor images = images_of(test::random_images(3));
  const auto before = model->forward(images), after = loaded->forward(images);
  REQUIRE(before.size() == after.size());
  CHECK(before.size() == 3 + model->architecture().gates().size());
  for (const SharedTensor& tensor : before) {
    INFO(tensor.name);
    CHECK(to_torch(tensor).equal(to_torch(named(after, tensor.name))));
  }
}

TEST_CASE("a bare file of weights tells what its tensors tell") {
  const TemporaryFolder folder;
  const std::string path = folder.file("bare.safetensors");
  const auto model = small_model({{"embedding_norm", "none"},
                                  {"gate_bias", "false"},
                                  {"gate_init", "random"},
                                  {"embedding_influence", "1"},
                                  {"embedding_layers", "5"}});
  write_bare(path, model->state());
  Options options;
  require_error(ErrorCode::invalid_argument, {path, "option model"}, [&] { Model::load(path, options); });
  options.set("model", "resnet18_moe");
  options.set("width", "0.125");
  const auto loaded = Model::load(path, options);
  CHECK(loaded->architecture().num_classes() == 4);
  const SharedTensor images = images_of(test::random_images(2));
  CHECK(to_torch(named(loaded->forward(images), "logits"))
            .equal(to_torch(named(model->forward(images), "logits"))));
}

TEST_CASE("tensors that are missing or surplus or misshapen are named") {
  const TemporaryFolder folder;
  const std::string path = folder.file("weights.safetensors");
  const auto model = small_model();
  std::vector<SharedTensor> state = model->state();
  Options options = small_options();

  std::vector<SharedTensor> missing(state.begin() + 1, state.end());
  write_bare(path, missing);
  require_error(ErrorCode::format, {path, "missing", state.front().name},
                [&] { Model::load(path, options); });

  std::vector<SharedTensor> surplus = state;
  surplus.push_back(to_shared("stranger", at::zeros({2})));
  write_bare(path, surplus);
  require_error(ErrorCode::format, {path, "stranger"}, [&] { Model::load(path, options); });

  std::vector<SharedTensor> misshapen = state;
  misshapen[0] = to_shared(state[0].name, at::zeros({7, 7}));
  write_bare(path, misshapen);
  require_error(ErrorCode::format, {path, state[0].name, "(7, 7)"}, [&] { Model::load(path, options); });

  const at::Tensor before = test::entry_of(*model, "conv1.weight").clone();
  CHECK_THROWS_AS(model->load_state(missing, "test"), Error);
  CHECK(test::entry_of(*model, "conv1.weight").equal(before));
}

TEST_CASE("options that contradict the file are refused") {
  const TemporaryFolder folder;
  const std::string path = folder.file("model.safetensors");
  small_model()->save(path);
  Options options;
  options.set("width", "0.5");
  require_error(ErrorCode::invalid_argument, {"width", "0.125", "0.5"}, [&] { Model::load(path, options); });
}

TEST_CASE("option weights starts from a file") {
  const TemporaryFolder folder;
  const std::string path = folder.file("model.safetensors");
  const auto model = small_model({{"seed", "9"}});
  model->save(path);
  const auto started = small_model({{"weights", path}});
  CHECK(test::entry_of(*started, "conv1.weight").equal(test::entry_of(*model, "conv1.weight")));
}

TEST_CASE("bytes are normalised as the model's data were") {
  const auto model = small_model();
  model->describe_data({{0.5F, 0.4F, 0.3F}, {0.2F, 0.3F, 0.4F}}, {});
  const at::Tensor bytes = at::randint(0, 256, {2, 3, 16, 16}).to(at::kByte);
  const at::Tensor mean = at::tensor(std::vector<float>{0.5F, 0.4F, 0.3F}).view({1, 3, 1, 1});
  const at::Tensor deviation = at::tensor(std::vector<float>{0.2F, 0.3F, 0.4F}).view({1, 3, 1, 1});
  const at::Tensor floats = (bytes.to(at::kFloat) / 255.0 - mean) / deviation;
  const at::Tensor from_bytes = to_torch(named(model->forward(images_of(bytes)), "logits")).clone();
  CHECK(at::allclose(from_bytes, to_torch(named(model->forward(images_of(floats)), "logits")), 1e-4, 1e-5));
  require_error(ErrorCode::invalid_argument, {"float32", "uint8"},
                [&] { model->forward(images_of(floats.to(at::kDouble))); });
}

TEST_CASE("the state shares memory with the model") {
  const auto model = small_model();
  CHECK(named(model->state(), "conv1.weight").data == test::entry_of(*model, "conv1.weight").data_ptr());
}

TEST_CASE("a device that cannot be used is an error that says why") {
  require_error(ErrorCode::invalid_argument, {"'gpu'", "cuda"}, [] { small_model({{"device", "gpu"}}); });
  require_error(ErrorCode::invalid_argument, {"'cuda:x'"}, [] { small_model({{"device", "cuda:x"}}); });
  if (cuda_status().usable) {
    MESSAGE("SKIPPED: this machine has a CUDA device, so its absence cannot be tested");
    return;
  }
  require_error(ErrorCode::unsupported, {"cuda", cuda_status().reason}, [] {
    small_model({{"device", "cuda"}});
  });
  CHECK(small_model({{"device", "auto"}})->device() == "cpu");
}

TEST_CASE("CUDA computes what the CPU computes") {
  if (!cuda_status().usable) {
    MESSAGE("SKIPPED: " << cuda_status().reason);
    return;
  }
  const auto cpu = small_model({{"device", "cpu"}}), cuda = small_model({{"device", "cuda"}});
  const SharedTensor images = images_of(test::random_images(4));
  CHECK(at::allclose(to_torch(named(cpu->forward(images), "logits")),
                     to_torch(named(cuda->forward(images), "logits")), 1e-3, 1e-3));
}
