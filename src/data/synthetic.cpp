#include "data/synthetic.hpp"

#include "base/base.hpp"
#include "data/class_names.hpp"
#include "data/random.hpp"
#include "data/synthetic_scene.hpp"

namespace deepmoe {
namespace {

class SyntheticDataset final : public Dataset {
 public:
  SyntheticDataset(std::int64_t size, std::int64_t num_classes, std::int64_t image_size, std::uint64_t seed,
                   bool training)
      : size_(size),
        image_size_(image_size),
        seed_(seed),
        training_(training),
        class_names_(numbered_class_names(num_classes)) {}

  std::int64_t size() const override { return size_; }
  std::int64_t num_classes() const override { return static_cast<std::int64_t>(class_names_.size()); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::int64_t label(std::int64_t index) const override { return index % num_classes(); }

  ImageView image(std::int64_t index, std::vector<std::byte>& scratch) const override {
    const std::int64_t plane = image_size_ * image_size_;
    scratch.resize(static_cast<std::size_t>(3 * plane));
    const std::uint64_t seed =
        stream_seed(seed_, training_ ? 0x747261696EU : 0x74657374U, static_cast<std::uint64_t>(index));
    draw_synthetic(synthetic_class(label(index), num_classes()), image_size_, seed,
                   reinterpret_cast<std::uint8_t*>(scratch.data()));
    return {scratch.data(), PixelType::u8, 3, image_size_, image_size_, plane, image_size_, 1};
  }

  std::int64_t image_size() const override { return image_size_; }
  Normalization normalization() const override { return {{0.5F, 0.5F, 0.5F}, {0.25F, 0.25F, 0.25F}}; }
  std::string description() const override {
    return concat("synthetic (", training_ ? "train" : "test", ", ", size_, " images)");
  }

 private:
  std::int64_t size_, image_size_;
  std::uint64_t seed_;
  bool training_;
  std::vector<std::string> class_names_;
};

}  // namespace

std::int64_t most_synthetic_classes() { return SyntheticClass::kCount; }

std::shared_ptr<const Dataset> synthetic_dataset(std::int64_t size, std::int64_t num_classes,
                                                 std::int64_t image_size, std::uint64_t seed, bool training) {
  if (size < 1)
    fail(ErrorCode::invalid_argument, "the synthetic data set has ", size, " images, must be at least 1");
  if (num_classes < 1 || num_classes > most_synthetic_classes()) {
    fail(ErrorCode::invalid_argument, "num_classes is ", num_classes, "; the synthetic data set has 1 to ",
         most_synthetic_classes(), " classes");
  }
  if (image_size < 8 || image_size > 4096) {
    fail(ErrorCode::invalid_argument, "image_size is ", image_size,
         "; synthetic images have 8 to 4096 pixels a side");
  }
  return std::make_shared<SyntheticDataset>(size, num_classes, image_size, seed, training);
}

}  // namespace deepmoe
