#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <nlohmann/json.hpp>

#include "model/cuda_library.hpp"
#include "model/device.hpp"
#include "model/model.hpp"

namespace deepmoe {

nlohmann::json diagnose_libtorch() {
  const CudaStatus& cuda = cuda_status();
  return {{"version", DEEPMOE_LIBTORCH_VERSION},
          {"path", libtorch_folder()},
          {"threads", at::get_num_threads()},
          {"cpu_capability", at::get_cpu_capability()},
          {"onednn", at::globalContext().hasMKLDNN()},
          {"cuda",
           {{"usable", cuda.usable},
            {"devices", cuda.device_count},
            {"library", cuda.library},
            {"reason", cuda.reason},
            {"graphs_and_nccl", cuda_library().library != nullptr},
            {"graphs_and_nccl_reason", cuda_library().reason}}}};
}

}  // namespace deepmoe
