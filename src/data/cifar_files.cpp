#include "data/cifar_files.hpp"

#include <sstream>
#include <utility>

#include "base/base.hpp"
#include "data/pickle.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

void check_label(Cifar kind, std::int64_t label, std::size_t position, const std::string& path) {
  if (label < 0 || label >= cifar_classes(kind)) {
    fail(ErrorCode::format, path, ": label ", label, " of image ", position, " is outside 0..",
         cifar_classes(kind) - 1);
  }
}

const PickleNode& member(const PickleDocument& document, std::string_view key, const std::string& path) {
  const PickleNode* found = document.find(document.root(), key);
  if (found == nullptr) fail(ErrorCode::format, path, ": has no entry '", key, "'");
  return *found;
}

void check_names(Cifar kind, const std::vector<std::string>& names, const std::string& path) {
  if (static_cast<std::int64_t>(names.size()) != cifar_classes(kind)) {
    fail(ErrorCode::format, path, ": names ", names.size(), " classes instead of ", cifar_classes(kind));
  }
}

}  // namespace

void read_cifar_python(Cifar kind, const std::string& path, CifarImages& images) {
  const auto document = std::make_shared<const PickleDocument>(read_file(path), path);
  const std::string_view label_key = kind == Cifar::ten ? "labels" : "fine_labels";
  const std::vector<std::int64_t> labels = document->integers(member(*document, label_key, path), label_key);
  const PickleNode& data = member(*document, "data", path);
  const std::vector<std::int64_t> shape = document->shape(data);
  if (data.kind != PickleNode::Kind::array || shape.size() != 2 ||
      shape[1] != static_cast<std::int64_t>(kCifarImageBytes)) {
    fail(ErrorCode::format, path, ": 'data' is not an array of images of ", kCifarImageBytes, " bytes");
  }
  if (shape[0] != static_cast<std::int64_t>(labels.size()) || labels.empty()) {
    fail(ErrorCode::format, path, ": has ", shape[0], " images and ", labels.size(), " labels");
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    check_label(kind, labels[i], i, path);
    images.labels.push_back(labels[i]);
    images.pixels.push_back(reinterpret_cast<const std::uint8_t*>(data.text.data()) + i * kCifarImageBytes);
  }
  images.owners.push_back(document);
}

void read_cifar_binary(Cifar kind, const std::string& path, CifarImages& images) {
  const auto content = std::make_shared<const std::string>(read_file(path));
  // CIFAR-100 has the coarse label before the fine one.
  const std::size_t label_bytes = kind == Cifar::ten ? 1 : 2;
  const std::size_t record_bytes = label_bytes + kCifarImageBytes;
  if (content->empty() || content->size() % record_bytes != 0) {
    fail(ErrorCode::format, path, ": has ", content->size(), " bytes, which is not a number of records of ",
         record_bytes, " bytes; the file may be truncated");
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(content->data());
  for (std::size_t i = 0; i < content->size() / record_bytes; ++i) {
    const std::uint8_t* record = bytes + i * record_bytes;
    check_label(kind, record[label_bytes - 1], i, path);
    images.labels.push_back(record[label_bytes - 1]);
    images.pixels.push_back(record + label_bytes);
  }
  images.owners.push_back(content);
}

std::vector<std::string> read_cifar_python_names(Cifar kind, const std::string& path) {
  const PickleDocument document(read_file(path), path);
  const std::string_view key = kind == Cifar::ten ? "label_names" : "fine_label_names";
  std::vector<std::string> names = document.texts(member(document, key, path), key);
  check_names(kind, names, path);
  return names;
}

std::vector<std::string> read_cifar_binary_names(Cifar kind, const std::string& path) {
  std::istringstream lines(read_file(path));
  std::vector<std::string> names;
  for (std::string name; std::getline(lines, name);) {
    while (!name.empty() && (name.back() == '\r' || name.back() == ' ')) name.pop_back();
    if (!name.empty()) names.push_back(name);
  }
  check_names(kind, names, path);
  return names;
}

}  // namespace deepmoe
