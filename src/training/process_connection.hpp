#pragma once

#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

namespace deepmoe {

/// What a ProcessGroup holds of c10d.
struct Connection {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> nccl;  ///< null while CUDA's tensors go over Gloo
};

}  // namespace deepmoe
