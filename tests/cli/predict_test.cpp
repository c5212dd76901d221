#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "deepmoe.hpp"
#include "process.hpp"
#include "small_run.hpp"

using namespace deepmoe::cli_test;
using nlohmann::json;

namespace {

constexpr std::size_t side = 16;
constexpr std::size_t plane = side * side;

/// Pixels of image `number`, interleaved RGB.
std::vector<std::uint8_t> pixels(std::size_t number) {
  std::vector<std::uint8_t> values(3 * plane);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint8_t>((i * (7 + number) + i / 48 * 31) % 256);
  }
  return values;
}

void write_png(const std::string& path, const std::vector<std::uint8_t>& values) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = side;
  image.format = PNG_FORMAT_RGB;
  REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, values.data(), 0, nullptr) != 0);
}

/// The same pixels as the network wants them; the synthetic images are normalised by mean 0.5 and deviation
/// 0.25.
std::vector<float> normalised(const std::vector<std::uint8_t>& values) {
  std::vector<float> planes(3 * plane);
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const std::size_t channel = i / plane, pixel = i % plane;
    planes[i] = (static_cast<float>(values[3 * pixel + channel]) / 255.0F - 0.5F) / 0.25F;
  }
  return planes;
}

void write_input(const std::string& path, std::size_t count) {
  std::vector<float> input;
  for (std::size_t number = 0; number < count; ++number) {
    const std::vector<float> image = normalised(pixels(number));
    input.insert(input.end(), image.begin(), image.end());
  }
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(count), 3, side, side};
  dmoe::Tensors tensors;
  tensors.add("input", input, shape);
  tensors.save(path);
}

void train(const TemporaryFolder& folder) {
  require_success(folder.path(), small_training({"--epochs", "1", "--out", "run"}));
}

}  // namespace

TEST_CASE("tensors and images give the same prediction") {
  const TemporaryFolder folder;
  train(folder);
  std::vector<std::string> images = {"predict", "--weights", "run/best.safetensors", "--top",
                                     "3",       "--json",    "--batch_size",         "2"};
  for (std::size_t number = 0; number < 3; ++number) {
    const std::string name = "image" + std::to_string(number) + ".png";
    write_png(folder / name, pixels(number));
    images.push_back(name);
  }
  write_input(folder / "x.safetensors", 3);
  require_success(folder.path(), {"predict", "--weights", "run/best.safetensors", "--tensors",
                                  "x.safetensors", "--output", "y.safetensors"});
  const std::vector<float> logits = dmoe::Tensors::load(folder / "y.safetensors").read("logits");
  const json predicted = json::parse(require_success(folder.path(), images)).at("images");
  REQUIRE(predicted.size() == 3);
  REQUIRE(logits.size() == 30);
  for (std::size_t image = 0; image < 3; ++image) {
    double sum = 0;
    for (std::size_t i = 0; i < 10; ++i) sum += std::exp(static_cast<double>(logits[10 * image + i]));
    const json& best = predicted[image].at("predictions").at(0);
    const auto label = best.at("class").get<std::size_t>();
    CHECK(predicted[image].at("image") == "image" + std::to_string(image) + ".png");
    CHECK(predicted[image].at("predictions").size() == 3);
    CHECK(std::max_element(&logits[10 * image], &logits[10 * image] + 10) == &logits[10 * image + label]);
    CHECK(best.at("probability").get<double>() ==
          doctest::Approx(std::exp(static_cast<double>(logits[10 * image + label])) / sum).epsilon(1e-4));
  }
}

