#include "data/cifar.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/base.hpp"
#include "data/cifar_files.hpp"
#include "data/class_names.hpp"
#include "data/normalization.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;

/// How one way of publishing the data set names its files.
struct Layout {
  std::string folder;
  std::vector<std::string> training_files, test_files;
  std::string names_file;
  void (*read)(Cifar, const std::string&, CifarImages&);
  std::vector<std::string> (*read_names)(Cifar, const std::string&);
};

std::vector<Layout> layouts(Cifar kind) {
  if (kind == Cifar::hundred) {
    return {{"cifar-100-python", {"train"}, {"test"}, "meta", &read_cifar_python, &read_cifar_python_names},
            {"cifar-100-binary",
             {"train.bin"},
             {"test.bin"},
             "fine_label_names.txt",
             &read_cifar_binary,
             &read_cifar_binary_names}};
  }
  const auto batches = [](const std::string& ending) {
    std::vector<std::string> names;
    for (int i = 1; i <= 5; ++i) names.push_back(concat("data_batch_", i, ending));
    return names;
  };
  return {{"cifar-10-batches-py",
           batches(""),
           {"test_batch"},
           "batches.meta",
           &read_cifar_python,
           &read_cifar_python_names},
          {"cifar-10-batches-bin",
           batches(".bin"),
           {"test_batch.bin"},
           "batches.meta.txt",
           &read_cifar_binary,
           &read_cifar_binary_names}};
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

class CifarDataset final : public Dataset {
 public:
  CifarDataset(Cifar kind, CifarImages images, std::vector<std::string> names, std::string description)
      : kind_(kind),
        images_(std::move(images)),
        class_names_(std::move(names)),
        description_(std::move(description)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(images_.labels.size()); }
  std::int64_t num_classes() const override { return cifar_classes(kind_); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::int64_t label(std::int64_t index) const override {
    return images_.labels[static_cast<std::size_t>(index)];
  }
  ImageView image(std::int64_t index, std::vector<std::byte>&) const override {
    return {images_.pixels[static_cast<std::size_t>(index)],
            PixelType::u8,
            3,
            kCifarSide,
            kCifarSide,
            kCifarSide * kCifarSide,
            kCifarSide,
            1};
  }
  std::int64_t image_size() const override { return kCifarSide; }
  Normalization normalization() const override {
    return kind_ == Cifar::ten ? kCifar10Normalization : kCifar100Normalization;
  }
  std::string description() const override { return description_; }

 private:
  Cifar kind_;
  CifarImages images_;
  std::vector<std::string> class_names_;
  std::string description_;
};

std::shared_ptr<const Dataset> read_layout(Cifar kind, const Layout& layout, const fs::path& folder,
                                           bool training) {
  CifarImages images;
  for (const std::string& file : training ? layout.training_files : layout.test_files) {
    layout.read(kind, (folder / file).string(), images);
  }
  const fs::path names_file = folder / layout.names_file;
  std::vector<std::string> names = is_file(names_file) ? layout.read_names(kind, names_file.string())
                                                       : numbered_class_names(cifar_classes(kind));
  std::string description = concat(kind == Cifar::ten ? "cifar10 " : "cifar100 ", folder.string(), " (",
                                   training ? "train" : "test", ")");
  return std::make_shared<CifarDataset>(kind, std::move(images), std::move(names), std::move(description));
}

}  // namespace

std::shared_ptr<const Dataset> cifar_dataset(Cifar kind, const std::string& data_dir, bool training) {
  std::vector<std::string> looked_for;
  for (const Layout& layout : layouts(kind)) {
    const std::string& first_file = training ? layout.training_files.front() : layout.test_files.front();
    for (const fs::path& folder : {fs::path(data_dir) / layout.folder, fs::path(data_dir)}) {
      if (is_file(folder / first_file)) return read_layout(kind, layout, folder, training);
      looked_for.push_back((folder / first_file).string());
    }
  }
  fail(ErrorCode::not_found, data_dir, ": has no ", kind == Cifar::ten ? "CIFAR-10" : "CIFAR-100",
       " in it; looked for ", join(looked_for), ". Set data_dir to the folder of the unpacked archive");
}

}  // namespace deepmoe
