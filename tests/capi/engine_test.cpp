// Engines made from a file, with either library. That they equal the model is tested in
// engine_model_test.cpp.

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/weights_file.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

constexpr int64_t side = 16, plane = side * side, image_elements = 3 * plane, classes = 4;

std::vector<float> pictures(int64_t count) {
  std::vector<float> images(static_cast<std::size_t>(count * image_elements));
  for (std::size_t i = 0; i < images.size(); ++i) {
    images[i] = std::sin(static_cast<float>(i % 1013) * 0.37F + static_cast<float>(i / image_elements));
  }
  return images;
}

struct Weights {
  explicit Weights(const json& more = json::object(), bool described = true)
      : path(folder.file("w.safetensors")) {
    json values = {{"model", "resnet18_moe"}, {"width", 0.125},   {"embedding_dim", 16},
                   {"image_size", side},      {"num_classes", 4}, {"gate_bias", true}};
    values.update(more);
    write_weights(options_with(values.dump()), path, described);
  }
  Owned<dmoe_engine> engine(const char* settings = nullptr) const {
    Owned<dmoe_engine> engine;
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_engine_create(path.c_str(), settings, engine.out(), error); });
    return engine;
  }
  const TemporaryFolder folder;
  const std::string path;
};

void check_near(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  float largest = 0, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  CHECK(largest > 0);
  CHECK(difference <= 1e-4F * largest);
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "an engine outlives its file and runs batches of any size alike") {
  Owned<dmoe_engine> engine;
  {
    const Weights weights;
    engine = weights.engine();
  }
  const std::vector<float> images = pictures(37);
  std::vector<float> whole(37 * classes), single(classes);
  int64_t needed = 0, macs = 0, sum = 0;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_engine_run(engine, images.data(), 37, side, side, whole.data(), 37 * classes, &needed, &macs,
                           error);
  });
  CHECK(needed == 37 * classes);
  for (int64_t i = 0; i < 37; ++i) {
    int64_t part = 0;
    check_succeeds([&](dmoe_error** error) {
      return dmoe_engine_run(engine, images.data() + i * image_elements, 1, side, side, single.data(),
                             classes, nullptr, &part, error);
    });
    sum += part;
    check_near({whole.begin() + i * classes, whole.begin() + (i + 1) * classes}, single);
  }
  CHECK(macs == sum);
}

TEST_CASE_FIXTURE(NoLeaks, "skipping changes the work and not the results") {
  const Weights weights;
  const dmoe::Engine gated(weights.path), dense(weights.path, R"({"skip": false})");
  const std::vector<float> images = pictures(5);
  const auto a = gated.run_outputs(images, 5, side, side), b = dense.run_outputs(images, 5, side, side);
  check_near(b.logits, a.logits);
  check_near(b.embedding, a.embedding);
  check_near(b.embedding_logits, a.embedding_logits);
  check_near(b.gates, a.gates);
  CHECK(a.active_macs > 0);
  CHECK(a.active_macs < b.active_macs);
  CHECK(b.active_macs == 5 * json::parse(dense.describe()).at("dense_macs").get<int64_t>());
}

TEST_CASE_FIXTURE(NoLeaks, "given gates take the place of computed ones") {
  const Weights weights;
  const dmoe::Engine engine(weights.path);
  const std::vector<float> images = pictures(3);
  const auto own = engine.run_outputs(images, 3, side, side);
  const auto repeated = engine.run_outputs(images, 3, side, side, own.gates);
  CHECK(repeated.logits == own.logits);
  CHECK(repeated.active_macs == own.active_macs);
  const auto none = engine.run_outputs(images, 3, side, side, std::vector<float>(own.gates.size(), 0.0F));
  const auto all = engine.run_outputs(images, 3, side, side, std::vector<float>(own.gates.size(), 1.0F));
  CHECK(none.active_macs < own.active_macs);
  CHECK(own.active_macs < all.active_macs);
  CHECK(none.logits != own.logits);
  for (const float wrong : {-0.5F, std::nanf(""), HUGE_VALF}) {
    std::vector<float> gates = own.gates;
    gates[7] = wrong;
    try {
      engine.run_outputs(images, 3, side, side, gates);
      FAIL("nothing was thrown");
    } catch (const dmoe::Error& error) {
      CHECK(error.code() == DMOE_ERROR_INVALID_ARGUMENT);
      CHECK(std::string(error.what()).find("number 7 of given_gates") != std::string::npos);
    }
  }
  CHECK_THROWS_AS(engine.run_outputs(images, 3, side, side, std::vector<float>(5)), dmoe::Error);
}

