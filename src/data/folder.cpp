#include "data/folder.hpp"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/base.hpp"
#include "data/decoded_cache.hpp"
#include "data/image_file.hpp"
#include "data/normalization.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;

bool has_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> class_folders(const fs::path& split_folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(split_folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.')) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Sorted paths, relative to the class folder, of the images in and below it.
std::vector<std::string> image_names(const fs::path& class_folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(class_folder)) {
    if (has_image_name(entry.path()) && entry.is_regular_file()) {
      names.push_back(entry.path().lexically_relative(class_folder).string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// data_dir/train for training; else data_dir/val, or data_dir/test. Empty when there is none.
fs::path split_folder(const fs::path& data_dir, bool training) {
  if (training) return is_folder(data_dir / "train") ? data_dir / "train" : fs::path();
  if (is_folder(data_dir / "val")) return data_dir / "val";
  return is_folder(data_dir / "test") ? data_dir / "test" : fs::path();
}

/// Names in `all` that are not in `others`, the first few of them.
std::string missing_names(const std::vector<std::string>& all, const std::vector<std::string>& others) {
  std::vector<std::string> missing;
  std::set_difference(all.begin(), all.end(), others.begin(), others.end(), std::back_inserter(missing));
  if (missing.size() > 5) {
    missing.resize(5);
    missing.push_back("...");
  }
  return join(missing);
}

void check_same_classes(const fs::path& folder, const std::vector<std::string>& classes,
                        const fs::path& other_folder) {
  const std::vector<std::string> others = class_folders(other_folder);
  const std::string only_here = missing_names(classes, others), only_there = missing_names(others, classes);
  if (only_here.empty() && only_there.empty()) return;
  fail(ErrorCode::format, folder.string(), " and ", other_folder.string(),
       " must have the same class folders",
       only_here.empty() ? "" : concat("; only ", folder.filename().string(), " has ", only_here),
       only_there.empty() ? "" : concat("; only ", other_folder.filename().string(), " has ", only_there));
}

class FolderDataset final : public Dataset {
 public:
  FolderDataset(fs::path folder, std::vector<std::string> classes, bool training)
      : folder_(std::move(folder)), classes_(std::move(classes)), training_(training) {
    for (std::size_t label = 0; label < classes_.size(); ++label) {
      std::vector<std::string> names = image_names(folder_ / classes_[label]);
      if (names.empty()) {
        fail(ErrorCode::format, (folder_ / classes_[label]).string(),
             ": the class folder has no images (.jpg, .jpeg or .png); add some or remove the folder");
      }
      for (std::string& name : names) {
        names_.push_back(std::move(name));
        labels_.push_back(static_cast<std::int32_t>(label));
      }
    }
    measure();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(names_.size()); }
  std::int64_t num_classes() const override { return static_cast<std::int64_t>(classes_.size()); }
  const std::vector<std::string>& class_names() const override { return classes_; }
  std::int64_t label(std::int64_t index) const override { return labels_[static_cast<std::size_t>(index)]; }

  ImageView image(std::int64_t index, std::vector<std::byte>& scratch) const override {
    if (!cache_) return decode_image_file(path(index), scratch);
    if (const std::byte* kept = cache_->find(index)) {
      return {kept, PixelType::u8, 3, image_size_, image_size_, 1, 3 * image_size_, 3};
    }
    const ImageView view = decode_image_file(path(index), scratch);
    if (view.height == image_size_ && view.width == image_size_) cache_->keep(index, scratch);
    return view;
  }

  ImagePart image_part(std::int64_t index, const ChoosePart& choose,
                       std::vector<std::byte>& scratch) const override {
    return cache_ ? Dataset::image_part(index, choose, scratch)
                  : decode_image_part(path(index), choose, scratch);
  }

  std::int64_t image_size() const override { return image_size_; }
  Normalization normalization() const override { return usual_normalization(image_size_); }
  std::string description() const override {
    return concat("folder ", folder_.parent_path().string(), " (", training_ ? "train" : "test", ")");
  }

 private:
  std::string path(std::int64_t index) const {
    const auto i = static_cast<std::size_t>(index);
    return (folder_ / classes_[static_cast<std::size_t>(labels_[i])] / names_[i]).string();
  }

  /// Finds out whether all images are squares of one size, stopping at the first that is not. Small ones are
  /// then kept in memory once they have been decoded, if all of them fit into 512 MiB; any others are read and
  /// decoded each time. Sets of so many files that measuring would take long count as mixed.
  void measure() {
    constexpr std::int64_t most_files = 200000;
    constexpr std::int64_t most_cached_bytes = std::int64_t{512} << 20;
    const ImageExtent first = image_file_extent(path(0));
    if (first.height != first.width || size() > most_files) return;
    std::atomic<bool> same{true};
    tbb::parallel_for(std::int64_t{1}, size(), [&](std::int64_t index) {
      if (same.load(std::memory_order_relaxed) && image_file_extent(path(index)) != first) same = false;
    });
    if (!same) return;
    image_size_ = first.height;
    const std::int64_t image_bytes = 3 * image_size_ * image_size_;
    if (image_size_ <= kSmallImageSize && size() <= most_cached_bytes / image_bytes) {
      cache_ = std::make_unique<DecodedCache>(size(), static_cast<std::size_t>(image_bytes));
    }
  }

  fs::path folder_;
  std::vector<std::string> classes_;
  bool training_;
  std::vector<std::string> names_;  ///< below the class folder
  std::vector<std::int32_t> labels_;
  std::int64_t image_size_ = 0;
  std::unique_ptr<DecodedCache> cache_;
};

}  // namespace

std::shared_ptr<const Dataset> folder_dataset(const std::string& data_dir, bool training) try {
  const fs::path root(data_dir);
  if (!is_folder(root))
    fail(ErrorCode::not_found, data_dir, ": no such folder; set data_dir to the folder of the images");
  const fs::path folder = split_folder(root, training);
  if (folder.empty()) {
    fail(ErrorCode::not_found, data_dir, ": has no folder ", training ? "train" : "val or test",
         " with a folder of images for each class");
  }
  std::vector<std::string> classes = class_folders(folder);
  if (classes.empty()) {
    fail(ErrorCode::format, folder.string(), ": has no class folders; put the images of each class into one");
  }
  const fs::path other = split_folder(root, !training);
  if (!other.empty()) check_same_classes(folder, classes, other);
  return std::make_shared<FolderDataset>(folder, std::move(classes), training);
} catch (const fs::filesystem_error& error) {
  fail(ErrorCode::io, error.path1().string(), ": ", error.code().message());
}

}  // namespace deepmoe
