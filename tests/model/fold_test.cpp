#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <string>

#include "model/fold.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;

namespace {

/// Norms that hide no mistake, and gates that are 1.
void disturb(Model& model) {
  const c10::NoGradGuard no_gradient;
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(7);
  for (const Network::Entry& entry : model.network().state()) {
    const std::string& name = entry.specification.name;
    at::Tensor tensor = entry.tensor;
    const bool head = name.find("gat") != std::string::npos;
    if (head) {
      tensor.fill_(name.ends_with("bias") ? 1.0 : 0.0);
    } else if (name.ends_with("running_var")) {
      tensor.uniform_(0.4, 1.6, generator);
    } else if (name.ends_with("running_mean") || name.ends_with(".bias")) {
      tensor.normal_(0.0, 0.3, generator);
    } else if (tensor.dim() == 1 && name.ends_with(".weight")) {
      tensor.uniform_(0.6, 1.4, generator);
    }
  }
}

bool has_operation(const Architecture& architecture, const std::string& name) {
  for (const Node& node : architecture.nodes) {
    if (operation_name(node.operation) == name) return true;
  }
  return false;
}

double relative_error(const at::Tensor& ours, const at::Tensor& expected) {
  return ((ours - expected).abs().max() / expected.abs().max()).item<double>();
}

}  // namespace

TEST_CASE("a folded network gives what the network gives with every gate at 1") {
  struct Case {
    const char *model, *position, *size, *variant;
  };
  for (const Case& one :
       {Case{"resnet18", "post_bn", "16", "cifar"}, Case{"resnet18_moe", "pre_bn", "16", "cifar"},
        Case{"resnet18_moe", "post_bn", "40", "imagenet"}, Case{"resnet50_moe_a", "input", "16", "cifar"},
        Case{"vgg11_moe", "post_bn", "32", "cifar"}, Case{"vgg11_bn_moe", "pre_bn", "32", "cifar"},
        Case{"vgg16_bn", "post_bn", "32", "imagenet"}}) {
    INFO(one.model, " ", one.position, " ", one.variant);
    const bool gated = std::string(one.model).find("moe") != std::string::npos;
    const auto model = test::small_model({{"model", one.model},
                                          {"gate_position", one.position},
                                          {"gate_bias", gated ? "true" : "false"},
                                          {"width", "0.0625"},
                                          {"variant", one.variant},
                                          {"image_size", one.size}});
    disturb(*model);
    const auto folded = fold_model(*model);
    for (const char* operation : {"batch_norm", "gate", "dropout"}) {
      CHECK_FALSE(has_operation(folded->architecture(), operation));
    }
    CHECK_FALSE(folded->architecture().gated());
    const c10::NoGradGuard no_gradient;
    const at::Tensor images = test::random_images(3, std::stoi(one.size));
    const at::Tensor expected = model->network().forward(images, false).logits;
    CHECK(relative_error(folded->network().forward(images, false).logits, expected) < 1e-5);
  }
}

TEST_CASE("folding leaves the model as it is and the copy on its own") {
  const auto model = test::small_model();
  disturb(*model);
  const c10::NoGradGuard no_gradient;
  const at::Tensor images = test::random_images(2);
  const at::Tensor before = model->network().forward(images, false).logits.clone();
  const auto folded = fold_model(*model);
  CHECK(at::equal(model->network().forward(images, false).logits, before));
  const at::Tensor dense = folded->network().forward(images, false).logits.clone();
  test::entry_of(*model, "fc.bias").add_(1.0);
  CHECK(at::equal(folded->network().forward(images, false).logits, dense));
  for (const Network::Entry& entry : folded->network().state()) {
    if (entry.tensor.dim() == 4) CHECK(entry.tensor.is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}
