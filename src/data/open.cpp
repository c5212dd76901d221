#include "base/base.hpp"
#include "data/cifar.hpp"
#include "data/data.hpp"
#include "data/folder.hpp"
#include "data/plugin_dataset.hpp"
#include "data/synthetic.hpp"

namespace deepmoe {
namespace {

std::shared_ptr<const Dataset> open_synthetic(const Options& options, bool training) {
  constexpr std::int64_t usual_classes = 10, usual_size = 32;
  const std::int64_t num_classes = options.integer("num_classes"), image_size = options.integer("image_size");
  return synthetic_dataset(options.integer(training ? "synthetic_train_size" : "synthetic_test_size"),
                           num_classes == 0 ? usual_classes : num_classes,
                           image_size == 0 ? usual_size : image_size,
                           static_cast<std::uint64_t>(options.integer("seed")), training);
}

/// The classes of files are what they are; a given number that differs is a misunderstanding.
void check_num_classes(const Options& options, const Dataset& dataset) {
  const std::int64_t wanted = options.integer("num_classes");
  if (!options.given("num_classes") || wanted == 0 || wanted == dataset.num_classes()) return;
  fail(ErrorCode::invalid_argument, "num_classes is ", wanted, ", but ", dataset.description(), " has ",
       dataset.num_classes(), " classes; set num_classes to ", dataset.num_classes(), " or to 0");
}

/// One half of the data set as it is stored.
std::shared_ptr<const Dataset> open_half(const Options& options, bool training) {
  const std::string name = options.text("dataset");
  if (name == "synthetic") return open_synthetic(options, training);
  const std::string data_dir = options.text("data_dir");
  std::shared_ptr<const Dataset> dataset;
  if (name == "cifar10" || name == "cifar100") {
    dataset = cifar_dataset(name == "cifar10" ? Cifar::ten : Cifar::hundred, data_dir, training);
  } else if (name == "folder") {
    dataset = folder_dataset(data_dir, training);
  } else if (name.find(':') != std::string::npos) {
    dataset = plugin_dataset(options, training);
  } else {
    fail(ErrorCode::invalid_argument, "dataset '", name,
         "' is unknown; it must be synthetic, cifar10, cifar100, folder or PLUGIN:NAME");
  }
  check_num_classes(options, *dataset);
  return dataset;
}

}  // namespace

std::shared_ptr<const Dataset> open_dataset(const Options& options, const std::string& split) {
  if (split != "train" && split != "test" && split != "val") {
    fail(ErrorCode::invalid_argument, "split '", split, "' is unknown; it must be train, test or val");
  }
  const double share = options.real("validation_share");
  const bool held_out = split == "val" && share > 0.0;
  const bool training = split == "train";
  std::shared_ptr<const Dataset> dataset = open_half(options, training || held_out);
  if (held_out) return spread_share(std::move(dataset), share);
  if (!training) return dataset;
  if (share > 0.0) dataset = without_spread_share(std::move(dataset), share);
  const std::int64_t count = options.integer("train_images");
  return count > 0 ? spread_images(std::move(dataset), count) : dataset;
}

}  // namespace deepmoe
