// Nothing is left behind by deepmoe.hpp, whichever thread lets go of it, and nothing is copied.

#include <dlpack/dlpack.h>
#include <stdlib.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "base/temporary_folder.hpp"
#include "bindings/cpp/shared_cases.hpp"
#include "capi/host_tensor.hpp"

using deepmoe::TemporaryFolder;
using deepmoe::binding_test::Cases;
namespace capi_test = deepmoe::capi_test;

namespace {

/// 0 where the system does not tell.
std::int64_t resident_bytes() {
  std::int64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// A line of what record_addresses.c writes.
std::string line(const char* function, const void* images, const void* results) {
  std::ostringstream text;
  text << function << " " << reinterpret_cast<std::uintptr_t>(images) << " "
       << reinterpret_cast<std::uintptr_t>(results) << "\n";
  return text.str();
}

}  // namespace

TEST_CASE("a thousand lives leave nothing") {
  const Cases cases;
  const std::int64_t objects = dmoe::live_objects();
  const std::vector<float> images(cases.floats.begin(),
                                  cases.floats.begin() + 2 * 3 * cases.side * cases.side);
  const std::vector<std::int64_t> labels(cases.labels.begin(), cases.labels.begin() + 2);
  std::int64_t before = 0;
  {
    const dmoe::Options options = cases.training_options();
    for (int life = 0; life < 1000; ++life) {
      dmoe::Model model = dmoe::Model::load(cases.network, options);
      dmoe::Trainer trainer(model, options);
      trainer.step(images, labels, cases.side, cases.side);
      model.compile().run(images, 2, cases.side, cases.side);
      const auto owner = std::make_shared<std::vector<float>>(images);
      const dmoe::Dataset dataset =
          dmoe::Dataset::of(*owner, labels, cases.side, cases.side, cases.classes, owner);
      int events = 0;
      std::int32_t code = 0;
      try {
        trainer.fit(dataset, nullptr, [&](std::int32_t, const char*) { return ++events < 2 ? 0 : 99; });
      } catch (const dmoe::Error& error) {
        code = error.code();
      }
      REQUIRE(code == 99);
      if (life == 200) before = resident_bytes();
    }
  }
  CHECK(dmoe::live_objects() == objects);
  CHECK(resident_bytes() - before < 4 << 20);
}

TEST_CASE("other threads release and a callback that throws there leaves nothing") {
  const Cases cases;
  const std::int64_t objects = dmoe::live_objects();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [engine = dmoe::Engine(cases.network)]() mutable { const auto last = std::move(engine); });
  }
  dmoe::Model model = cases.model();
  dmoe::Trainer trainer(model, cases.training_options());
  threads.emplace_back([trainer = std::move(trainer), dataset = cases.dataset()]() mutable {
    CHECK_THROWS_AS(trainer.fit(dataset, nullptr,
                                [](std::int32_t, const char*) -> std::int32_t { throw std::bad_alloc(); }),
                    std::bad_alloc);
    const auto last = std::move(trainer);
  });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  CHECK(dmoe::live_objects() - objects == 1);  // the model
}

#ifndef __APPLE__  // record_addresses.c needs a loader that lets a program define what a library has.
TEST_CASE("nothing is copied") {
  const Cases cases;
  const TemporaryFolder folder;
  const auto [batch, side, classes] = std::tuple(cases.batch, cases.side, cases.classes);
  ::setenv("DEEPMOE_RECORD", folder.file("record").c_str(), 1);
  std::string expected;
  const dmoe::Engine engine(cases.network);
  std::vector<float> logits(static_cast<std::size_t>(batch * classes));
  engine.run_into(cases.floats, batch, side, side, logits);
  expected += line("dmoe_engine_run", cases.floats.data(), logits.data());
  engine.run_into(cases.bytes, batch, side, side, DMOE_LAYOUT_NHWC, logits);
  expected += line("dmoe_engine_run_u8", cases.bytes.data(), logits.data());
  const auto result = engine.run(cases.floats, batch, side, side);
  expected += line("dmoe_engine_run", cases.floats.data(), nullptr);  // Asks for the size.
  expected += line("dmoe_engine_run", cases.floats.data(), result.data());
  const auto outputs = engine.run_outputs(cases.floats, batch, side, side);
  expected += line("dmoe_engine_run_outputs", cases.floats.data(), nullptr);
  expected += line("dmoe_engine_run_outputs", cases.floats.data(), outputs.logits.data());

  dmoe::Model model = cases.model();
  dmoe::Trainer trainer(model, cases.training_options());
  trainer.step(cases.floats, cases.labels, side, side);
  expected += line("dmoe_trainer_step_f32", cases.floats.data(), cases.labels.data());
  std::vector<std::uint8_t> bytes = cases.bytes;
  std::vector<std::int64_t> labels = cases.labels;
  const capi_test::HostTensor pixels(bytes.data(), capi_test::u8_type, {batch, 3, side, side});
  const capi_test::HostTensor targets(labels.data(), capi_test::i64_type, {batch});
  trainer.step(&pixels.managed, &targets.managed);
  expected += line("dmoe_trainer_step", bytes.data(), labels.data());
  model.forward(&pixels.managed);
  expected += line("dmoe_model_forward", bytes.data(), nullptr);
  const auto of_model = model.forward(cases.floats, batch, side, side);
  expected += line("dmoe_model_forward_f32", cases.floats.data(), of_model.data());
  const dmoe::Dataset of_floats = cases.dataset();
  expected += line("dmoe_dataset_create_f32", cases.floats.data(), nullptr);
  const dmoe::Dataset of_bytes = dmoe::Dataset::of(bytes, labels, 3, side, side, DMOE_LAYOUT_NCHW, classes);
  expected += line("dmoe_dataset_create_u8", bytes.data(), nullptr);
  ::unsetenv("DEEPMOE_RECORD");

  std::ostringstream recorded;
  recorded << std::ifstream(folder.file("record")).rdbuf();
  CHECK(recorded.str() == expected);
}
#endif
