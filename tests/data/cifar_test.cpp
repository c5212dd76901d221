#include "data/cifar.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "data/encoded_images.hpp"
#include "data/normalization.hpp"
#include "data/pickled_batches.hpp"
#include "data/random.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

constexpr std::size_t kImageBytes = 3072;

std::string random_pixels(std::size_t images, std::uint64_t seed) {
  std::string pixels(images * kImageBytes, '\0');
  RandomStream random(seed);
  for (char& byte : pixels) byte = static_cast<char>(random.next());
  return pixels;
}

std::vector<std::int64_t> some_labels(std::size_t count, std::int64_t classes, std::uint64_t seed) {
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::int64_t>((i * 7 + seed) % static_cast<std::size_t>(classes)));
  }
  return labels;
}

std::string binary(const std::vector<std::int64_t>& labels, const std::string& pixels, bool coarse) {
  std::string bytes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (coarse) bytes.push_back('\x11');
    bytes.push_back(static_cast<char>(labels[i]));
    bytes += pixels.substr(i * kImageBytes, kImageBytes);
  }
  return bytes;
}

/// Images `first`... of the data set must be `pixels` with `labels`.
void check_images(const Dataset& dataset, std::int64_t first, const std::vector<std::int64_t>& labels,
                  const std::string& pixels) {
  std::vector<std::byte> scratch;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::int64_t index = first + static_cast<std::int64_t>(i);
    CHECK(dataset.label(index) == labels[i]);
    const ImageView view = dataset.image(index, scratch);
    REQUIRE(view.channels == 3);
    REQUIRE(view.channel_stride == 1024);
    REQUIRE(view.row_stride == 32);
    REQUIRE(view.column_stride == 1);
    CHECK(std::memcmp(view.data, pixels.data() + i * kImageBytes, kImageBytes) == 0);
  }
  CHECK(scratch.empty());
}

std::vector<std::string> names_with(const std::string& prefix, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

/// Writes the five training batches and the test batch of CIFAR-10 in torchvision's layout.
void write_cifar10(const std::string& folder, bool by_python3) {
  make_folder(folder);
  for (std::uint64_t batch = 0; batch < 6; ++batch) {
    const std::string name = batch == 5 ? "test_batch" : "data_batch_" + std::to_string(batch + 1);
    const auto labels = some_labels(4, 10, batch);
    const std::string pixels = random_pixels(4, batch);
    write_bytes(folder + "/" + name, by_python3 ? pickled::batch_by_python3("labels", labels, pixels)
                                                : pickled::batch("labels", labels, pixels));
  }
  write_bytes(folder + "/batches.meta", pickled::names("label_names", names_with("kind", 10)));
}

}  // namespace

TEST_CASE("CIFAR-10 is read from the python batches of both Pythons") {
  for (const bool by_python3 : {false, true}) {
    const TemporaryFolder parent;
    const std::string folder = parent.file("cifar-10-batches-py");
    write_cifar10(folder, by_python3);
    for (const std::string& data_dir : {parent.path(), folder}) {
      const auto train = cifar_dataset(Cifar::ten, data_dir, true);
      CHECK(train->size() == 20);
      CHECK(train->num_classes() == 10);
      CHECK(train->class_names() == names_with("kind", 10));
      CHECK(train->image_size() == 32);
      CHECK(train->normalization().mean == kCifar10Normalization.mean);
      for (std::uint64_t batch = 0; batch < 5; ++batch) {
        check_images(*train, static_cast<std::int64_t>(batch) * 4, some_labels(4, 10, batch),
                     random_pixels(4, batch));
      }
      const auto test = cifar_dataset(Cifar::ten, data_dir, false);
      CHECK(test->size() == 4);
      check_images(*test, 0, some_labels(4, 10, 5), random_pixels(4, 5));
    }
  }
}

