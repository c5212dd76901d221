#include "training/named_state.hpp"

#include <c10/core/GradMode.h>

#include <map>

#include "base/base.hpp"
#include "model/tensor_bridge.hpp"

namespace deepmoe {

void load_named(const std::vector<SharedTensor>& state, const std::vector<NamedTensor>& targets,
                const std::string& owner) {
  std::map<std::string, at::Tensor> given;
  for (const SharedTensor& tensor : state) {
    if (!given.emplace(tensor.name, to_torch(tensor)).second) {
      fail(ErrorCode::format, "the state of ", owner, " has '", tensor.name, "' twice");
    }
  }
  for (const NamedTensor& target : targets) {
    const auto found = given.find(target.name);
    if (found == given.end()) fail(ErrorCode::format, "the state of ", owner, " lacks '", target.name, "'");
    if (found->second.sizes() != target.tensor.sizes() ||
        found->second.scalar_type() != target.tensor.scalar_type()) {
      fail(ErrorCode::format, "'", target.name, "' in the state of ", owner, " has the type ",
           at::toString(found->second.scalar_type()), " and the shape ", concat(found->second.sizes()),
           ", but must have ", at::toString(target.tensor.scalar_type()), " and ",
           concat(target.tensor.sizes()));
    }
  }
  if (given.size() != targets.size()) {
    for (const NamedTensor& target : targets) given.erase(target.name);
    fail(ErrorCode::format, "the state of ", owner, " has '", given.begin()->first,
         "', which is unknown here");
  }
  const c10::NoGradGuard no_gradient;
  for (const NamedTensor& target : targets) target.tensor.detach().copy_(given.at(target.name));
}

}  // namespace deepmoe
