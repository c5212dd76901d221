#include <memory>
#include <nlohmann/json.hpp>

#include "deepmoe.h"
#include "guard.hpp"
#include "objects.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

/// Memory of the host. Its release callback is called at the end, but only once the data set exists.
struct Lent {
  dmoe_release_callback release;
  void* user_data;
  bool accepted = false;
  Lent(dmoe_release_callback callback, void* data) : release(callback), user_data(data) {}
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    if (!accepted || release == nullptr) return;
    try {
      release(user_data);
    } catch (...) {  // A host's release has nowhere to report to.
    }
  }
};

struct Images {
  const void* data;
  PixelType type;
  int64_t channels, height, width;
  bool channels_last;
};

dmoe_dataset* from_arrays(const Images& images, const int64_t* labels, int64_t size, int64_t num_classes,
                          dmoe_release_callback release, void* user_data) {
  require(images.data, "images");
  require(labels, "labels");
  const auto lent = std::make_shared<Lent>(release, user_data);
  auto dataset = std::make_unique<dmoe_dataset>(array_dataset(images.data, images.type, labels, size,
                                                              images.channels, images.height, images.width,
                                                              images.channels_last, num_classes, lent));
  lent->accepted = true;
  return dataset.release();
}

}  // namespace

int32_t dmoe_dataset_open(const dmoe_options* options, const char* split, dmoe_dataset** dataset,
                          dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_options& source = checked(options, "options");
    require(split, "split");
    require(dataset, "dataset");
    *dataset = new dmoe_dataset(open_dataset(source.options, split));
  });
}

int32_t dmoe_dataset_create_f32(const float* images, const int64_t* labels, int64_t size, int64_t height,
                                int64_t width, int64_t num_classes, dmoe_release_callback release,
                                void* user_data, dmoe_dataset** dataset, dmoe_error** error) {
  return guard(error, [&] {
    require(dataset, "dataset");
    *dataset = from_arrays({images, PixelType::f32, 3, height, width, false}, labels, size, num_classes,
                           release, user_data);
  });
}

int32_t dmoe_dataset_create_u8(const uint8_t* images, const int64_t* labels, int64_t size, int64_t channels,
                               int64_t height, int64_t width, int32_t layout, int64_t num_classes,
                               dmoe_release_callback release, void* user_data, dmoe_dataset** dataset,
                               dmoe_error** error) {
  return guard(error, [&] {
    require(dataset, "dataset");
    if (layout != DMOE_LAYOUT_NCHW && layout != DMOE_LAYOUT_NHWC) {
      fail(ErrorCode::invalid_argument, "layout is ", layout, ", must be DMOE_LAYOUT_NCHW (",
           DMOE_LAYOUT_NCHW, ") or DMOE_LAYOUT_NHWC (", DMOE_LAYOUT_NHWC, ")");
    }
    *dataset = from_arrays({images, PixelType::u8, channels, height, width, layout == DMOE_LAYOUT_NHWC},
                           labels, size, num_classes, release, user_data);
  });
}

int64_t dmoe_dataset_size(const dmoe_dataset* dataset) {
  const dmoe_dataset* object = known(dataset);
  return object != nullptr ? object->dataset->size() : 0;
}

int64_t dmoe_dataset_num_classes(const dmoe_dataset* dataset) {
  const dmoe_dataset* object = known(dataset);
  return object != nullptr ? object->dataset->num_classes() : 0;
}

int32_t dmoe_dataset_describe(const dmoe_dataset* dataset, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const Dataset& source = *checked(dataset, "dataset").dataset;
    require(json, "json");
    const Normalization normalization = source.normalization();
    *json = new_string(nlohmann::json{{"description", source.description()},
                                      {"size", source.size()},
                                      {"num_classes", source.num_classes()},
                                      {"class_names", source.class_names()},
                                      {"image_size", source.image_size()},
                                      {"mean", normalization.mean},
                                      {"deviation", normalization.deviation}});
  });
}

void dmoe_dataset_release(dmoe_dataset* dataset) { release(dataset); }
