#pragma once

/// Field numbers of the messages of event.proto and summary.proto that are written: the format's own
/// definition, see https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto. Field
/// numbers never change there.

#include <protozero/types.hpp>
#include <string_view>

namespace deepmoe {

/// How the name of every event file begins; TensorBoard knows them by a part of it.
constexpr std::string_view event_file_prefix = "events.out.tfevents.";

namespace tensorboard {

enum class Event : protozero::pbf_tag_type {
  wall_time = 1,
  step = 2,
  file_version = 3,
  summary = 5,
  session_log = 7,
};
enum class SessionLog : protozero::pbf_tag_type { status = 1 };
enum SessionStatus { session_start = 1 };
enum class Summary : protozero::pbf_tag_type { value = 1 };
enum class Value : protozero::pbf_tag_type { tag = 1, simple_value = 2, histo = 5 };
enum class Histogram : protozero::pbf_tag_type {
  min = 1,
  max = 2,
  num = 3,
  sum = 4,
  sum_squares = 5,
  bucket_limit = 6,
  bucket = 7,
};

}  // namespace tensorboard
}  // namespace deepmoe
