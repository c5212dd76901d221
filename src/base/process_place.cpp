#include "base/process_place.hpp"

#include <array>
#include <charconv>
#include <cstdlib>

#include "base/error.hpp"

namespace deepmoe {
namespace {

constexpr std::int64_t usual_port = 29500, highest_port = 65535;

/// The names that a launcher gives; it has started this process if `size` is set.
struct Launcher {
  const char *rank, *size, *local_rank, *local_size;
};
constexpr std::array<Launcher, 4> launchers{{
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    // SLURM_NTASKS is set in batch scripts, too, which are one process.
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"},
}};

std::int64_t number(const char* name, const std::string& text, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < least || value > most) {
    fail(ErrorCode::invalid_argument, "the environment variable ", name, " is '", text, "', must be a number from ", least,
         " to ", most);
  }
  return value;
}

/// "node[07-09,11],other3" -> "node07".
std::string first_host(const std::string& list) {
  const std::size_t bracket = list.find('['), comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  const std::size_t begin = bracket + 1, end = list.find_first_of("-,]", begin);
  return list.substr(0, bracket) + list.substr(begin, end == std::string::npos ? end : end - begin);
}

std::string address_of_first(const Launcher& launcher, std::int64_t size, const Environment& environment) {
  if (const auto address = environment("MASTER_ADDR")) return *address;
  if (const auto hosts = environment("SLURM_STEP_NODELIST")) return first_host(*hosts);
  if (environment(launcher.local_size) == std::to_string(size)) return "127.0.0.1";
  fail(ErrorCode::invalid_argument, launcher.size, " says that there are ", size,
       " processes; set MASTER_ADDR to the address of the machine where process 0 runs");
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
}

ProcessPlace process_place(const Environment& environment) {
  constexpr std::int64_t most_processes = 1 << 20;
  for (const Launcher& launcher : launchers) {
    const auto size = environment(launcher.size);
    if (!size) continue;
    ProcessPlace place;
    place.size = number(launcher.size, *size, 1, most_processes);
    if (place.size == 1) return place;
    const auto rank = environment(launcher.rank), local_rank = environment(launcher.local_rank);
    if (!rank) {
      fail(ErrorCode::invalid_argument, launcher.size, " says that there are ", place.size, " processes; set ",
           launcher.rank, " to the number of this one, from 0");
    }
    place.rank = number(launcher.rank, *rank, 0, place.size - 1);
    if (local_rank) place.local_rank = number(launcher.local_rank, *local_rank, 0, place.size - 1);
    place.address = address_of_first(launcher, place.size, environment);
    const auto port = environment("MASTER_PORT");
    place.port = port ? number("MASTER_PORT", *port, 1, highest_port) : usual_port;
    return place;
  }
  return {};
}

}  // namespace deepmoe
