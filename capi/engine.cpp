#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine_file.hpp"
#include "engine_object.hpp"
#include "engine_settings.hpp"
#include "guard.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 58;

/// Refuses a batch that the engine does not take.
void check_batch(const Engine& engine, std::int64_t batch, std::int64_t height, std::int64_t width) {
  const std::int64_t side = engine.image_size();
  if (height != side || width != side) {
    fail(ErrorCode::invalid_argument, "images are ", height, " x ", width,
         ", but the engine is compiled for ", side, " x ", side,
         "; resize them, or create an engine with the setting image_size");
  }
  const std::int64_t elements = engine.architecture().image_channels * side * side;
  if (batch < 1 || batch > most_elements / elements) {
    fail(ErrorCode::invalid_argument, "batch is ", batch, ", must be at least 1",
         batch < 1 ? "" : " and small enough to be held in memory");
  }
}

void check_given_gates(const float* gates, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (!(gates[i] >= 0 && std::isfinite(gates[i]))) {
      fail(ErrorCode::invalid_argument, "number ", i, " of given_gates is ", gates[i],
           ", but gates are finite and not negative");
    }
  }
}

/// One of a caller's buffers.
struct Buffer {
  const char* name;
  float* data;
  std::int64_t capacity, needed;

  void check() const {
    if (data == nullptr || capacity >= needed) return;
    fail(ErrorCode::invalid_argument, name, " takes ", capacity, " numbers, but there are ", needed);
  }
  /// Where the engine writes; nothing is written to an empty buffer.
  float* target() const { return needed > 0 ? data : nullptr; }
};

/// dmoe_engine_run and dmoe_engine_run_u8: `images` gives normalised floats once everything else is checked.
template <class Images>
void run_logits(const Engine& engine, std::int64_t batch, float* logits, std::int64_t capacity,
                std::int64_t* needed, std::int64_t* active_macs, Images images) {
  const std::int64_t elements = batch * engine.architecture().num_classes();
  if (needed != nullptr) *needed = elements;
  if (logits == nullptr || capacity < elements) {
    fail(ErrorCode::invalid_argument, "there are ", elements, " logits; the buffer takes ",
         logits == nullptr ? 0 : capacity);
  }
  EngineRun run;
  run.images = images();
  run.batch_size = batch;
  run.logits = logits;
  engine.run(run);
  if (active_macs != nullptr) *active_macs = run.active_macs;
}

/// Bytes as floats (batch, 3, height, width), each channel less its mean, by its deviation.
std::vector<float> normalised(const std::uint8_t* images, std::int64_t batch, std::int64_t plane,
                              bool interleaved, const EngineData& data) {
  std::array<std::array<float, 256>, 3> values;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      values[channel][byte] =
          (static_cast<float>(byte) / 255.0F - data.mean[channel]) / data.deviation[channel];
    }
  }
  std::vector<float> floats(static_cast<std::size_t>(3 * batch * plane));
  float* out = floats.data();
  for (std::int64_t image = 0; image < batch; ++image, images += 3 * plane) {
    for (std::int64_t channel = 0; channel < 3; ++channel) {
      const std::array<float, 256>& table = values[static_cast<std::size_t>(channel)];
      const std::uint8_t* in = images + (interleaved ? channel : channel * plane);
      const std::int64_t stride = interleaved ? 3 : 1;
      for (std::int64_t i = 0; i < plane; ++i) *out++ = table[in[i * stride]];
    }
  }
  return floats;
}

}  // namespace

int32_t dmoe_engine_create(const char* path, const char* settings_json, dmoe_engine** engine,
                           dmoe_error** error) {
  return guard(error, [&] {
    require(path, "path");
    require(engine, "engine");
    const EngineSettings settings = engine_settings(settings_json);
    const SafetensorsFile file(path);
    EngineData data = data_of(file);
    *engine = new dmoe_engine(Engine(network_of(file), parameters_of(file), settings), std::move(data));
  });
}

void dmoe_engine_release(dmoe_engine* engine) { release(engine); }

int32_t dmoe_engine_run(const dmoe_engine* engine, const float* images, int64_t batch, int64_t height,
                        int64_t width, float* logits, int64_t capacity, int64_t* needed, int64_t* active_macs,
                        dmoe_error** error) {
  return guard(error, [&] {
    const Engine& compiled = checked(engine, "engine").engine;
    require(images, "images");
    check_batch(compiled, batch, height, width);
    run_logits(compiled, batch, logits, capacity, needed, active_macs, [&] { return images; });
  });
}

