#include "model/doctest_beside_libtorch.hpp"  // first: see there

#include "training/checkpoint.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "model/small_model.hpp"
#include "model/tensor_bridge.hpp"

using namespace deepmoe;
using nlohmann::json;

namespace {

/// A file with the metadata and no tensors.
std::string file_with(const TemporaryFolder& folder, const std::map<std::string, std::string>& metadata) {
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, {}, metadata);
  return path;
}

}  // namespace

TEST_CASE("sections come back with their values and tensors") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  const auto model = test::small_model();
  Checkpoint written;
  written.set("numbers", {{"count", 7}, {"rate", 0.1}, {"name", "seven"}},
              {to_shared("halves", at::tensor({0.5, 1.5}, at::kDouble)),
               to_shared("bytes", at::tensor({1, 2, 3}, at::kByte))});
  written.set("empty", json::object());
  written.write(path, *model);

  const Checkpoint read(path);
  CHECK(read.path() == path);
  CHECK(read.has("empty"));
  CHECK_FALSE(read.has("absent"));
  CHECK(read.integer("numbers", "count", 0, 7) == 7);
  CHECK(read.real("numbers", "rate") == 0.1);
  CHECK(read.text("numbers", "name") == "seven");
  CHECK(read.tensors("empty").empty());
  CHECK(read.tensors("numbers").size() == 2);
  CHECK(to_torch(read.tensor("numbers", "halves", DataType::f64, {2}))
            .equal(at::tensor({0.5, 1.5}, at::kDouble)));
  CHECK(read.architecture() == to_json(model->architecture()));
  CHECK(read.weights().size() == model->state().size());

  for (const auto& [member, reason] :
       std::vector<std::pair<std::string, std::string>>{{"rate", "must be a whole number from 0 to 6"},
                                                        {"count", "is 7"},
                                                        {"absent", "no member 'absent'"}}) {
    require_error(ErrorCode::format, {path, "numbers", member, reason},
                  [&, &name = member] { read.integer("numbers", name, 0, 6); });
  }
  require_error(ErrorCode::format, {path, "absent"}, [&] { read.values("absent"); });
  require_error(ErrorCode::format, {path, "not a number"}, [&] { read.real("numbers", "name"); });
  require_error(ErrorCode::format, {path, "not a text"}, [&] { read.text("numbers", "count"); });
  require_error(ErrorCode::format, {path, "no tensor 'thirds'"},
                [&] { read.tensor("numbers", "thirds", DataType::f64, {2}); });
  require_error(ErrorCode::format, {path, "halves", "type or shape"},
                [&] { read.tensor("numbers", "halves", DataType::f64, {3}); });
}

TEST_CASE("a checkpoint can be loaded as weights") {
  const TemporaryFolder folder;
  const auto model = test::small_model();
  Checkpoint checkpoint;
  checkpoint.set("other", json::object(), {to_shared("tensor", at::ones({3}))});
  checkpoint.write(folder.file("x.safetensors"), *model);
  const auto loaded = Model::load(folder.file("x.safetensors"), Options());
  CHECK(test::entry_of(*loaded, "fc.weight").equal(test::entry_of(*model, "fc.weight")));
}

TEST_CASE("files that are no checkpoint of this version are refused by name") {
  const TemporaryFolder folder;
  require_error(ErrorCode::not_found, {folder.file("absent")}, [&] { Checkpoint x(folder.file("absent")); });

  const std::string weights = folder.file("weights.safetensors");
  test::small_model()->save(weights);
  require_error(ErrorCode::format, {weights, "no state of a training", "option weights"},
                [&] { Checkpoint x(weights); });

  require_error(ErrorCode::unsupported, {"x.safetensors", "version 2", "up to 1"},
                [&] { Checkpoint x(file_with(folder, {{"training/version", "2"}})); });
  for (const char* version : {"0", "-1", "1.5", "\"1\""}) {
    require_error(ErrorCode::format, {"x.safetensors", "is no version"},
                  [&] { Checkpoint x(file_with(folder, {{"training/version", version}})); });
  }
  require_error(ErrorCode::format, {"x.safetensors", "not JSON"},
                [&] { Checkpoint x(file_with(folder, {{"training/version", "1"}, {"training/run", "{"}})); });
  const float number = 1.0F;
  write_safetensors(folder.file("stray.safetensors"),
                    {{"training/lost/x", DataType::f32, {1}, std::as_bytes(std::span(&number, 1))}},
                    {{"training/version", "1"}});
  require_error(ErrorCode::format, {"stray.safetensors", "training/lost/x", "in no section"},
                [&] { Checkpoint x(folder.file("stray.safetensors")); });
}

TEST_CASE("a checkpoint that was cut short is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  Checkpoint().write(path, *test::small_model());
  const auto whole = std::filesystem::file_size(path);
  for (const std::uintmax_t left : {whole - 1, whole / 2, std::uintmax_t(9), std::uintmax_t(0)}) {
    std::filesystem::resize_file(path, left);
    require_error(ErrorCode::format, {path}, [&] { Checkpoint x(path); });
  }
}
