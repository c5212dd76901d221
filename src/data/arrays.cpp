#include <limits>
#include <utility>

#include "base/base.hpp"
#include "data/class_names.hpp"
#include "data/data.hpp"
#include "data/normalization.hpp"

namespace deepmoe {
namespace {

class ArrayDataset final : public Dataset {
 public:
  ArrayDataset(ImageView first, std::vector<std::int64_t> labels, std::int64_t num_classes,
               std::shared_ptr<const void> owner)
      : first_(first),
        image_bytes_(static_cast<std::size_t>(first.channels * first.height * first.width) *
                     (first.type == PixelType::u8 ? sizeof(std::uint8_t) : sizeof(float))),
        labels_(std::move(labels)),
        class_names_(numbered_class_names(num_classes)),
        owner_(std::move(owner)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  std::int64_t num_classes() const override { return static_cast<std::int64_t>(class_names_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::int64_t label(std::int64_t index) const override { return labels_[static_cast<std::size_t>(index)]; }

  ImageView image(std::int64_t index, std::vector<std::byte>&) const override {
    ImageView view = first_;
    view.data = static_cast<const std::byte*>(first_.data) + static_cast<std::size_t>(index) * image_bytes_;
    return view;
  }

  std::int64_t image_size() const override { return first_.height == first_.width ? first_.height : 0; }
  Normalization normalization() const override {
    return first_.type == PixelType::f32 ? Normalization{} : usual_normalization(image_size());
  }
  std::string description() const override { return concat("arrays of ", size(), " images"); }

 private:
  ImageView first_;
  std::size_t image_bytes_;
  std::vector<std::int64_t> labels_;
  std::vector<std::string> class_names_;
  std::shared_ptr<const void> owner_;
};

/// Refuses extents whose product would not fit in memory's address range.
void check_extents(std::int64_t size, std::int64_t channels, std::int64_t height, std::int64_t width) {
  if (size < 0) fail(ErrorCode::invalid_argument, "the number of images is ", size, ", must be at least 0");
  if (channels != 1 && channels != 3) {
    fail(ErrorCode::invalid_argument, "images have ", channels, " channels, must be 1 (grey) or 3 (RGB)");
  }
  constexpr std::int64_t limit = std::int64_t{1} << 20;
  if (height < 1 || height > limit || width < 1 || width > limit) {
    fail(ErrorCode::invalid_argument, "images are ", height, " x ", width, ", each side must be 1 to ",
         limit);
  }
  const std::int64_t image_elements = channels * height * width;
  if (size >
      std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(sizeof(float)) / image_elements) {
    fail(ErrorCode::invalid_argument, size, " images of ", channels, " x ", height, " x ", width,
         " do not fit in memory");
  }
}

}  // namespace

std::shared_ptr<const Dataset> array_dataset(const void* images, PixelType type, const std::int64_t* labels,
                                             std::int64_t size, std::int64_t channels, std::int64_t height,
                                             std::int64_t width, bool channels_last, std::int64_t num_classes,
                                             std::shared_ptr<const void> owner) {
  check_extents(size, channels, height, width);
  if (size > 0 && images == nullptr) fail(ErrorCode::invalid_argument, "images is a null pointer");
  if (size > 0 && labels == nullptr) fail(ErrorCode::invalid_argument, "labels is a null pointer");
  constexpr std::int64_t most_classes = 1000000;
  if (num_classes < 1 || num_classes > most_classes) {
    fail(ErrorCode::invalid_argument, "num_classes is ", num_classes, ", must be 1 to ", most_classes);
  }
  for (std::int64_t i = 0; i < size; ++i) {
    if (labels[i] < 0 || labels[i] >= num_classes) {
      fail(ErrorCode::invalid_argument, "label ", labels[i], " of image ", i, " is outside 0..",
           num_classes - 1, "; correct it or raise num_classes");
    }
  }
  ImageView first{images, type, channels, height, width, 0, 0, 0};
  first.column_stride = channels_last ? channels : 1;
  first.row_stride = channels_last ? width * channels : width;
  first.channel_stride = channels_last ? 1 : height * width;
  // Labels are copied, so that a host that changes them later can't make a checked label wrong.
  std::vector<std::int64_t> own_labels;
  if (size > 0) own_labels.assign(labels, labels + size);
  return std::make_shared<ArrayDataset>(first, std::move(own_labels), num_classes, std::move(owner));
}

}  // namespace deepmoe
