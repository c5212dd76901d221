#include "model/pytorch_checkpoint.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "model/model.hpp"
#include "model/tensor_bridge.hpp"
#include "model/torch_archive.hpp"
#include "model/torch_pickle.hpp"
#include "model/weights.hpp"

namespace deepmoe {
namespace {

using Kind = TorchNode::Kind;

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
    case Kind::real:
      return "a number";
    case Kind::text:
      return "a text";
    case Kind::sequence:
      return "a list";
    case Kind::dictionary:
      return "a dictionary";
    case Kind::tensor:
      return "a tensor";
    default:
      return "a class";
  }
}

/// The dictionary of tensors in a checkpoint.
const TorchNode& state_of(const TorchDocument& document, const std::string& path) {
  const TorchNode& root = document.root();
  if (root.kind != Kind::dictionary) {
    fail(ErrorCode::format, path, ": holds ", kind_name(root.kind),
         ", not a dictionary of tensors; in Python: torch.save(model.state_dict(), ...)");
  }
  for (const std::string_view key : {"state_dict", "model_state_dict", "model"}) {
    const TorchNode* const inner = document.find(root, key);
    if (inner != nullptr && inner->kind == Kind::dictionary) return *inner;
  }
  return root;
}

/// The elements of one tensor in a storage, if they are inside it.
class TensorReader {
 public:
  TensorReader(TorchArchive& archive, const TorchDocument& document, const std::string& path)
      : archive_(archive), document_(document), path_(path) {}

  at::Tensor read(const std::string& name, const TorchNode& node) {
    const TorchNode& storage = document_.node(node.items[0]);
    const std::vector<std::int64_t> shape = integers(node.items[1]), strides = integers(node.items[2]);
    if (!fits(shape, strides, node.integer, storage.integer)) {
      fail(ErrorCode::format, path_, ": damaged: entry '", name, "' has elements outside its storage '",
           storage.text, "' of ", storage.integer);
    }
    const at::Tensor whole = storage_of(storage);
    return whole.as_strided(shape, strides, node.integer).contiguous();
  }

 private:
  std::vector<std::int64_t> integers(TorchId id) const {
    std::vector<std::int64_t> values;
    for (const TorchId item : document_.node(id).items) values.push_back(document_.node(item).integer);
    return values;
  }

  /// Also refuses a tensor with more elements than its storage: a view that repeats elements could be
  /// arbitrarily large in memory.
  static bool fits(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
                   std::int64_t offset, std::int64_t available) {
    if (shape.size() != strides.size() || shape.size() > 64 || offset < 0 || offset > available) return false;
    std::int64_t last = offset, count = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      std::int64_t reach = 0;
      if (shape[i] < 0 || strides[i] < 0 || __builtin_mul_overflow(count, shape[i], &count)) return false;
      if (shape[i] == 0) continue;
      if (__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) ||
          __builtin_add_overflow(last, reach, &last))
        return false;
    }
    return count == 0 || (last < available && count <= available);
  }

  const at::Tensor& storage_of(const TorchNode& storage) {
    const auto found = storages_.find(storage.text);
    if (found == storages_.end()) {
      return storages_.emplace(storage.text, archive_.storage(storage.text, storage.type, storage.integer))
          .first->second;
    }
    if (found->second.scalar_type() != scalar_type(storage.type) ||
        found->second.numel() != storage.integer) {
      fail(ErrorCode::format, path_, ": damaged: storage '", storage.text, "' is described in two ways");
    }
    return found->second;
  }

  TorchArchive& archive_;
  const TorchDocument& document_;
  const std::string& path_;
  std::map<std::string_view, at::Tensor> storages_;
};

constexpr std::string_view data_parallel = "module.";

