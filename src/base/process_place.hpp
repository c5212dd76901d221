#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace deepmoe {

/// Which of the processes of one distributed run this one is, and where process 0 is reached.
struct ProcessPlace {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  std::int64_t local_rank = 0;  ///< among the processes of this machine
  std::string address;          ///< of the machine of process 0; empty when alone
  std::int64_t port = 0;
};

/// The value of an environment variable, if it is set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

/// Reads what launchers tell their processes: torchrun (RANK, WORLD_SIZE, LOCAL_RANK), Open MPI's mpirun
/// (OMPI_COMM_WORLD_*), MPICH's (PMI_*, MPI_LOCALRANKID) or srun (SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID), in
/// this order. MASTER_ADDR and MASTER_PORT (29500 when not set) name where process 0 listens; without MASTER_ADDR that
/// is this machine if it has all the processes, and with srun the step's first one. Alone when no launcher is seen.
/// Errors: invalid_argument for numbers that are none or do not fit together, and for an address that is missing, naming
/// the variable.
ProcessPlace process_place(const Environment& environment);

}  // namespace deepmoe