TEST_CASE("CIFAR-100 is read with its fine labels") {
  const TemporaryFolder parent;
  const std::string folder = parent.file("cifar-100-python");
  make_folder(folder);
  const auto labels = some_labels(30, 100, 3);
  write_bytes(folder + "/train", pickled::batch("fine_labels", labels, random_pixels(30, 1)));
  write_bytes(folder + "/test", pickled::batch("fine_labels", {99}, random_pixels(1, 2)));
  write_bytes(folder + "/meta", pickled::names("fine_label_names", names_with("fine", 100)));
  const auto train = cifar_dataset(Cifar::hundred, parent.path(), true);
  CHECK(train->num_classes() == 100);
  CHECK(train->class_names()[42] == "fine42");
  CHECK(train->normalization().mean == kCifar100Normalization.mean);
  check_images(*train, 0, labels, random_pixels(30, 1));
  check_images(*cifar_dataset(Cifar::hundred, folder, false), 0, {99}, random_pixels(1, 2));
}

TEST_CASE("the binary layouts are read") {
  const TemporaryFolder parent;
  const std::string ten = parent.file("cifar-10-batches-bin"), hundred = parent.file("cifar-100-binary");
  make_folder(ten);
  make_folder(hundred);
  for (std::uint64_t batch = 1; batch <= 5; ++batch) {
    write_bytes(ten + "/data_batch_" + std::to_string(batch) + ".bin",
                binary(some_labels(3, 10, batch), random_pixels(3, batch), false));
  }
  write_bytes(ten + "/batches.meta.txt", "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  write_bytes(hundred + "/test.bin", binary({7, 99}, random_pixels(2, 8), true));
  const auto train = cifar_dataset(Cifar::ten, parent.path(), true);
  CHECK(train->size() == 15);
  CHECK(train->class_names() == std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  for (std::uint64_t batch = 1; batch <= 5; ++batch) {
    check_images(*train, static_cast<std::int64_t>(batch - 1) * 3, some_labels(3, 10, batch),
                 random_pixels(3, batch));
  }
  const auto test = cifar_dataset(Cifar::hundred, hundred, false);
  check_images(*test, 0, {7, 99}, random_pixels(2, 8));
  CHECK(test->class_names()[99] == "99");
}

TEST_CASE("files that Python itself has pickled are read") {
  const TemporaryFolder parent;
  const std::string folder = parent.file("cifar-100-python");
  make_folder(folder);
  // Stand-ins for numpy's classes, which pickle as numpy's do, so that no numpy is needed.
  write_bytes(parent.file("write.py"), R"(import pickle, sys, types
core = types.ModuleType('numpy.core.multiarray'); numpy = types.ModuleType('numpy')
sys.modules.update({'numpy': numpy, 'numpy.core': types.ModuleType('numpy.core'), 'numpy.core.multiarray': core})
def _reconstruct(*a): pass
_reconstruct.__module__ = 'numpy.core.multiarray'; core._reconstruct = _reconstruct
class dtype:
    def __init__(self, *a): pass
    def __reduce__(self): return dtype, ('u1', False, True), (3, '|', None, None, None, -1, -1, 0)
    def __setstate__(self, state): pass
class ndarray:
    def __init__(self, rows, data): self.rows, self.data = rows, data
    def __reduce__(self):
        return core._reconstruct, (ndarray, (0,), b'b'), (1, (self.rows, 3072), dtype(), False, self.data)
    def __setstate__(self, state): pass
for c in (dtype, ndarray): c.__module__ = 'numpy'; c.__qualname__ = c.__name__; setattr(numpy, c.__name__, c)
for name, rows in (('train', 600), ('test', 1)):
    data = bytes((i * 31 + i // 256) % 256 for i in range(rows * 3072))
    batch = {b'filenames': [b'%d.png' % i for i in range(rows)], b'batch_label': b'', b'data': ndarray(rows, data),
             b'fine_labels': [i % 100 for i in range(rows)], 'coarse_labels': [-1, 2**40, True, None]}
    pickle.dump(batch, open(sys.argv[1] + '/' + name, 'wb'), protocol=2)
pickle.dump({'fine_label_names': ['n%d' % i for i in range(100)]}, open(sys.argv[1] + '/meta', 'wb'), protocol=2)
)");
  const std::string command = "python3 '" + parent.file("write.py") + "' '" + folder + "' 2>/dev/null";
  if (std::system(command.c_str()) != 0) {
    std::cout << "SKIPPED: python3 is not installed\n";
    return;
  }
  const auto train = cifar_dataset(Cifar::hundred, parent.path(), true);
  REQUIRE(train->size() == 600);
  CHECK(train->class_names()[31] == "n31");
  std::string pixels;
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < 600 * kImageBytes; ++i) pixels.push_back(static_cast<char>(i * 31 + i / 256));
  for (std::int64_t i = 0; i < 600; ++i) labels.push_back(i % 100);
  check_images(*train, 0, labels, pixels);
  CHECK(cifar_dataset(Cifar::hundred, parent.path(), false)->size() == 1);
}

TEST_CASE("a missing data set or batch is named") {
  const TemporaryFolder parent;
  require_error(ErrorCode::not_found,
                {parent.path(), "CIFAR-10", "cifar-10-batches-py/data_batch_1",
                 "cifar-10-batches-bin/data_batch_1.bin"},
                [&] { cifar_dataset(Cifar::ten, parent.path(), true); });
  write_cifar10(parent.file("cifar-10-batches-py"), false);
  std::filesystem::remove(parent.file("cifar-10-batches-py/data_batch_4"));
  require_error(ErrorCode::not_found, {"data_batch_4"},
                [&] { cifar_dataset(Cifar::ten, parent.path(), true); });
}

TEST_CASE("batches that contradict themselves are refused by name") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& content, const std::vector<std::string>& parts) {
    write_bytes(folder.file("test_batch"), content);
    std::vector<std::string> all = parts;
    all.push_back(folder.file("test_batch"));
    require_error(ErrorCode::format, all, [&] { cifar_dataset(Cifar::ten, folder.path(), false); });
  };
  const std::string pixels = random_pixels(2, 1);
  refused(pickled::batch("labels", {3, 10}, pixels), {"label 10 of image 1", "0..9"});
  refused(pickled::batch("labels", {-1, 3}, pixels), {"label -1 of image 0"});
  refused(pickled::batch("fine_labels", {3, 1}, pixels), {"no entry 'labels'"});
  refused(pickled::batch("labels", {3, 1}, pixels.substr(0, 24), 12),
          {"not an array of images of 3072 bytes"});
  refused(pickled::batch("labels", {3, 1}, pixels).substr(0, 5000), {"ends early"});
  refused(pickled::file(pickled::integers({1})), {"no entry"});
  refused(pickled::file(std::string("}(") + pickled::short_string("labels") + pickled::integers({1}) +
                        pickled::short_string("data") +
                        pickled::array("numpy.core.multiarray", 2, 3072, pickled::string(pixels)) + "u"),
          {"2 images and 1 labels"});
}

TEST_CASE("truncated binary batches and wrong numbers of names are refused") {
  const TemporaryFolder folder;
  write_bytes(folder.file("test_batch.bin"), binary({1, 2}, random_pixels(2, 1), false).substr(0, 6000));
  require_error(ErrorCode::format, {folder.file("test_batch.bin"), "6000 bytes", "3073"},
                [&] { cifar_dataset(Cifar::ten, folder.path(), false); });
  write_bytes(folder.file("test_batch.bin"), "");
  require_error(ErrorCode::format, {"0 bytes"}, [&] { cifar_dataset(Cifar::ten, folder.path(), false); });
  write_bytes(folder.file("test_batch.bin"), binary({1, 12}, random_pixels(2, 1), false));
  require_error(ErrorCode::format, {"label 12 of image 1"},
                [&] { cifar_dataset(Cifar::ten, folder.path(), false); });
  write_bytes(folder.file("test_batch.bin"), binary({1, 2}, random_pixels(2, 1), false));
  write_bytes(folder.file("batches.meta.txt"), "one\ntwo\n");
  require_error(ErrorCode::format, {"batches.meta.txt", "2 classes instead of 10"},
                [&] { cifar_dataset(Cifar::ten, folder.path(), false); });
}
