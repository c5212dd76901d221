#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "model/pytorch_checkpoint.hpp"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <cstring>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"
#include "source_folder.hpp"

using namespace deepmoe;

namespace {

/// A file that Python's torch.save wrote; see tests/data/pytorch/make.py.
std::string from_python(const std::string& name) { return source_folder() + "/tests/data/pytorch/" + name; }

at::Tensor named(const std::vector<SharedTensor>& tensors, const std::string& name) {
  for (const SharedTensor& tensor : tensors) {
    if (tensor.name == name) return to_torch(tensor);
  }
  FAIL("there is no tensor " << name);
  throw std::logic_error(name);
}

/// The state_dict that make.py gave to most of its files: entry number i holds 10 i, 10 i + 1, ...
void expect_counting_state(const std::vector<SharedTensor>& tensors) {
  const std::vector<std::pair<std::string, std::vector<std::int64_t>>> entries = {
      {"0.weight", {2, 3}},
      {"0.bias", {2}},
      {"1.weight", {2}},
      {"1.bias", {2}},
      {"1.running_mean", {2}},
      {"1.running_var", {2}},
      {"1.num_batches_tracked", {}}};
  REQUIRE(tensors.size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CAPTURE(entries[i].first);
    CHECK(tensors[i].name == entries[i].first);
    const bool counter = entries[i].second.empty();
    const at::Tensor values = to_torch(tensors[i]);
    CHECK((values.scalar_type() == (counter ? at::kLong : at::kFloat)));
    CHECK(values.equal((at::arange(values.numel()) + 10 * static_cast<std::int64_t>(i))
                           .reshape(entries[i].second)
                           .to(values.scalar_type())));
  }
}

/// Writes a file as torch.save does, with records of any content.
void write_archive(const std::string& path, const std::vector<std::pair<std::string, std::string>>& records) {
  caffe2::serialize::PyTorchStreamWriter writer(path);
  for (const auto& [name, content] : records) writer.writeRecord(name, content.data(), content.size());
  writer.writeEndOfFile();
}

void write_saved(const std::string& path, const c10::IValue& value) {
  const std::vector<char> bytes = torch::jit::pickle_save(value);
  write_file_atomically(path, std::string_view(bytes.data(), bytes.size()));
}

// Pieces of pickles.
const std::string start = "\x80\x02";
std::string text(const std::string& value) {
  return "X" + std::string(1, static_cast<char>(value.size())) + std::string(3, '\0') + value;
}
std::string integer(std::int64_t value) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &value, 8);
  return "\x8a\x08" + bytes;
}
std::string tuple(const std::vector<std::int64_t>& values) {
  std::string code = "(";
  for (const std::int64_t value : values) code += integer(value);
  return code + "t";
}
std::string tensor(const std::string& type, std::int64_t elements, std::int64_t offset,
                   const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + type + "\n" + text("0") +
         text("cpu") + integer(elements) + "tQ" + integer(offset) + tuple(shape) + tuple(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}
std::string entry_w(const std::string& value) { return start + "}" + text("w") + value + "s."; }

void refuse_pickle(const std::string& pickle, const std::vector<std::string>& parts) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.pth");
  write_archive(path, {{"data.pkl", pickle}, {"data/0", std::string(16, '\1')}});
  std::vector<std::string> expected = {path};
  expected.insert(expected.end(), parts.begin(), parts.end());
  require_error(ErrorCode::format, expected, [&] { read_pytorch_checkpoint(path); });
}

}  // namespace

TEST_CASE("what Python saves of a network is read") {
  for (const char* name : {"state_dict.pth", "legacy.pth", "protocol4.pth", "dictionary.pth",
                           "data_parallel.pth", "checkpoint.pth"}) {
    CAPTURE(name);
    expect_counting_state(read_pytorch_checkpoint(from_python(name)));
  }
}

TEST_CASE("types stay and views are written out") {
  const auto tensors = read_pytorch_checkpoint(from_python("types.pth"));
  const at::Tensor base = at::arange(24, at::kFloat).reshape({4, 6});
  CHECK(named(tensors, "transposed").equal(base.t()));
  CHECK(named(tensors, "slice").equal(base.slice(0, 1, 3).slice(1, 2, 5)));
  CHECK(named(tensors, "column").equal(base.select(1, 1)));
  CHECK(named(tensors, "scalar").item<std::int64_t>() == 7);
  CHECK(named(tensors, "empty").sizes() == at::IntArrayRef({0, 3}));
  CHECK(named(tensors, "parameter").equal(base[0]));
  CHECK(named(tensors, "flags").equal(base[0] > 2));
  for (const auto& [name, type] :
       std::vector<std::pair<std::string, at::ScalarType>>{{"half", at::kHalf},
                                                           {"bfloat16", at::kBFloat16},
                                                           {"double", at::kDouble},
                                                           {"byte", at::kByte},
                                                           {"short", at::kShort}}) {
    CAPTURE(name);
    CHECK((named(tensors, name).scalar_type() == type));
    CHECK(named(tensors, name).equal(base[0].to(type)));
  }
}

