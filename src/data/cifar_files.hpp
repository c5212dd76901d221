#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/cifar.hpp"

namespace deepmoe {

inline constexpr std::int64_t kCifarSide = 32;
inline constexpr std::size_t kCifarImageBytes = 3 * kCifarSide * kCifarSide;

/// Images of one or more files: each is 3 planes of 32 x 32 bytes in memory that `owners` keep.
struct CifarImages {
  std::vector<const std::uint8_t*> pixels;
  std::vector<std::int64_t> labels;
  std::vector<std::shared_ptr<const void>> owners;
};

constexpr std::int64_t cifar_classes(Cifar kind) { return kind == Cifar::ten ? 10 : 100; }

/// Appends the images of one file in torchvision's layout. Errors name `path`.
void read_cifar_python(Cifar kind, const std::string& path, CifarImages& images);

/// Appends the images of one file in the binary layout. Errors name `path`.
void read_cifar_binary(Cifar kind, const std::string& path, CifarImages& images);

/// The names of the classes from batches.meta or meta.
std::vector<std::string> read_cifar_python_names(Cifar kind, const std::string& path);

/// The names of the classes from a text file with one on each line.
std::vector<std::string> read_cifar_binary_names(Cifar kind, const std::string& path);

}  // namespace deepmoe
