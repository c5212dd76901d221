#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <string_view>

#include "storage/storage.hpp"

namespace deepmoe {

/// A file of torch.save: a pickle, and the bytes of the storages that it names. Either the zip archives of
/// PyTorch 1.6 and newer, or what older ones wrote (torchvision's older downloads). The file is hostile until
/// proved otherwise: no size in it is believed before it is compared with the file's.
class TorchArchive {
 public:
  /// Errors: not_found, io, and format naming the file and what it is instead.
  static std::unique_ptr<TorchArchive> open(const std::string& path);
  virtual ~TorchArchive() = default;

  /// The pickle of the saved object.
  virtual std::string_view pickle() const = 0;
  /// The storage called `key` as a vector of `elements`, which must be as many as it has. Errors: format.
  virtual at::Tensor storage(std::string_view key, DataType type, std::int64_t elements) = 0;
};

}  // namespace deepmoe
