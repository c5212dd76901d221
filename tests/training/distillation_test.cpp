#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/distillation.hpp"

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"

using namespace deepmoe;
using test::random_images;
using test::small_model;
using test::small_options;

namespace {

/// Saves a dense network of other random weights and returns it.
std::shared_ptr<Model> save_teacher(const std::string& path, const Normalization& normalization = {},
                                    const char* classes = "4") {
  const auto teacher = small_model({{"model", "resnet18"}, {"seed", "9"}, {"num_classes", classes}});
  teacher->describe_data(normalization, {});
  teacher->save(path);
  return teacher;
}

}  // namespace

TEST_CASE("without a teacher there is nothing to be taught") {
  const auto model = small_model();
  CHECK_FALSE(Distillation(*model, small_options()).teacher_logits(random_images(2)).defined());
}

TEST_CASE("the teacher answers as it does on its own and records no gradients") {
  const TemporaryFolder folder;
  const auto teacher = save_teacher(folder.file("teacher.safetensors"));
  const auto model = small_model();
  Distillation distillation(*model, small_options({{"distill", folder.file("teacher.safetensors")}}));
  const at::Tensor images = random_images(3);
  const at::Tensor logits = distillation.teacher_logits(images);
  CHECK_FALSE(logits.requires_grad());
  CHECK(logits.equal(teacher->network().forward(images, false).logits.detach()));
}

TEST_CASE("a teacher of images that are normalised otherwise sees them so") {
  const TemporaryFolder folder;
  const Normalization theirs{{0.5F, 0.25F, 0.0F}, {0.5F, 2.0F, 1.0F}},
      ours{{0.1F, 0.2F, 0.3F}, {0.3F, 0.5F, 1.0F}};
  const auto teacher = save_teacher(folder.file("teacher.safetensors"), theirs);
  const auto model = small_model();
  Distillation distillation(*model, small_options({{"distill", folder.file("teacher.safetensors")}}));
  model->describe_data(ours, {});
  const at::Tensor pixels = random_images(3);
  const auto normalised = [&](const Normalization& normalization) {
    std::vector<at::Tensor> planes;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      planes.push_back((pixels.select(1, static_cast<std::int64_t>(channel)) - normalization.mean[channel]) /
                       normalization.deviation[channel]);
    }
    return at::stack(planes, 1);
  };
  const at::Tensor expected = teacher->network().forward(normalised(theirs), false).logits;
  CHECK(at::allclose(distillation.teacher_logits(normalised(ours)), expected, 1e-4, 1e-5));
  // And as itself where the two agree again.
  model->describe_data(theirs, {});
  CHECK(distillation.teacher_logits(normalised(theirs)).equal(expected));
}

TEST_CASE("a teacher for other classes is refused with both numbers") {
  const TemporaryFolder folder;
  save_teacher(folder.file("teacher.safetensors"), {}, "5");
  const auto model = small_model();
  require_error(ErrorCode::invalid_argument, {"teacher.safetensors", "tells 5 classes", "taught 4"}, [&] {
    Distillation(*model, small_options({{"distill", folder.file("teacher.safetensors")}}));
  });
  require_error(ErrorCode::not_found, {"absent.safetensors"}, [&] {
    Distillation(*model, small_options({{"distill", folder.file("absent.safetensors")}}));
  });
}
