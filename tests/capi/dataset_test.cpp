#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/small_network.hpp"

using namespace deepmoe::capi_test;
using nlohmann::json;

namespace {

int32_t count_release(void* user_data) {
  ++*static_cast<int*>(user_data);
  return 0;
}

Owned<dmoe_dataset> lend(const Arrays& arrays, int* releases) {
  Owned<dmoe_dataset> dataset;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_f32(
        arrays.images.data(), arrays.labels.data(), static_cast<int64_t>(arrays.labels.size()), side, side,
        classes, releases != nullptr ? &count_release : nullptr, releases, dataset.out(), error);
  });
  return dataset;
}

double loss_on(dmoe_model* model, dmoe_dataset* dataset) {
  Owned<dmoe_string> figures;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_model_evaluate(model, dataset, nullptr, nullptr, nullptr, figures.out(), error);
  });
  return json::parse(take(figures)).at("loss").get<double>();
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "a built-in data set opens by its options") {
  const Owned<dmoe_options> options = small_options();
  Owned<dmoe_dataset> train, test;
  check_succeeds([&](dmoe_error** error) { return dmoe_dataset_open(options, "train", train.out(), error); });
  check_succeeds([&](dmoe_error** error) { return dmoe_dataset_open(options, "test", test.out(), error); });
  CHECK(dmoe_dataset_size(train) == 64);
  CHECK(dmoe_dataset_size(test) == 32);
  CHECK(dmoe_dataset_num_classes(train) == 4);
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_dataset_describe(train, text.out(), error); });
  const json description = json::parse(take(text));
  CHECK(description.at("size") == 64);
  CHECK(description.at("image_size") == side);
  CHECK(description.at("class_names").size() == 4);
  CHECK(description.at("mean").size() == 3);
  CHECK(description.at("deviation").size() == 3);
  CHECK_FALSE(description.at("description").get<std::string>().empty());
}

TEST_CASE_FIXTURE(NoLeaks, "a folder that is absent is an error that names it") {
  const Owned<dmoe_options> options = small_options({{"dataset", "folder"}, {"data_dir", "/no/such/folder"}});
  Owned<dmoe_dataset> dataset;
  check_fails(DMOE_ERROR_NOT_FOUND, "/no/such/folder",
              [&](dmoe_error** error) { return dmoe_dataset_open(options, "train", dataset.out(), error); });
}

TEST_CASE_FIXTURE(NoLeaks, "arrays are used in place and let go of once") {
  Arrays arrays(8);
  int releases = 0;
  Owned<dmoe_dataset> dataset = lend(arrays, &releases);
  CHECK(dmoe_dataset_size(dataset) == 8);
  CHECK(dmoe_dataset_num_classes(dataset) == classes);
  Owned<dmoe_model> model = small_model();
  const double before = loss_on(model, dataset);
  CHECK(loss_on(model, dataset) == before);
  // A change of the host's memory is seen, so nothing was copied.
  for (float& value : arrays.images) value = -value;
  CHECK(loss_on(model, dataset) != before);
  CHECK(releases == 0);
  dataset.reset();
  CHECK(releases == 1);
}

TEST_CASE_FIXTURE(NoLeaks, "arrays that are refused are not let go of") {
  Arrays arrays(4);
  const std::vector<uint8_t> bytes(4 * 3 * side * side);
  int releases = 0;
  Owned<dmoe_dataset> dataset;
  const auto refused_f32 = [&](const char* part, int64_t size, int64_t height, int64_t num_classes) {
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, part, [&](dmoe_error** error) {
      return dmoe_dataset_create_f32(arrays.images.data(), arrays.labels.data(), size, height, side,
                                     num_classes, &count_release, &releases, dataset.out(), error);
    });
  };
  refused_f32("-1", -1, side, classes);
  refused_f32("0 x 16", 4, 0, classes);
  refused_f32("label 2", 4, side, 2);
  refused_f32("num_classes", 4, side, 0);
  const auto refused_u8 = [&](const char* part, int64_t channels, int32_t layout) {
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, part, [&](dmoe_error** error) {
      return dmoe_dataset_create_u8(bytes.data(), arrays.labels.data(), 4, channels, side, side, layout,
                                    classes, &count_release, &releases, dataset.out(), error);
    });
  };
  refused_u8("2 channels", 2, DMOE_LAYOUT_NCHW);
  refused_u8("layout is 2", 3, 2);
  CHECK(releases == 0);
}

TEST_CASE_FIXTURE(NoLeaks, "bytes of either layout are the same images") {
  const Arrays arrays(8);
  std::vector<uint8_t> planar, interleaved;
  for (int64_t image = 0; image < 8; ++image) {
    for (int64_t channel = 0; channel < 3; ++channel) {
      for (int64_t pixel = 0; pixel < side * side; ++pixel) {
        planar.push_back(static_cast<uint8_t>((image * 67 + channel * 41 + pixel * 3) % 256));
      }
    }
    for (int64_t pixel = 0; pixel < side * side; ++pixel) {
      for (int64_t channel = 0; channel < 3; ++channel) {
        interleaved.push_back(static_cast<uint8_t>((image * 67 + channel * 41 + pixel * 3) % 256));
      }
    }
  }
  Owned<dmoe_dataset> one, other;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_u8(planar.data(), arrays.labels.data(), 8, 3, side, side, DMOE_LAYOUT_NCHW,
                                  classes, nullptr, nullptr, one.out(), error);
  });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_u8(interleaved.data(), arrays.labels.data(), 8, 3, side, side,
                                  DMOE_LAYOUT_NHWC, classes, nullptr, nullptr, other.out(), error);
  });
  Owned<dmoe_model> model = small_model();
  CHECK(loss_on(model, one) == loss_on(model, other));
}

TEST_CASE_FIXTURE(NoLeaks, "the host's memory is kept while a run uses it though its handle is released") {
  struct Host {
    Owned<dmoe_dataset> dataset;
    int releases = 0, releases_during_run = -1;
  } host;
  const Arrays arrays(16);
  host.dataset = lend(arrays, &host.releases);
  Owned<dmoe_model> model = small_model();
  const Owned<dmoe_options> options = small_options();
  Owned<dmoe_trainer> trainer;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_create(model, options, trainer.out(), error); });
  const auto callback = [](int32_t event, const char*, void* user_data) -> int32_t {
    auto* self = static_cast<Host*>(user_data);
    self->dataset.reset();
    if (event == DMOE_EVENT_EPOCH) self->releases_during_run = self->releases;
    return 0;
  };
  dmoe_dataset* const handle = host.dataset;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_trainer_fit(trainer, handle, nullptr, callback, &host, nullptr, error);
  });
  CHECK(host.releases_during_run == 0);
  CHECK(host.releases == 1);
}
