#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/base.hpp"
#include "data/data.hpp"

namespace deepmoe {
namespace {

class Subset : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> whole, std::vector<std::int64_t> indices, std::string description)
      : whole_(std::move(whole)), indices_(std::move(indices)), description_(std::move(description)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  std::int64_t num_classes() const override { return whole_->num_classes(); }
  const std::vector<std::string>& class_names() const override { return whole_->class_names(); }
  std::int64_t label(std::int64_t index) const override { return whole_->label(position(index)); }
  ImageView image(std::int64_t index, std::vector<std::byte>& scratch) const override {
    return whole_->image(position(index), scratch);
  }
  ImagePart image_part(std::int64_t index, const ChoosePart& choose,
                       std::vector<std::byte>& scratch) const override {
    return whole_->image_part(position(index), choose, scratch);
  }
  std::int64_t image_size() const override { return whole_->image_size(); }
  Normalization normalization() const override { return whole_->normalization(); }
  std::string description() const override { return description_; }

 private:
  std::int64_t position(std::int64_t index) const { return indices_[static_cast<std::size_t>(index)]; }

  const std::shared_ptr<const Dataset> whole_;
  const std::vector<std::int64_t> indices_;
  const std::string description_;
};

/// Whether image `index` is one of an evenly spread share: one at which the sum of shares passes a whole
/// number.
bool is_in_share(std::int64_t index, double share) {
  return std::floor(static_cast<double>(index + 1) * share) > std::floor(static_cast<double>(index) * share);
}

template <class Choose>
std::shared_ptr<const Dataset> chosen(std::shared_ptr<const Dataset> dataset, const char* words,
                                      const Choose& choose) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < dataset->size(); ++i) {
    if (choose(i)) indices.push_back(i);
  }
  std::string description = concat(dataset->description(), ", ", indices.size(), words);
  return std::make_shared<Subset>(std::move(dataset), std::move(indices), std::move(description));
}

}  // namespace

std::shared_ptr<const Dataset> spread_share(std::shared_ptr<const Dataset> dataset, double share) {
  return chosen(std::move(dataset), " held-out images",
                [&](std::int64_t i) { return is_in_share(i, share); });
}

std::shared_ptr<const Dataset> without_spread_share(std::shared_ptr<const Dataset> dataset, double share) {
  return chosen(std::move(dataset), " images that are not held out",
                [&](std::int64_t i) { return !is_in_share(i, share); });
}

std::shared_ptr<const Dataset> spread_images(std::shared_ptr<const Dataset> dataset, std::int64_t count) {
  const std::int64_t size = dataset->size();
  if (count >= size) return dataset;
  // In whole numbers, so that the count is exact.
  return chosen(std::move(dataset), " images",
                [&](std::int64_t i) { return (i + 1) * count / size > i * count / size; });
}

std::shared_ptr<const Dataset> first_images(std::shared_ptr<const Dataset> dataset, std::int64_t count) {
  if (count < 0) fail(ErrorCode::invalid_argument, "there cannot be ", count, " images");
  std::vector<std::int64_t> indices(static_cast<std::size_t>(std::min(count, dataset->size())));
  std::iota(indices.begin(), indices.end(), 0);
  std::string description = concat(dataset->description(), ", first ", indices.size(), " images");
  return std::make_shared<Subset>(std::move(dataset), std::move(indices), std::move(description));
}

std::shared_ptr<const Dataset> select_classes(std::shared_ptr<const Dataset> dataset,
                                              const std::vector<std::int64_t>& classes) {
  std::vector<std::string> words;
  for (const std::int64_t number : classes) {
    if (number < 0 || number >= dataset->num_classes()) {
      fail(ErrorCode::invalid_argument, "there is no class ", number, ": ", dataset->description(),
           " has the classes 0 to ", dataset->num_classes() - 1);
    }
    words.push_back(std::to_string(number));
  }
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < dataset->size(); ++i) {
    if (std::find(classes.begin(), classes.end(), dataset->label(i)) != classes.end()) indices.push_back(i);
  }
  std::string description =
      concat(dataset->description(), ", ", classes.size() == 1 ? "class " : "classes ", join(words));
  return std::make_shared<Subset>(std::move(dataset), std::move(indices), std::move(description));
}

}  // namespace deepmoe
