#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <protozero/pbf_message.hpp>

#include "training/event_file.hpp"
#include "training/event_format.hpp"

namespace deepmoe::test {

/// One record of an event file.
struct EventRecord {
  std::int64_t step = -1;
  double wall_time = 0.0;
  std::string file_version;
  bool session_start = false;
  std::map<std::string, float> scalars;
  std::map<std::string, NamedHistogram> histograms;
};

inline NamedHistogram read_histogram(protozero::pbf_message<tensorboard::Histogram> message) {
  NamedHistogram histogram;
  while (message.next()) {
    switch (message.tag()) {
      case tensorboard::Histogram::min:
        histogram.minimum = message.get_double();
        break;
      case tensorboard::Histogram::max:
        histogram.maximum = message.get_double();
        break;
      case tensorboard::Histogram::sum:
        histogram.sum = message.get_double();
        break;
      case tensorboard::Histogram::sum_squares:
        histogram.sum_of_squares = message.get_double();
        break;
      case tensorboard::Histogram::bucket_limit:
        for (const double limit : message.get_packed_double()) histogram.limits.push_back(limit);
        break;
      case tensorboard::Histogram::bucket:
        for (const double count : message.get_packed_double()) histogram.counts.push_back(count);
        break;
      default:
        message.skip();
    }
  }
  return histogram;
}

inline void read_value(protozero::pbf_message<tensorboard::Value> message, EventRecord& record) {
  std::string tag;
  while (message.next()) {
    switch (message.tag()) {
      case tensorboard::Value::tag:
        tag = message.get_string();
        break;
      case tensorboard::Value::simple_value:
        record.scalars[tag] = message.get_float();
        break;
      case tensorboard::Value::histo:
        record.histograms[tag] = read_histogram(message.get_message());
        break;
      default:
        message.skip();
    }
  }
}

inline EventRecord read_event(const std::string& bytes) {
  EventRecord record;
  protozero::pbf_message<tensorboard::Event> message(bytes);
  while (message.next()) {
    switch (message.tag()) {
      case tensorboard::Event::wall_time:
        record.wall_time = message.get_double();
        break;
      case tensorboard::Event::step:
        record.step = message.get_int64();
        break;
      case tensorboard::Event::file_version:
        record.file_version = message.get_string();
        break;
      case tensorboard::Event::session_log: {
        protozero::pbf_message<tensorboard::SessionLog> log(message.get_message());
        while (log.next()) record.session_start = log.get_enum() == tensorboard::session_start;
        break;
      }
      case tensorboard::Event::summary: {
        protozero::pbf_message<tensorboard::Summary> summary(message.get_message());
        while (summary.next()) read_value(summary.get_message(), record);
        break;
      }
      default:
        message.skip();
    }
  }
  return record;
}

/// The records of an event file; checksums are not looked at.
inline std::vector<EventRecord> read_event_file(const std::string& path) {
  const std::string bytes = read_file(path);
  std::vector<EventRecord> records;
  for (std::size_t position = 0; position < bytes.size();) {
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[position + i]);
    records.push_back(read_event(bytes.substr(position + 12, length)));
    position += length + 16;
  }
  return records;
}

}  // namespace deepmoe::test
