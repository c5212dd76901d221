#include "base/process_place.hpp"

#include <doctest/doctest.h>

#include <map>

#include "base/require_error.hpp"

using namespace deepmoe;

namespace {

ProcessPlace place_in(const std::map<std::string, std::string>& variables) {
  return process_place([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found != variables.end() ? std::optional(found->second) : std::nullopt;
  });
}

}  // namespace

TEST_CASE("a process without a launcher is alone") {
  const ProcessPlace place = place_in({{"RANK", "3"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}});
  CHECK(place.size == 1);
  CHECK(place.rank == 0);
  CHECK(place_in({{"WORLD_SIZE", "1"}}).size == 1);
}

TEST_CASE("the place that torchrun gives") {
  const ProcessPlace place = place_in({{"RANK", "3"},
                                       {"WORLD_SIZE", "4"},
                                       {"LOCAL_RANK", "1"},
                                       {"MASTER_ADDR", "node7"},
                                       {"MASTER_PORT", "1234"}});
  CHECK(place.rank == 3);
  CHECK(place.size == 4);
  CHECK(place.local_rank == 1);
  CHECK(place.address == "node7");
  CHECK(place.port == 1234);
}

TEST_CASE("the places that mpirun gives on one machine need no address") {
  const ProcessPlace open_mpi = place_in({{"OMPI_COMM_WORLD_RANK", "1"},
                                          {"OMPI_COMM_WORLD_SIZE", "2"},
                                          {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                          {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  CHECK(open_mpi.rank == 1);
  CHECK(open_mpi.address == "127.0.0.1");
  CHECK(open_mpi.port == 29500);
  const ProcessPlace mpich =
      place_in({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "2"}});
  CHECK(mpich.size == 2);
  CHECK(mpich.address == "127.0.0.1");
}

TEST_CASE("with srun the step's first machine has process 0") {
  const auto address = [](const std::string& hosts) {
    return place_in({{"SLURM_PROCID", "5"},
                     {"SLURM_STEP_NUM_TASKS", "8"},
                     {"SLURM_LOCALID", "1"},
                     {"SLURM_STEP_NODELIST", hosts}})
        .address;
  };
  CHECK(address("node[07-09,11],other3") == "node07");
  CHECK(address("a1,b[2-3]") == "a1");
  CHECK(address("c[5]") == "c5");
  CHECK(address("single") == "single");
}

TEST_CASE("variables that do not fit together are named") {
  require_error(ErrorCode::invalid_argument, {"WORLD_SIZE", "'two'", "number"}, [] { place_in({{"WORLD_SIZE", "two"}}); });
  require_error(ErrorCode::invalid_argument, {"WORLD_SIZE", "2 processes", "set RANK"},
                [] { place_in({{"WORLD_SIZE", "2"}, {"MASTER_ADDR", "x"}}); });
  require_error(ErrorCode::invalid_argument, {"RANK", "'2'", "0 to 1"},
                [] { place_in({{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "x"}}); });
  require_error(ErrorCode::invalid_argument, {"set MASTER_ADDR"},
                [] { place_in({{"WORLD_SIZE", "2"}, {"RANK", "1"}}); });
  require_error(ErrorCode::invalid_argument, {"MASTER_PORT", "'70000'"}, [] {
    place_in({{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_ADDR", "x"}, {"MASTER_PORT", "70000"}});
  });
}
