// samples/cpp do what they say. DEEPMOE_SAMPLES is the folder of the programs.

#include <stdio.h>
#include <sys/wait.h>

#include <algorithm>

#include "base/temporary_folder.hpp"
#include "bindings/cpp/shared_cases.hpp"

using deepmoe::TemporaryFolder;
using deepmoe::binding_test::Cases;
using nlohmann::json;

namespace {

/// What a command prints; it must end with this status.
std::string run(const std::string& command, int status = 0) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int character = ::fgetc(pipe); character != EOF; character = ::fgetc(pipe)) {
    text += static_cast<char>(character);
  }
  const int ended = ::pclose(pipe);
  CAPTURE(text);
  REQUIRE(WIFEXITED(ended));
  REQUIRE(WEXITSTATUS(ended) == status);
  return text;
}

std::string sample(const std::string& name) { return "'" DEEPMOE_SAMPLES "/sample_cpp_" + name + "'"; }

}  // namespace

TEST_CASE("the sample trains on arrays and saves") {
  const TemporaryFolder folder;
  const std::string weights = folder.file("network.safetensors");
  const json figures = json::parse(run(sample("train") + " '" + weights + "'"));
  CHECK(figures.at("accuracy").get<double>() >= 0.85);
  CHECK(dmoe::Engine(weights).run(std::vector<float>(3 * 16 * 16), 1, 16, 16).size() == 4);
  std::ifstream source(source_folder() + "/samples/cpp/train.cpp");
  CHECK(std::count(std::istreambuf_iterator<char>(source), {}, '\n') < 40);
}

TEST_CASE("the sample classifies with the runtime library alone") {
  const Cases cases;
  const TemporaryFolder folder;
  const std::string image = folder.file("image.ppm"), arguments = " '" + cases.network + "' '" + image + "'";
  const std::string side = std::to_string(cases.side);
  std::ofstream(image, std::ios::binary)
      << "P6\n"
      << side << " " << side << "\n255\n"
      << std::string(cases.bytes.begin(), cases.bytes.begin() + 3 * cases.side * cases.side);
  const auto logits = cases.values.at("engine").at("bytes_nhwc").at("logits").get<std::vector<double>>();
  const auto best = std::max_element(logits.begin(), logits.begin() + cases.classes);
  const std::string text = run(sample("classify") + arguments);
  const std::string start = "class " + std::to_string(best - logits.begin()) + ": logit ";
  REQUIRE(text.rfind(start, 0) == 0);
  cases.check_close(std::vector<double>{std::stod(text.substr(start.size()))}, json::array({*best}));
  std::ofstream(image, std::ios::binary) << "P6\n" << side << " " << side << "\n255\n";
  CHECK(run(sample("classify") + arguments, 1).find("image.ppm ends too early") != std::string::npos);
#ifdef __GLIBC__
  const std::string needed = run("LD_TRACE_LOADED_OBJECTS=1 " + sample("classify"));
  CHECK(needed.find("libdeepmoe_runtime.so") != std::string::npos);
  CHECK(needed.find("libdeepmoe.so") == std::string::npos);
  CHECK(needed.find("torch") == std::string::npos);
#endif
}
