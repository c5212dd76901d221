#include "model/host_state.hpp"

#include "model/libtorch_errors.hpp"
#include "model/tensor_bridge.hpp"

namespace deepmoe {

std::vector<SharedTensor> host_state(const Model& model) {
  return with_libtorch_errors([&] {
    std::vector<SharedTensor> state;
    for (const SharedTensor& entry : model.state()) {
      state.push_back(to_shared(entry.name, to_torch(entry).cpu().contiguous()));
    }
    return state;
  });
}

}  // namespace deepmoe
