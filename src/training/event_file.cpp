#include "training/event_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <protozero/pbf_builder.hpp>
#include <system_error>

#include "base/base.hpp"
#include "training/event_format.hpp"
#include "training/tfrecord.hpp"

namespace deepmoe {
namespace {

using protozero::pbf_builder;

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The second in which the newest event file of a folder says that it was made, or 0 without one.
long long newest_second(const std::string& folder) {
  long long newest = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(event_file_prefix)) continue;
    long long second = 0;
    std::from_chars(name.data() + event_file_prefix.size(), name.data() + name.size(), second);
    newest = std::max(newest, second);
  }
  return newest;
}

/// TensorBoard takes the files of a folder in the order of their names, so that the time stands first, and
/// numbers at full width; `second` is the time.
std::string new_file_name(long long second) {
  static std::atomic<unsigned> count{0};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {'h', 'o', 's', 't'};
  std::array<char, 32> time{}, number{};
  std::snprintf(time.data(), time.size(), "%010lld", second);
  std::snprintf(number.data(), number.size(), "%06u", count.fetch_add(1));
  return concat(event_file_prefix, time.data(), ".", host.data(), ".", ::getpid(), ".", number.data());
}

pbf_builder<tensorboard::Event> new_event(std::string& bytes, std::int64_t step) {
  pbf_builder<tensorboard::Event> event(bytes);
  event.add_double(tensorboard::Event::wall_time, seconds_since_1970());
  event.add_int64(tensorboard::Event::step, step);
  return event;
}

std::string version_record() {
  std::string version;
  new_event(version, 0).add_string(tensorboard::Event::file_version, "brain.Event:2");
  return tfrecord(version);
}

std::string restart_record(std::int64_t first_step) {
  std::string start;
  {
    pbf_builder<tensorboard::Event> event = new_event(start, first_step);
    pbf_builder<tensorboard::SessionLog>(event, tensorboard::Event::session_log)
        .add_enum(tensorboard::SessionLog::status, tensorboard::session_start);
  }
  return tfrecord(start);
}

/// A new file that comes after those in the folder.
AppendedFile start_file(const std::string& folder, std::int64_t first_step) {
  const long long newest = newest_second(folder), now = static_cast<long long>(seconds_since_1970());
  AppendedFile file(folder + "/" + new_file_name(std::max(now, newest + 1)));
  file.append(newest > 0 ? version_record() + restart_record(first_step) : version_record());
  return file;
}

void add_histogram(pbf_builder<tensorboard::Summary>& summary, const NamedHistogram& histogram) {
  pbf_builder<tensorboard::Value> value(summary, tensorboard::Summary::value);
  value.add_string(tensorboard::Value::tag, histogram.name);
  pbf_builder<tensorboard::Histogram> message(value, tensorboard::Value::histo);
  double count = 0.0;
  for (const double in_bucket : histogram.counts) count += in_bucket;
  message.add_double(tensorboard::Histogram::min, histogram.minimum);
  message.add_double(tensorboard::Histogram::max, histogram.maximum);
  message.add_double(tensorboard::Histogram::num, count);
  message.add_double(tensorboard::Histogram::sum, histogram.sum);
  message.add_double(tensorboard::Histogram::sum_squares, histogram.sum_of_squares);
  message.add_packed_double(tensorboard::Histogram::bucket_limit, histogram.limits.begin(),
                            histogram.limits.end());
  message.add_packed_double(tensorboard::Histogram::bucket, histogram.counts.begin(), histogram.counts.end());
}

}  // namespace

EventFile::EventFile(const std::string& folder, std::int64_t first_step)
    : file_(start_file(folder, first_step)) {}

void EventFile::add(std::int64_t step, const std::vector<NamedScalar>& scalars,
                    const std::vector<NamedHistogram>& histograms) {
  std::string bytes;
  {
    pbf_builder<tensorboard::Event> event = new_event(bytes, step);
    pbf_builder<tensorboard::Summary> summary(event, tensorboard::Event::summary);
    for (const auto& [name, number] : scalars) {
      pbf_builder<tensorboard::Value> value(summary, tensorboard::Summary::value);
      value.add_string(tensorboard::Value::tag, name);
      value.add_float(tensorboard::Value::simple_value, static_cast<float>(number));
    }
    for (const NamedHistogram& histogram : histograms) add_histogram(summary, histogram);
  }
  file_.append(tfrecord(bytes));
}

}  // namespace deepmoe
