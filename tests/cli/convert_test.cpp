#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "deepmoe.hpp"
#include "process.hpp"
#include "small_run.hpp"
#include "source_folder.hpp"

using namespace deepmoe::cli_test;

namespace {

/// A file that Python's torch.save wrote; see tests/data/pytorch/make.py.
std::string saved(const std::string& name) { return source_folder() + "/tests/data/pytorch/" + name; }

}  // namespace

TEST_CASE("weights of PyTorch become safetensors") {
  const TemporaryFolder folder;
  CHECK(require_success(folder.path(), {"convert", saved("data_parallel.pth"), "x.safetensors"}).empty());
  const dmoe::Tensors tensors = dmoe::Tensors::load(folder / "x.safetensors");
  CHECK(tensors.read("0.weight") == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(tensors.shape("0.weight") == std::vector<std::int64_t>{2, 3});
}

TEST_CASE("what cannot be converted is refused and leaves the old file") {
  const TemporaryFolder folder;
  write_file(folder / "x.safetensors", "old");
  const auto refuse = [&](const std::vector<std::string>& more, int status, const std::string& text) {
    std::vector<std::string> arguments = {"convert"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    require_refusal(run(folder.path(), arguments), status, text);
  };
  refuse({}, 2, "two files");
  refuse({saved("state_dict.pth")}, 2, "two files");
  refuse({saved("state_dict.pth"), "x.safetensors", "--width", "0.5"}, 2, "--model");
  refuse({saved("state_dict.pth"), "x.safetensors", "--mean", "0.1,0.2,0.3"}, 2, "--model");
  refuse({saved("state_dict.pth"), "x.safetensors", "--model", "resnet19"}, 2, "Did you mean");
  refuse({"absent.pth", "x.safetensors"}, 1, "absent.pth");
  refuse({saved("namespace.pth"), "x.safetensors"}, 1, "argparse.Namespace");
  refuse({saved("state_dict.pth"), "x.safetensors", "--model", "resnet18"}, 1, "0.weight");
  refuse({saved("state_dict.pth"), "absent/x.safetensors"}, 1, "absent");
  CHECK(read_file(folder / "x.safetensors") == "old");
}