TEST_CASE("what LibTorch saves is read") {
  const TemporaryFolder folder;
  c10::Dict<std::string, at::Tensor> state;
  state.insert("module.a", at::arange(6, at::kFloat).reshape({2, 3}));
  state.insert("module.b", at::arange(4, at::kDouble));
  write_saved(folder.file("x.pth"), state);
  const auto tensors = read_pytorch_checkpoint(folder.file("x.pth"));
  CHECK(named(tensors, "a").equal(state.at("module.a")));
  CHECK(named(tensors, "b").equal(state.at("module.b")));
  // The prefix is taken off only where all names have it.
  state.insert("c", at::zeros({1}));
  write_saved(folder.file("y.pth"), state);
  CHECK(named(read_pytorch_checkpoint(folder.file("y.pth")), "module.a").numel() == 6);
}

TEST_CASE("whatever is not tensors is refused by name") {
  const auto refuse = [](const char* name, const std::vector<std::string>& parts) {
    require_error(ErrorCode::format, parts, [&] { read_pytorch_checkpoint(from_python(name)); });
  };
  refuse("namespace.pth", {"namespace.pth", "'argparse.Namespace'", "torch.save(model.state_dict()"});
  refuse("module.pth", {"module.pth", "torch.nn.modules", "never code"});
  refuse("list.pth", {"list.pth", "a list"});
  refuse("tensor.pth", {"tensor.pth", "a tensor"});
  refuse("note.pth", {"note.pth", "'note'", "a text"});
  refuse("sparse.pth", {"sparse.pth", "_rebuild_sparse_tensor"});
  refuse("complex.pth", {"complex.pth", "ComplexFloatStorage"});
  refuse("expanded.pth", {"expanded.pth", "'weight'"});
  refuse("empty.pth", {"empty.pth", "empty"});
  refuse_pickle(start + "cos\nsystem\n" + text("true") + "\x85R.", {"'os.system'", "never code"});
  refuse_pickle(start + "c__builtin__\neval\n)R.", {"__builtin__.eval"});
  refuse_pickle(start + "c\x1b[31m\nx\n.", {"'?[31m.x'"});
}

TEST_CASE("a file of another kind is refused in words") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.pth");
  require_error(ErrorCode::not_found, {path}, [&] { read_pytorch_checkpoint(path); });
  require_error(ErrorCode::io, {folder.path()}, [&] { read_pytorch_checkpoint(folder.path()); });
  const auto refuse = [&](const std::string& content, const std::string& part) {
    write_file_atomically(path, content);
    require_error(ErrorCode::format, {path, part}, [&] { read_pytorch_checkpoint(path); });
  };
  refuse("", "empty");
  refuse("hello", "not a file of torch.save");
  refuse("PK\x03\x04 and no more", "cut short");
  refuse("\x80\x04\x95", "a Python pickle of something else");
  write_safetensors(path, {}, {});
  refuse(read_file(path), "safetensors");
  write_archive(path, {{"constants.pkl", "x"}, {"data.pkl", "x"}});
  refuse(read_file(path), "TorchScript");
  write_archive(path, {{"other", "x"}});
  refuse(read_file(path), "data.pkl");
  write_archive(path, {{"data.pkl", entry_w("N")}, {"byteorder", "big"}});
  refuse(read_file(path), "byte order");
}

TEST_CASE("tensors that reach outside their storage are refused") {
  const TemporaryFolder folder;
  write_archive(folder.file("x.pth"), {{"data.pkl", entry_w(tensor("FloatStorage", 4, 0, {2, 2}, {2, 1}))},
                                       {"data/0", std::string(16, '\0')}});
  CHECK(named(read_pytorch_checkpoint(folder.file("x.pth")), "w").equal(at::zeros({2, 2})));
  const std::int64_t huge = std::int64_t{1} << 62;
  const auto refuse = [](std::int64_t elements, std::int64_t offset, const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& strides, const std::string& part) {
    refuse_pickle(entry_w(tensor("FloatStorage", elements, offset, shape, strides)), {"damaged", part});
  };
  refuse(4, 0, {5}, {1}, "'w'");
  refuse(4, 1, {4}, {1}, "'w'");
  refuse(4, -1, {1}, {1}, "'w'");
  refuse(4, 0, {2}, {-1}, "'w'");
  refuse(4, 0, {-2}, {1}, "'w'");
  refuse(4, 0, {2, 2}, {1}, "'w'");
  refuse(4, 0, {2}, {huge}, "'w'");
  refuse(4, 0, {huge, huge}, {0, 0}, "'w'");
  refuse(4, huge, {3}, {huge}, "'w'");
  refuse(4, 0, {8}, {0}, "'w'");
  // Storages that are not what the pickle says.
  refuse(5, 0, {5}, {1}, "16 bytes");
  refuse(huge, 0, {1}, {1}, "16 bytes");
  refuse(-1, 0, {}, {}, "storage");
}

