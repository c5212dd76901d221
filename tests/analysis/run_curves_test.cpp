#include "analysis/run_curves.hpp"

#include <doctest/doctest.h>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

TEST_CASE("a run's table is read and what is no number is not defined") {
  const TemporaryFolder folder;
  const std::string path = folder.file("metrics.csv");
  write_file_atomically(path, "epoch,val_acc,density\n1,0.5,\n2,nan,0.25\n3,0.7");
  const RunCurves run = read_run_curves(path);
  REQUIRE(run.rows.size() == 2);  // The third row is still being written.
  CHECK(*run.column("val_acc")[0] == 0.5);
  CHECK_FALSE(run.column("val_acc")[1]);
  CHECK_FALSE(run.column("density")[0]);
  CHECK(*run.column("density")[1] == 0.25);
  CHECK(run.column("lr").empty());
}

TEST_CASE("a run without a table has no curves and what is no table is refused by name") {
  const TemporaryFolder folder;
  CHECK(read_run_curves(folder.file("none.csv")).rows.empty());
  const std::string path = folder.file("metrics.csv");
  write_file_atomically(path, "");
  CHECK(read_run_curves(path).rows.empty());
  write_file_atomically(path, "a,b\n1,two\n");
  require_error(ErrorCode::format, {"metrics.csv", "'two'"}, [&] { read_run_curves(path); });
}
