#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "model/small_model.hpp"
#include "training/training.hpp"

using namespace deepmoe;

TEST_CASE("the engine runs compacted networks") {
  for (const char* family : {"resnet18_moe", "resnet50_moe_a", "vgg11_bn_moe"}) {
    for (const char* position : {"pre_bn", "post_bn", "input"}) {
      CAPTURE(std::string(family));
      CAPTURE(std::string(position));
      const auto model =
          test::small_model({{"model", family}, {"gate_position", position}, {"image_size", "32"}});
      auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
      for (const Network::Entry& entry : model->network().state()) {
        const at::Tensor tensor = entry.tensor.detach();
        const std::string& name = entry.specification.name;
        if (name.ends_with("running_mean")) tensor.normal_(0.0, 0.4, generator);
        if (name.find(".bn") != std::string::npos && name.ends_with(".bias"))
          tensor.uniform_(0, 1, generator);
        if (!name.ends_with(".fc.bias") || tensor.size(0) < 5) continue;
        tensor.narrow(0, 1, 3).fill_(-50.0);  // These never act.
      }
      const at::Tensor images = test::random_images(4, 32);
      const std::vector<std::int64_t> labels = {0, 1, 2, 3};
      const auto sample = array_dataset(images.const_data_ptr(), PixelType::f32, labels.data(), 4, 3, 32, 32,
                                        false, 4, nullptr);
      nlohmann::json report;
      const auto small = compact_model(*model, sample, {}, model->options(), {}, report);
      CHECK(small->architecture().model.ends_with("_compacted"));

      const c10::NoGradGuard no_gradient;
      const at::Tensor expected = model->network().forward(images, false).logits;
      const Engine engine(small->architecture(),
                          [&](const std::string& name) {
                            const at::Tensor tensor = test::entry_of(*small, name).detach().contiguous();
                            return std::vector<float>(tensor.const_data_ptr<float>(),
                                                      tensor.const_data_ptr<float>() + tensor.numel());
                          },
                          {});
      const at::Tensor logits = at::empty({4, 4});
      EngineRun call;
      call.images = images.const_data_ptr<float>();
      call.batch_size = 4;
      call.logits = logits.mutable_data_ptr<float>();
      engine.run(call);
      CHECK(((logits - expected).abs().max() / expected.abs().max()).item<double>() < 1e-4);
    }
  }
}
