#include "training/event_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/small_disk.hpp"
#include "training/event_records.hpp"

using namespace deepmoe;

TEST_CASE("an event file says its version and then the values of each step") {
  const TemporaryFolder folder;
  EventFile file(folder.path(), 1);
  CHECK(std::filesystem::path(file.path()).filename().string().rfind("events.out.tfevents.", 0) == 0);
  file.add(1, {{"loss", 2.5}, {"lr", 0.1}}, {});
  file.add(2, {{"loss", 1.5}},
           {{.name = "gates",
             .minimum = 0.0,
             .maximum = 3.0,
             .sum = 5.0,
             .sum_of_squares = 11.0,
             .limits = {1.0, 4.0},
             .counts = {2.0, 1.0}}});
  const std::vector<test::EventRecord> records = test::read_event_file(file.path());
  REQUIRE(records.size() == 3);
  CHECK(records[0].file_version == "brain.Event:2");
  CHECK(records[0].wall_time > 1.6e9);
  CHECK(records[1].step == 1);
  CHECK(records[1].scalars == std::map<std::string, float>{{"loss", 2.5F}, {"lr", 0.1F}});
  CHECK(records[2].step == 2);
  CHECK(records[2].wall_time >= records[1].wall_time);
  const NamedHistogram& gates = records[2].histograms.at("gates");
  CHECK(gates.minimum == 0.0);
  CHECK(gates.maximum == 3.0);
  CHECK(gates.sum == 5.0);
  CHECK(gates.sum_of_squares == 11.0);
  CHECK(gates.limits == std::vector<double>{1.0, 4.0});
  CHECK(gates.counts == std::vector<double>{2.0, 1.0});
}

TEST_CASE("an event file that goes on after others says from where") {
  const TemporaryFolder folder;
  EventFile first(folder.path(), 1);
  EventFile second(folder.path(), 7);
  // Within the same second, too.
  CHECK(first.path() < second.path());
  CHECK(EventFile(folder.path(), 9).path() > second.path());
  const std::vector<test::EventRecord> records = test::read_event_file(second.path());
  REQUIRE(records.size() == 2);
  CHECK(records[0].file_version == "brain.Event:2");
  CHECK(records[1].session_start);
  CHECK(records[1].step == 7);
}

TEST_CASE("an event that does not fit on the disk leaves the others") {
  const TemporaryFolder folder;
  EventFile file(folder.path(), 1);
  file.add(1, {{"loss", 2.5}}, {});
  {
    const test::SmallDisk disk(200);
    require_error(ErrorCode::io, {file.path()}, [&] { file.add(2, {{std::string(300, 'x'), 1.0}}, {}); });
  }
  file.add(3, {{"loss", 0.5}}, {});
  const std::vector<test::EventRecord> records = test::read_event_file(file.path());
  REQUIRE(records.size() == 3);
  CHECK(records[2].step == 3);
}

TEST_CASE("a folder that does not exist is named") {
  require_error(ErrorCode::not_found, {"/nowhere/events"}, [] { EventFile("/nowhere", 1); });
}