TEST_CASE("many tensors are computed in batches and put together") {
  const TemporaryFolder folder;
  train(folder);
  write_input(folder / "x.safetensors", 5);
  const auto predict = [&](const std::string& batch_size, const std::string& output) {
    require_success(folder.path(), {"predict", "--weights", "run/best.safetensors", "--tensors",
                                    "x.safetensors", "--output", output, "--batch_size", batch_size});
    return dmoe::Tensors::load(folder / output);
  };
  const dmoe::Tensors whole = predict("64", "whole.safetensors"), parts = predict("2", "parts.safetensors");
  const std::vector<std::string> names = parts.names();
  REQUIRE(names == whole.names());
  for (const char* name : {"logits", "embedding", "embedding_logits"}) {
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
  CHECK(std::count_if(names.begin(), names.end(),
                      [](const std::string& name) { return name.rfind("gate.layer", 0) == 0; }) == 16);
  for (const std::string& name : names) {
    CAPTURE(name);
    REQUIRE(parts.shape(name) == whole.shape(name));
    CHECK(parts.shape(name).at(0) == 5);
    const std::vector<float> a = whole.read(name), b = parts.read(name);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(b[i] == doctest::Approx(a[i]).epsilon(1e-4));
  }
}

TEST_CASE("the engine predicts what the model predicts") {
  const TemporaryFolder folder;
  train(folder);
  write_input(folder / "x.safetensors", 5);
  const auto predict = [&](const std::string& output, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "predict", "--weights", "run/best.safetensors", "--tensors", "x.safetensors", "--output", output};
    arguments.insert(arguments.end(), more.begin(), more.end());
    require_success(folder.path(), arguments);
    return dmoe::Tensors::load(folder / output);
  };
  const dmoe::Tensors model = predict("model.safetensors", {});
  for (const char* threads : {"1", "2"}) {
    const dmoe::Tensors engine =
        predict("engine.safetensors", {"--engine", "--threads", threads, "--batch_size", "3"});
    REQUIRE(engine.names() == model.names());
    for (const std::string& name : model.names()) {
      CAPTURE(name);
      REQUIRE(engine.shape(name) == model.shape(name));
      const std::vector<float> expected = model.read(name), ours = engine.read(name);
      float largest = 0;
      for (const float value : expected) largest = std::max(largest, std::abs(value));
      for (std::size_t i = 0; i < ours.size(); ++i) CHECK(std::abs(ours[i] - expected[i]) <= 1e-4F * largest);
    }
  }

  write_png(folder / "image.png", pixels(0));
  const std::vector<std::string> image = {"predict", "--weights", "run/best.safetensors", "image.png",
                                          "--json"};
  std::vector<std::string> by_engine = image;
  by_engine.push_back("--engine");
  const json expected =
      json::parse(require_success(folder.path(), image)).at("images").at(0).at("predictions");
  const json ours =
      json::parse(require_success(folder.path(), by_engine)).at("images").at(0).at("predictions");
  REQUIRE(ours.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(ours[i].at("class") == expected[i].at("class"));
    CHECK(ours[i].at("probability").get<double>() ==
          doctest::Approx(expected[i].at("probability").get<double>()).epsilon(1e-4));
  }
}

TEST_CASE("a bare file of weights is completed by flags and by the size of the images") {
  const TemporaryFolder folder;
  train(folder);
  // The same tensors without a description of their network.
  dmoe::Tensors bare;
  const dmoe::Tensors described = dmoe::Tensors::load(folder / "run/best.safetensors");
  for (const std::string& name : described.names()) {
    if (name.find("num_batches_tracked") != std::string::npos) continue;
    bare.add(name, described.read(name), described.shape(name));
  }
  bare.save(folder / "bare.safetensors");
  write_input(folder / "x.safetensors", 2);
  const auto predict = [&](const std::string& weights, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"predict",       "--weights", weights,        "--tensors",
                                          "x.safetensors", "--output",  "y.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    require_success(folder.path(), arguments);
    return dmoe::Tensors::load(folder / "y.safetensors").read("logits");
  };
  const std::vector<float> expected = predict("run/best.safetensors", {});
  CHECK(predict("bare.safetensors",
                {"--model", "resnet18_moe", "--width", "0.125", "--embedding_influence", "0.1"}) == expected);
  require_refusal(run(folder.path(), {"predict", "--weights", "bare.safetensors", "--tensors",
                                      "x.safetensors", "--output", "z.safetensors"}),
                  1, "model");
}

TEST_CASE("predictions for people name classes with percentages") {
  const TemporaryFolder folder;
  train(folder);
  write_png(folder / "image.png", pixels(0));
  const std::string text = require_success(folder.path(), {"predict", "image.png", "--top", "2"},
                                           {{"DEEPMOE_WEIGHTS", "run/best.safetensors"}});
  CHECK(text.rfind("image.png\n", 0) == 0);
  CHECK(std::count(text.begin(), text.end(), '%') == 2);
}

TEST_CASE("what cannot be predicted is refused") {
  const TemporaryFolder folder;
  train(folder);
  const std::vector<std::string> start = {"predict", "--weights", "run/best.safetensors"};
  const auto refuse = [&](const std::vector<std::string>& more, int status, const std::string& text) {
    std::vector<std::string> arguments = start;
    arguments.insert(arguments.end(), more.begin(), more.end());
    require_refusal(run(folder.path(), arguments), status, text);
  };
  require_refusal(run(folder.path(), {"predict", "image.png"}), 2, "--weights is missing");
  refuse({}, 2, "image files or --tensors");
  refuse({"--tensors", "x.safetensors"}, 2, "--output");
  refuse({"absent.png"}, 1, "absent.png");
  write_file(folder / "torn.png", "\x89PNG\r\n\x1a\n not an image");
  refuse({"torn.png"}, 1, "torn.png");
  write_file(folder / "torn.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10));
  refuse({"--tensors", "torn.safetensors", "--output", "y.safetensors"}, 1, "torn.safetensors");
  require_refusal(run(folder.path(), {"eval", "--weights", "torn.safetensors"}), 1, "torn.safetensors");
  const std::vector<float> values(12);
  dmoe::Tensors flat;
  flat.add("input", values, std::vector<std::int64_t>{4, 3});
  flat.save(folder / "flat.safetensors");
  refuse({"--tensors", "flat.safetensors", "--output", "y.safetensors"}, 1, "(4, 3)");
  dmoe::Tensors other;
  other.add("inputs", values, std::vector<std::int64_t>{4, 3});
  other.save(folder / "other.safetensors");
  refuse({"--tensors", "other.safetensors", "--output", "y.safetensors"}, 1, "input");
}