void strip_data_parallel(std::vector<SharedTensor>& tensors) {
  const bool all = std::all_of(tensors.begin(), tensors.end(), [](const SharedTensor& tensor) {
    return tensor.name.starts_with(data_parallel) && tensor.name.size() > data_parallel.size();
  });
  if (!all) return;
  for (SharedTensor& tensor : tensors) tensor.name.erase(0, data_parallel.size());
}

std::vector<SharedTensor> read_tensors(const std::string& path) {
  const std::unique_ptr<TorchArchive> archive = TorchArchive::open(path);
  const TorchDocument document(archive->pickle(), path);
  const TorchNode& state = state_of(document, path);
  if (state.items.empty()) fail(ErrorCode::format, path, ": its dictionary of tensors is empty");
  TensorReader reader(*archive, document, path);
  // Tensors may share storages, but no checkpoint is many times its file.
  const std::uint64_t limit = 4 * std::uint64_t{std::filesystem::file_size(path)};
  std::uint64_t bytes = 0;
  std::map<std::string, std::size_t> positions;
  std::vector<SharedTensor> tensors;
  for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
    const TorchNode& key = document.node(state.items[i]);
    if (key.kind != Kind::text) {
      fail(ErrorCode::format, path, ": entry number ", i / 2, " of its dictionary has ", kind_name(key.kind),
           " for a name");
    }
    const std::string name(key.text);
    const TorchNode& value = document.node(state.items[i + 1]);
    if (value.kind != Kind::tensor) {
      fail(ErrorCode::format, path, ": entry '", name, "' is ", kind_name(value.kind),
           ", not a tensor; in Python, save the tensors alone: torch.save(model.state_dict(), ...)");
    }
    SharedTensor tensor = to_shared(name, reader.read(name, value));
    bytes += static_cast<std::uint64_t>(tensor.elements()) * size_of(tensor.type);
    if (bytes > limit) {
      fail(ErrorCode::format, path, ": its tensors are views of each other and would take ", bytes,
           " bytes and more, many times the file's size; save copies of them");
    }
    // As in Python, the last one of several counts.
    const auto [position, is_new] = positions.emplace(name, tensors.size());
    if (is_new) {
      tensors.push_back(std::move(tensor));
    } else {
      tensors[position->second] = std::move(tensor);
    }
  }
  strip_data_parallel(tensors);
  return tensors;
}

void write_bare(const std::string& output, const std::vector<SharedTensor>& tensors) {
  std::vector<TensorView> views;
  for (const SharedTensor& tensor : tensors) {
    const std::size_t bytes = static_cast<std::size_t>(tensor.elements()) * size_of(tensor.type);
    views.push_back({tensor.name, tensor.type, tensor.shape,
                     std::span(static_cast<const std::byte*>(tensor.data), bytes)});
  }
  write_safetensors(output, views, {});
}

}  // namespace

std::vector<SharedTensor> read_pytorch_checkpoint(const std::string& path) {
  return with_libtorch_errors([&] { return read_tensors(path); });
}

void convert_pytorch_checkpoint(const std::string& path, const std::string& output, const Options& given,
                                const std::optional<Normalization>& normalization) {
  const std::vector<SharedTensor> tensors = read_pytorch_checkpoint(path);
  if (!given.given("model")) {
    if (normalization) {
      fail(ErrorCode::invalid_argument,
           "mean and deviation are kept with a description of the network; name it ",
           "with the option model (e.g. resnet18)");
    }
    write_bare(output, tensors);
    return;
  }
  Options options = given;
  options.set("device", "cpu");
  options.set("weights", "");
  infer_from_weights(tensors, options);
  if (options.integer("num_classes") == 0) options.set("num_classes", "1000", OptionSource::file);
  if (options.integer("image_size") == 0) {
    options.set("image_size", options.text("variant") == "cifar" ? "32" : "224", OptionSource::file);
  }
  const std::shared_ptr<Model> model = Model::create(options);
  model->load_state(tensors, path);
  if (normalization) model->describe_data(*normalization, {});
  model->save(output);
}

}  // namespace deepmoe