TEST_CASE_FIXTURE(NoLeaks, "bytes in either layout are normalised as the file says") {
  const Weights weights;
  const dmoe::Engine engine(weights.path);
  constexpr float mean[] = {0.5F, 0.4F, 0.3F}, deviation[] = {0.25F, 0.2F, 0.5F};
  std::vector<std::uint8_t> planes(2 * image_elements), interleaved(planes.size());
  std::vector<float> images(planes.size());
  for (std::size_t i = 0; i < planes.size(); ++i) {
    const std::size_t image = i / image_elements, channel = i / plane % 3, pixel = i % plane;
    planes[i] = static_cast<std::uint8_t>(i * 73 % 256);
    interleaved[image * image_elements + 3 * pixel + channel] = planes[i];
    images[i] = (static_cast<float>(planes[i]) / 255 - mean[channel]) / deviation[channel];
  }
  int64_t macs = 0, macs_of_bytes = 0;
  const std::vector<float> expected = engine.run(images, 2, side, side, &macs);
  check_near(engine.run(planes, 2, side, side, DMOE_LAYOUT_NCHW, &macs_of_bytes), expected);
  check_near(engine.run(interleaved, 2, side, side, DMOE_LAYOUT_NHWC), expected);
  CHECK(macs == macs_of_bytes);
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "layout is 2", [&](dmoe_error** error) {
    float logits[2 * classes];
    return dmoe_engine_run_u8(engine.handle(), planes.data(), 2, side, side, 2, logits, 2 * classes, nullptr,
                              nullptr, error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "many threads run and describe one engine") {
  const Weights weights;
  for (const char* settings : {R"({"threads": 1})", R"({"threads": 2})"}) {
    const dmoe::Engine engine(weights.path, settings);
    const std::vector<float> images = pictures(9);
    const std::vector<float> expected = engine.run(images, 9, side, side);
    std::vector<int> wrong(8, 0);
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < wrong.size(); ++number) {
      threads.emplace_back([&, number] {
        for (int i = 0; i < 20; ++i) {
          // Some threads run the batch, others single images of it.
          const int64_t count = number % 2 == 0 ? 9 : 1, first = number % 2 == 0 ? 0 : i % 9;
          const std::vector<float> logits =
              engine.run(dmoe::Span<const float>(images.data() + first * image_elements,
                                                 static_cast<std::size_t>(count * image_elements)),
                         count, side, side);
          for (std::size_t k = 0; k < logits.size(); ++k) {
            const float right = expected[static_cast<std::size_t>(first * classes) + k];
            if (std::abs(logits[k] - right) > 1e-4F * (1 + std::abs(right))) ++wrong[number];
          }
          if (i == 10 && engine.describe().empty()) ++wrong[number];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(8, 0));
  }
}

TEST_CASE_FIXTURE(NoLeaks, "a wrong shape or too small a buffer is refused and nothing is written") {
  const Weights weights;
  const Owned<dmoe_engine> engine = weights.engine();
  const std::vector<float> images = pictures(2);
  std::vector<float> logits(2 * classes, -7.0F);
  int64_t needed = 0, macs = -7;
  const auto refuse = [&](int64_t batch, int64_t height, int64_t width, float* buffer, int64_t capacity,
                          const char* part) {
    needed = -7;
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, part, [&](dmoe_error** error) {
      return dmoe_engine_run(engine, images.data(), batch, height, width, buffer, capacity, &needed, &macs,
                             error);
    });
  };
  refuse(2, side, 8, logits.data(), 2 * classes, "16 x 8");
  refuse(2, 32, 32, logits.data(), 2 * classes, "image_size");
  refuse(0, side, side, logits.data(), 2 * classes, "batch is 0");
  refuse(-1, side, side, logits.data(), 2 * classes, "batch is -1");
  refuse(INT64_MAX, side, side, logits.data(), 2 * classes, "batch is 9223372036854775807");
  CHECK(needed == -7);
  refuse(2, side, side, logits.data(), 2 * classes - 1, "there are 8 logits");
  CHECK(needed == 2 * classes);
  refuse(2, side, side, nullptr, 2 * classes, "takes 0");
  CHECK(needed == 2 * classes);

  int64_t sizes[4] = {};
  std::vector<float> gates(100, -7.0F);
  const auto outputs = [&](float* some_logits, float* some_gates, int64_t capacity, dmoe_error** error) {
    return dmoe_engine_run_outputs(engine, images.data(), 2, side, side, nullptr, some_logits, 2 * classes,
                                   nullptr, 0, nullptr, 0, some_gates, capacity, sizes, &macs, error);
  };
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "gates takes 100 numbers",
              [&](dmoe_error** error) { return outputs(logits.data(), gates.data(), 100, error); });
  CHECK(sizes[0] == 2 * classes);
  CHECK(sizes[1] == 2 * 16);
  CHECK(sizes[2] == 2 * classes);
  CHECK(sizes[3] == 2 * 4 * (8 + 16 + 32 + 64));
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "all NULL",
              [&](dmoe_error** error) { return outputs(nullptr, nullptr, 0, error); });
  CHECK(logits == std::vector<float>(2 * classes, -7.0F));
  CHECK(gates == std::vector<float>(100, -7.0F));
  CHECK(macs == -7);
}

TEST_CASE_FIXTURE(NoLeaks, "a dense network has logits alone") {
  const Weights weights({{"model", "resnet18"}, {"gate_bias", false}});
  const dmoe::Engine engine(weights.path);
  const std::vector<float> images = pictures(2);
  const auto outputs = engine.run_outputs(images, 2, side, side);
  CHECK(outputs.logits == engine.run(images, 2, side, side));
  CHECK(outputs.embedding.empty());
  CHECK(outputs.embedding_logits.empty());
  CHECK(outputs.gates.empty());
  float untouched = -7;
  int64_t needed[4] = {};
  std::vector<float> logits(2 * classes);
  CHECK(dmoe_engine_run_outputs(engine.handle(), images.data(), 2, side, side, nullptr, logits.data(),
                                2 * classes, &untouched, 1, &untouched, 1, &untouched, 1, needed, nullptr,
                                nullptr) == DMOE_OK);
  CHECK(untouched == -7);
  CHECK(needed[3] == 0);
  CHECK(json::parse(engine.describe()).at("embedding_dim") == 0);
}

TEST_CASE_FIXTURE(NoLeaks, "an engine describes itself") {
  const Weights weights;
  const dmoe::Engine engine(weights.path, R"({"image_size": 20, "threads": 1, "profile": true})");
  json description = json::parse(engine.describe());
  CHECK(description.at("model") == "resnet18_moe");
  CHECK(description.at("image_size") == 20);
  CHECK(description.at("num_classes") == 4);
  CHECK(description.at("embedding_dim") == 16);
  CHECK(description.at("experts") == 480);
  CHECK(description.at("gates").size() == 16);
  CHECK(description.at("gates").at(0) == json{{"name", "layer1.0.gate1"}, {"experts", 8}});
  CHECK(description.at("class_names").at(3) == "ship");
  CHECK(description.at("normalization").at("mean").at(1).get<double>() == doctest::Approx(0.4));
  CHECK(description.at("precision") == "fp32");
  CHECK(description.at("skip") == true);
  CHECK(description.at("threads") == 1);
  CHECK_FALSE(description.contains("active_macs"));
  const int64_t dense_macs = description.at("dense_macs");
  CHECK(dense_macs > 0);
  engine.run(std::vector<float>(3 * 3 * 400), 3, 20, 20);
  description = json::parse(engine.describe());
  CHECK(description.at("images_run") == 3);
  CHECK(description.at("active_macs").get<double>() <= static_cast<double>(dense_macs));
  CHECK(description.at("steps").size() > 20);
}

TEST_CASE_FIXTURE(NoLeaks, "settings are checked") {
  const Weights weights;
  const auto refuse = [&](const char* settings, int32_t code, const char* part) {
    dmoe_engine* engine = nullptr;
    check_fails(code, part, [&](dmoe_error** error) {
      return dmoe_engine_create(weights.path.c_str(), settings, &engine, error);
    });
    CHECK(engine == nullptr);
  };
  refuse("{", DMOE_ERROR_FORMAT, "settings_json");
  refuse(R"({"thread": 1})", DMOE_ERROR_NOT_FOUND, "Did you mean 'threads'?");
  refuse(R"({"threads": -1})", DMOE_ERROR_INVALID_ARGUMENT, "threads");
  refuse(R"({"threads": 1.5})", DMOE_ERROR_INVALID_ARGUMENT, "whole number");
  refuse(R"({"threads": 18446744073709551615})", DMOE_ERROR_INVALID_ARGUMENT, "whole number");
  refuse(R"({"threads": 100000})", DMOE_ERROR_INVALID_ARGUMENT, "100000");
  refuse(R"({"image_size": -16})", DMOE_ERROR_INVALID_ARGUMENT, "image_size");
  refuse(R"({"skip": 1})", DMOE_ERROR_INVALID_ARGUMENT, "true or false");
  refuse(R"({"precision": "fp16"})", DMOE_ERROR_INVALID_ARGUMENT, "bf16");
  weights.engine(R"({"precision": "fp32", "image_size": 0, "threads": 0, "profile": false})");
}

TEST_CASE_FIXTURE(NoLeaks, "a file that no engine can be made of is refused by name") {
  const auto refuse = [](const std::string& path, int32_t code, const char* part) {
    check_fails(code, part, [&](dmoe_error** error) {
      dmoe_engine* engine = nullptr;
      return dmoe_engine_create(path.c_str(), nullptr, &engine, error);
    });
  };
  const TemporaryFolder folder;
  refuse(folder.file("absent.safetensors"), DMOE_ERROR_NOT_FOUND, "absent.safetensors");
  std::ofstream(folder.file("torn.safetensors")) << "no tensors";
  refuse(folder.file("torn.safetensors"), DMOE_ERROR_FORMAT, "torn.safetensors");
  const Weights bare(json::object(), false);
  refuse(bare.path, DMOE_ERROR_INVALID_ARGUMENT, "without a description");

  // A description of another network, a broken one, and one with broken normalisation.
  const Weights weights;
  dmoe::Tensors tensors;
  const dmoe::Tensors file = dmoe::Tensors::load(weights.path);
  for (const std::string& name : file.names()) {
    if (name != "fc.bias") tensors.add(name, file.read(name), file.shape(name));
  }
  const json metadata = json::parse(file.metadata());
  const std::string path = folder.file("x.safetensors");
  const auto save = [&](const char* key, const std::string& value) {
    json changed = metadata;
    changed[key] = value;
    tensors.save(path, changed.dump());
  };
  save("format", "deepmoe");
  refuse(path, DMOE_ERROR_FORMAT, "fc.bias");
  save("architecture", "{\"format\": 1");
  refuse(path, DMOE_ERROR_FORMAT, "architecture");
  save("architecture", "[]");
  refuse(path, DMOE_ERROR_FORMAT, "x.safetensors");
  save("normalization", R"({"mean": [0, 0], "deviation": [1, 1, 1]})");
  refuse(path, DMOE_ERROR_FORMAT, "three numbers");
  save("class_names", "[1, 2]");
  refuse(path, DMOE_ERROR_FORMAT, "class names");
}