int32_t dmoe_engine_run_u8(const dmoe_engine* engine, const uint8_t* images, int64_t batch, int64_t height,
                           int64_t width, int32_t layout, float* logits, int64_t capacity, int64_t* needed,
                           int64_t* active_macs, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_engine& object = checked(engine, "engine");
    require(images, "images");
    check_batch(object.engine, batch, height, width);
    if (layout != DMOE_LAYOUT_NCHW && layout != DMOE_LAYOUT_NHWC) {
      fail(ErrorCode::invalid_argument, "layout is ", layout, ", must be DMOE_LAYOUT_NCHW (",
           DMOE_LAYOUT_NCHW, ") or DMOE_LAYOUT_NHWC (", DMOE_LAYOUT_NHWC, ")");
    }
    if (object.engine.architecture().image_channels != 3) {
      fail(ErrorCode::unsupported, "the network's images have ", object.engine.architecture().image_channels,
           " channels, but bytes are normalised for 3 alone; normalise them, and use dmoe_engine_run");
    }
    std::vector<float> floats;
    run_logits(object.engine, batch, logits, capacity, needed, active_macs, [&] {
      floats = normalised(images, batch, height * width, layout == DMOE_LAYOUT_NHWC, object.data);
      return floats.data();
    });
  });
}

int32_t dmoe_engine_run_outputs(const dmoe_engine* engine, const float* images, int64_t batch, int64_t height,
                                int64_t width, const float* given_gates, float* logits,
                                int64_t logits_capacity, float* embedding, int64_t embedding_capacity,
                                float* embedding_logits, int64_t embedding_logits_capacity, float* gates,
                                int64_t gates_capacity, int64_t* needed, int64_t* active_macs,
                                dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_engine& object = checked(engine, "engine");
    const Engine& compiled = object.engine;
    const Architecture& architecture = compiled.architecture();
    require(images, "images");
    check_batch(compiled, batch, height, width);
    const std::int64_t classes = architecture.num_classes();
    const std::array<Buffer, 4> buffers = {
        {{"logits", logits, logits_capacity, batch * classes},
         {"embedding", embedding, embedding_capacity, batch * object.embedding_dim},
         {"embedding_logits", embedding_logits, embedding_logits_capacity,
          architecture.gated() ? batch * classes : 0},
         {"gates", gates, gates_capacity, batch * compiled.experts()}}};
    if (needed != nullptr) {
      for (std::size_t i = 0; i < buffers.size(); ++i) needed[i] = buffers[i].needed;
    }
    if (std::all_of(buffers.begin(), buffers.end(), [](const Buffer& one) { return one.data == nullptr; })) {
      fail(ErrorCode::invalid_argument,
           "logits, embedding, embedding_logits and gates are all NULL; at least "
           "one must be there");
    }
    for (const Buffer& buffer : buffers) buffer.check();
    if (given_gates != nullptr) check_given_gates(given_gates, batch * compiled.experts());
    EngineRun run;
    run.images = images;
    run.batch_size = batch;
    run.given_gates = compiled.experts() > 0 ? given_gates : nullptr;
    run.logits = buffers[0].target();
    run.embedding = buffers[1].target();
    run.embedding_logits = buffers[2].target();
    run.gates = buffers[3].target();
    compiled.run(run);
    if (active_macs != nullptr) *active_macs = run.active_macs;
  });
}

int32_t dmoe_engine_describe(const dmoe_engine* engine, dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_engine& object = checked(engine, "engine");
    require(json, "json");
    const Architecture& architecture = object.engine.architecture();
    nlohmann::json gates = nlohmann::json::array();
    const std::vector<Shape> shapes = infer_shapes(architecture);
    for (const std::int32_t gate : architecture.gates()) {
      const auto node = static_cast<std::size_t>(gate);
      gates.push_back({{"name", architecture.nodes[node].name}, {"experts", shapes[node].channels}});
    }
    nlohmann::json description = object.engine.describe();
    description.update(
        {{"model", architecture.model},
         {"image_channels", architecture.image_channels},
         {"num_classes", architecture.num_classes()},
         {"embedding_dim", object.embedding_dim},
         {"experts", object.engine.experts()},
         {"gates", std::move(gates)},
         {"class_names", object.data.class_names},
         {"normalization", {{"mean", object.data.mean}, {"deviation", object.data.deviation}}}});
    *json = new_string(description);
  });
}