TEST_CASE("damaged pickles are refused") {
  refuse_pickle("", {"cut short"});
  refuse_pickle(start, {"cut short"});
  refuse_pickle("\x80\x07.", {"protocol 7"});
  refuse_pickle(start + ".", {"missing"});
  refuse_pickle(start + "NN.", {"belong to nothing"});
  refuse_pickle(start + "(N.", {"belong to nothing"});
  refuse_pickle(start + "}u.", {"mark"});
  refuse_pickle(start + "}(Nu.", {"no value"});
  refuse_pickle(start + "N(NNu.", {"no container"});
  refuse_pickle(start + "NNs.", {"missing"});
  refuse_pickle(start + "N(\x85.", {"missing"});
  refuse_pickle(start + "h\x05.", {"value 5"});
  refuse_pickle(start + "X\xff\xff\xff\xff.", {"cut short"});
  refuse_pickle(start + "ctorch", {"no end"});
  refuse_pickle(start + "NQ.", {"storage"});
  refuse_pickle(start + "N)R.", {"only has data"});
  refuse_pickle(start + "NNR.", {"tuple"});
  refuse_pickle(start + "N)b.", {"attributes"});
  refuse_pickle(start + "i.", {"opcode 105"});
  refuse_pickle(start + "ctorch._utils\n_rebuild_tensor_v2\n)R.", {"tensor"});
  refuse_pickle(start + "}NNs.", {"entry number 0", "None"});
}

TEST_CASE("a file cut short anywhere is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.pth");
  for (const char* name : {"state_dict.pth", "legacy.pth"}) {
    const std::string whole = read_file(from_python(name));
    for (std::size_t size = 0; size < whole.size(); size += 7) {
      CAPTURE(name);
      CAPTURE(size);
      write_file_atomically(path, std::string_view(whole).substr(0, size));
      CHECK_THROWS_AS(read_pytorch_checkpoint(path), Error);
    }
  }
}

TEST_CASE("changed bytes never do worse than an error") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.pth");
  std::uint32_t random = 1;
  for (const char* name : {"state_dict.pth", "types.pth", "legacy.pth", "checkpoint.pth"}) {
    const std::string whole = read_file(from_python(name));
    for (int round = 0; round < 300; ++round) {
      std::string changed = whole;
      for (int i = 0; i < 3; ++i) {
        random = random * 1664525U + 1013904223U;
        changed[(random >> 8) % changed.size()] = static_cast<char>(random >> 3);
      }
      write_file_atomically(path, changed);
      try {
        read_pytorch_checkpoint(path);
      } catch (const Error&) {
      }
    }
  }
}

TEST_CASE("bare tensors keep their types and a named network is described") {
  const TemporaryFolder folder;
  const auto model = test::small_model({{"gate_position", "input"}, {"embedding_influence", "1"}});
  c10::Dict<std::string, at::Tensor> state;
  for (const SharedTensor& entry : model->state()) {
    const at::Tensor value = to_torch(entry);
    state.insert("module." + entry.name, value.is_floating_point() ? value.to(at::kDouble) : value);
  }
  const std::string path = folder.file("x.pth");
  write_saved(path, state);

  convert_pytorch_checkpoint(path, folder.file("bare.safetensors"), Options(), std::nullopt);
  const SafetensorsFile bare(folder.file("bare.safetensors"));
  CHECK(bare.metadata().empty());
  CHECK(bare.tensors().size() == state.size());
  REQUIRE(bare.find("conv1.weight") != nullptr);
  CHECK(bare.find("conv1.weight")->type == DataType::f64);

  Options options;
  for (const auto& [name, value] : {std::pair("model", "resnet18_moe"), std::pair("width", "0.125"),
                                    std::pair("gate_position", "input"), std::pair("image_size", "16")}) {
    options.set(name, value);
  }
  const std::string output = folder.file("whole.safetensors");
  convert_pytorch_checkpoint(path, output, options, Normalization{{0.5F, 0.4F, 0.3F}, {0.2F, 0.2F, 0.2F}});
  const auto loaded = Model::load(output, Options());
  CHECK(loaded->normalization().mean[0] == 0.5F);
  CHECK(loaded->architecture().num_classes() == 4);
  const SharedTensor images = to_shared("input", test::random_images(2));
  CHECK(named(loaded->forward(images), "logits").equal(named(model->forward(images), "logits")));

  // Another network than the file's.
  options.set("width", "0.25");
  require_error(ErrorCode::format, {path, "conv1.weight", "shape"},
                [&] { convert_pytorch_checkpoint(path, output, options, std::nullopt); });
  options.set("width", "0.125");
  options.set("model", "resnet18");
  require_error(ErrorCode::format, {path, "missing"},
                [&] { convert_pytorch_checkpoint(path, output, options, std::nullopt); });
  require_error(ErrorCode::invalid_argument, {"model"},
                [&] { convert_pytorch_checkpoint(path, output, Options(), Normalization{}); });
  require_error(ErrorCode::not_found, {"absent"}, [&] {
    convert_pytorch_checkpoint(path, folder.file("absent/x.safetensors"), Options(), std::nullopt);
  });
  CHECK(Model::load(output, Options())->architecture().num_classes() == 4);
}
