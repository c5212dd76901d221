#include "data/fetch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/base.hpp"
#include "data/cifar.hpp"
#include "data/fetch_checksum.hpp"
#include "data/fetch_download.hpp"
#include "data/fetch_unpack.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;

/// A data set as its publisher offers it.
struct Publication {
  Cifar kind;
  std::string_view name, title, url, archive, folder;
  std::string_view md5, sha256;
};

constexpr std::array<Publication, 2> publications = {
    {{Cifar::ten, "cifar10", "CIFAR-10", "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
      "cifar-10-python.tar.gz", "cifar-10-batches-py", "c58f30108f718f92721af3b95e74349a",
      "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"},
     {Cifar::hundred, "cifar100", "CIFAR-100", "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
      "cifar-100-python.tar.gz", "cifar-100-python", "eb9058c3a382ffc7106e4002c42a8d85",
      "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"}}};

const Publication& publication_of(const std::string& name) {
  std::vector<std::string> names;
  for (const Publication& publication : publications) {
    if (publication.name == name) return publication;
    names.emplace_back(publication.name);
  }
  fail(ErrorCode::invalid_argument, "data set '", name, "' can't be fetched; these can: ", join(names), ".",
       suggestion(name, names));
}

void check(const FetchSettings& settings) {
  const std::string& url = settings.url;
  if (!url.empty() && url.rfind("http://", 0) != 0 && url.rfind("https://", 0) != 0) {
    fail(ErrorCode::invalid_argument, "url '", url, "' must begin with http:// or https://");
  }
  const std::string& sum = settings.sha256;
  const bool digits =
      std::all_of(sum.begin(), sum.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (!sum.empty() && (sum.size() != 64 || !digits)) {
    fail(ErrorCode::invalid_argument, "sha256 '", sum, "' must be 64 hexadecimal digits");
  }
  if (!sum.empty() && url.empty()) {
    fail(ErrorCode::invalid_argument, "sha256 is that of the archive at url, which is not given");
  }
}

/// One fetching of one data set.
class Fetching {
 public:
  Fetching(const Publication& publication, const std::string& data_dir, const FetchSettings& settings,
           const FetchCallback& callback)
      : publication_(publication),
        data_dir_(data_dir),
        settings_(settings),
        callback_(callback),
        archive_((fs::path(data_dir) / publication.archive).string()),
        target_(fs::path(data_dir) / publication.folder),
        staging_(fs::path(data_dir) / concat(".", publication.folder, ".unpacking")) {}

  FetchResult run() {
    if (is_there()) return result_;
    make_folder(data_dir_);
    PartialFile part(archive_ + ".part");
    if (is_there()) return result_;  // Another call was at it.
    refuse_what_is_in_the_way();
    if (lies_ready()) {
      unpack(archive_);
    } else {
      obtain(part);
      unpack(part.path());
    }
    part.remove();
    result_.fetched = true;
    return result_;
  }

 private:
  /// Whether the data set can be read from data_dir; if not, `unreadable_` says why.
  bool is_there() {
    try {
      read(data_dir_);
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) throw;
      unreadable_ = error.what();
      return false;
    }
  }

  void read(const std::string& folder) {
    result_.training_images = cifar_dataset(publication_.kind, folder, true)->size();
    result_.test_images = cifar_dataset(publication_.kind, folder, false)->size();
  }

  void refuse_what_is_in_the_way() const {
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(target_, ignored))) return;
    fail(ErrorCode::state, "'", target_.string(), "' is there, but is not the whole data set (", unreadable_,
         "). Remove or rename it, and fetch again");
  }

  /// Whether the archive was put there by other means.
  bool lies_ready() const {
    std::error_code ignored;
    if (!fs::is_regular_file(archive_, ignored)) return false;
    const std::string difference = difference_of(archive_);
    if (difference.empty()) return true;
    log(LogLevel::warning, concat("'", archive_, "' is not used, as ", difference));
    return false;
  }

  /// Leaves the right archive in `part`.
  void obtain(PartialFile& part) {
    DownloadSettings download_settings;
    download_settings.url = settings_.url.empty() ? std::string(publication_.url) : settings_.url;
    download_settings.by_hand = archive_;
    download_settings.pause = settings_.pause;
    while (true) {
      download(download_settings, part, progress_of(FetchStage::download));
      result_.downloaded_bytes = part.appended();
      result_.resumed_bytes = part.size() - part.appended();
      const std::string difference = difference_of(part.path());
      if (difference.empty()) return;
      part.clear();
      if (result_.resumed_bytes == 0) {
        fail(ErrorCode::format, download_settings.url, " is not the published archive of ",
             publication_.title, ": ", difference,
             ". What was downloaded is removed. Fetch again; if that does not help, something on the "
             "way changes the file, or the address is wrong: give another one as url");
      }
      log(LogLevel::info,
          concat("the rest did not fit what '", part.path(), "' held, so all is downloaded anew"));
    }
  }

  /// What distinguishes a file from the archive wanted; nothing if it is that one.
  std::string difference_of(const std::string& path) const {
    const Checksums sums = file_checksums(path, progress_of(FetchStage::check));
    const bool other = !settings_.sha256.empty();
    std::string sha256(other ? std::string_view(settings_.sha256) : publication_.sha256);
    for (char& digit : sha256) digit = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
    if (!other && sums.md5 != publication_.md5) {
      return concat("its MD5 is ", sums.md5, " instead of ", publication_.md5);
    }
    if (sums.sha256 != sha256) return concat("its SHA-256 is ", sums.sha256, " instead of ", sha256);
    return {};
  }

  void unpack(const std::string& archive) {
    // Only the owner of the partial file comes here, so that it is what a process left that was killed.
    const Staging staging(staging_);
    unpack_archive(archive, staging_.string(), {}, progress_of(FetchStage::unpack));
    std::error_code error;
    if (!fs::is_directory(staging_ / publication_.folder, error)) {
      fail(ErrorCode::format, "archive '", archive, "' has no folder ", publication_.folder);
    }
    try {
      read(staging_.string());
    } catch (const Error& unreadable) {
      fail(ErrorCode::format, "archive '", archive, "' does not hold ", publication_.title, ": ",
           unreadable.what());
    }
    fs::rename(staging_ / publication_.folder, target_, error);
    if (error) fail(ErrorCode::io, "can't make '", target_.string(), "': ", error.message());
    flush_folder();
  }

  /// A folder that is gone at the end.
  class Staging {
   public:
    explicit Staging(const fs::path& path) : path_(path) {
      remove();
      make_folder(path.string());
    }
    ~Staging() { remove(); }
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

   private:
    void remove() const {
      std::error_code ignored;
      fs::remove_all(path_, ignored);
    }
    const fs::path& path_;
  };

  /// Only then does the new name survive a loss of power; where it can't be done, it will last all the same.
  void flush_folder() const {
    const int folder = ::open(data_dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    ::fsync(folder);
    ::close(folder);
  }

  std::function<bool(std::int64_t, std::int64_t)> progress_of(FetchStage stage) const {
    return [this, stage](std::int64_t done, std::int64_t total) {
      return !callback_ || callback_({stage, done, total});
    };
  }

  const Publication& publication_;
  const std::string& data_dir_;
  const FetchSettings& settings_;
  const FetchCallback& callback_;
  const std::string archive_;
  const fs::path target_, staging_;
  std::string unreadable_;
  FetchResult result_;
};

}  // namespace

FetchResult fetch_dataset(const std::string& name, const std::string& data_dir, const FetchSettings& settings,
                          const FetchCallback& callback) {
  const Publication& publication = publication_of(name);
  check(settings);
  return Fetching(publication, data_dir, settings, callback).run();
}

}  // namespace deepmoe
