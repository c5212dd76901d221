#include "export/export.hpp"

#include <doctest/doctest.h>

#include <protozero/pbf_message.hpp>

#include "architecture/build.hpp"
#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "export/network_weights.hpp"
#include "export/onnx_fields.hpp"
#include "export/onnx_file.hpp"

using namespace deepmoe;

namespace {

/// The contents of every field `wanted`, which is length-delimited.
template <class Field>
std::vector<std::string> contents(const std::string& bytes, Field wanted) {
  std::vector<std::string> found;
  protozero::pbf_message<Field> message{bytes};
  while (message.next()) {
    if (message.tag() == wanted) {
      found.push_back(message.get_string());
    } else {
      message.skip();
    }
  }
  return found;
}

std::string only(const std::vector<std::string>& values) {
  REQUIRE(values.size() == 1);
  return values.front();
}

}  // namespace

TEST_CASE("the file is a model with its operators and metadata and weights") {
  const TemporaryFolder folder;
  const Architecture network = small_network();
  const NetworkWeights weights(network);
  OnnxSettings settings;
  settings.metadata = {{"class_names", R"(["ant","bee"])"}, {"model", "small"}};
  write_onnx(folder.file("small.onnx"), network, weights.views, settings);
  const std::string model = read_file(folder.file("small.onnx"));
  CHECK(only(contents(model, onnx::Model::producer_name)) == "deepmoe");
  const std::vector<std::string> entries = contents(model, onnx::Model::metadata_props);
  REQUIRE(entries.size() == 2);
  CHECK(only(contents(entries[0], onnx::StringEntry::key)) == "class_names");
  CHECK(only(contents(entries[0], onnx::StringEntry::value)) == R"(["ant","bee"])");

  const std::string operators = only(contents(model, onnx::Model::opset_import));
  protozero::pbf_message<onnx::OperatorSet> message{operators};
  REQUIRE(message.next(onnx::OperatorSet::version));
  CHECK(message.get_int64() == 17);

  const std::string graph = only(contents(model, onnx::Model::graph));
  CHECK(only(contents(graph, onnx::Graph::name)) == "small");
  std::size_t matched = 0;
  for (const std::string& tensor : contents(graph, onnx::Graph::initializer)) {
    const std::string name = only(contents(tensor, onnx::Tensor::name));
    for (const TensorView& view : weights.views) {
      if (view.name != name) continue;
      ++matched;
      const std::string bytes = only(contents(tensor, onnx::Tensor::raw_data));
      CHECK(bytes == std::string(reinterpret_cast<const char*>(view.data.data()), view.data.size()));
    }
  }
  CHECK(matched == weights.views.size());
}

TEST_CASE("a file that cannot be written is an error and the old one stays") {
  const TemporaryFolder folder;
  const Architecture network = small_network();
  const NetworkWeights weights(network);
  require_error(ErrorCode::not_found, {"absent"},
                [&] { write_onnx(folder.file("absent/x.onnx"), network, weights.views, {}); });
  require_error(ErrorCode::io, {folder.path()},
                [&] { write_onnx(folder.path(), network, weights.views, {}); });
  require_error(ErrorCode::io, {"/dev/full"}, [&] { write_onnx("/dev/full", network, weights.views, {}); });
  write_file_atomically(folder.file("x.onnx"), "old");
  OnnxSettings settings;
  settings.image_size = -5;
  CHECK_THROWS_AS(write_onnx(folder.file("x.onnx"), network, weights.views, settings), Error);
  CHECK(read_file(folder.file("x.onnx")) == "old");
}

TEST_CASE("a model above two gigabytes is refused before anything is written") {
  const TemporaryFolder folder;
  OnnxGraph graph;
  std::byte first{};
  // Never read, so it need not be there.
  graph.constants.push_back({"huge",
                             OnnxType::f32,
                             {1 << 29},
                             std::span(static_cast<const std::byte*>(&first), std::size_t{1} << 31)});
  require_error(ErrorCode::unsupported, {"huge.onnx", "2147483647", "width"},
                [&] { write_onnx_file(folder.file("huge.onnx"), graph); });
  require_error(ErrorCode::not_found, {}, [&] { read_file(folder.file("huge.onnx")); });
}
