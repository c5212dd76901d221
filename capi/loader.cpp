#include <memory>

#include "deepmoe.h"
#include "guard.hpp"
#include "objects.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

std::int64_t image_size_of(const Dataset& dataset, const Options& options) {
  constexpr std::int64_t usual_size = 224;
  if (options.integer("image_size") > 0) return options.integer("image_size");
  return dataset.image_size() > 0 ? dataset.image_size() : usual_size;
}

}  // namespace

int32_t dmoe_loader_create(const dmoe_dataset* dataset, const dmoe_options* options, int32_t training,
                           int64_t epoch, int64_t first_batch, dmoe_loader** loader, dmoe_error** error) {
  return guard(error, [&] {
    const std::shared_ptr<const Dataset> images = checked(dataset, "dataset").dataset;
    const Options& wishes = checked(options, "options").options;
    require(loader, "loader");
    if (training != 0 && training != 1) {
      fail(ErrorCode::invalid_argument, "training is ", training, ", must be 0 or 1");
    }
    if (epoch < 0) fail(ErrorCode::invalid_argument, "epoch is ", epoch, ", must be at least 0");
    const std::int64_t side = image_size_of(*images, wishes);
    const bool trains = training == 1;
    LoaderOptions order =
        trains ? training_loader_options(*images, wishes, epoch) : evaluation_loader_options(wishes);
    order.first_batch = first_batch;
    *loader = new dmoe_loader(
        std::make_shared<Loader>(
            images, trains ? training_transform(*images, side, wishes) : evaluation_transform(*images, side),
            order),
        side);
  });
}

int64_t dmoe_loader_num_batches(const dmoe_loader* loader) {
  const dmoe_loader* object = known(loader);
  return object != nullptr ? object->loader->num_batches() : 0;
}

int64_t dmoe_loader_image_size(const dmoe_loader* loader) {
  const dmoe_loader* object = known(loader);
  return object != nullptr ? object->image_size : 0;
}

int32_t dmoe_loader_next(dmoe_loader* loader, const float** images, const int64_t** labels, int64_t* size,
                         dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_loader& source = checked(loader, "loader");
    require(images, "images");
    require(labels, "labels");
    require(size, "size");
    const ExclusiveUse use(source.use);
    Batch batch;
    if (!source.loader->next(batch)) batch = {};
    *images = batch.images;
    *labels = batch.labels;
    *size = batch.size;
  });
}

void dmoe_loader_release(dmoe_loader* loader) { release(loader); }
