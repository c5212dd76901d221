#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "bench_subject.hpp"

namespace deepmoe::command {

/// The layers that gates spare work of: {"name", "kernel", "input_gate", "output_gate", "dense_macs",
/// "weight_bytes", "dense_microseconds", "microseconds": {density: time}, "break_even_density"}. Times are of
/// one image, medians over the rounds. Empty where the engine does not tell the times of its steps.
nlohmann::ordered_json layer_rows(BenchSubject& subject, std::int64_t rounds);

}  // namespace deepmoe::command
