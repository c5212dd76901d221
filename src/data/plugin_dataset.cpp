#include "data/plugin_dataset.hpp"

#include <utility>

#include "base/base.hpp"
#include "data/normalization.hpp"
#include "plugin/plugin.hpp"

namespace deepmoe {
namespace {

class PluginDataset final : public Dataset {
 public:
  PluginDataset(std::unique_ptr<const PluginImages> images, std::string description)
      : images_(std::move(images)), description_(std::move(description)) {}

  std::int64_t size() const override { return images_->size; }
  std::int64_t num_classes() const override { return static_cast<std::int64_t>(images_->class_names.size()); }
  const std::vector<std::string>& class_names() const override { return images_->class_names; }
  std::int64_t label(std::int64_t index) const override {
    return images_->labels[static_cast<std::size_t>(index)];
  }

  ImageView image(std::int64_t index, std::vector<std::byte>& scratch) const override {
    const std::int64_t channels = images_->channels, height = images_->height, width = images_->width;
    // Zeros, so that what a plugin leaves out is at least always the same.
    scratch.assign(static_cast<std::size_t>(channels * height * width), std::byte{0});
    images_->read(index, scratch);
    return {scratch.data(), PixelType::u8, channels, height, width, 1, width * channels, channels};
  }

  std::int64_t image_size() const override { return images_->height == images_->width ? images_->height : 0; }
  Normalization normalization() const override {
    if (images_->mean && images_->deviation) return {*images_->mean, *images_->deviation};
    return usual_normalization(image_size());
  }
  std::string description() const override { return description_; }

 private:
  const std::unique_ptr<const PluginImages> images_;
  const std::string description_;
};

}  // namespace

std::shared_ptr<const Dataset> plugin_dataset(const Options& options, bool training) {
  load_plugins(options);
  const std::string name = options.text("dataset"), split = training ? "train" : "test";
  std::unique_ptr<const PluginImages> images = open_plugin_images(name, split, options);
  std::string description = concat(name, " (", split, ") of ", images->file);
  return std::make_shared<PluginDataset>(std::move(images), std::move(description));
}

}  // namespace deepmoe
