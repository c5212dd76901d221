#pragma once

/// A training that takes a second, for tests of what comes after it.

#include <string>
#include <vector>

#include "process.hpp"

namespace deepmoe::cli_test {

/// The flags of a small training on synthetic images, followed by `more`.
std::vector<std::string> small_training(const std::vector<std::string>& more = {});

/// `first`, then the flags of the images that small_training validates with, then `more`.
std::vector<std::string> on_small_images(std::vector<std::string> first,
                                         const std::vector<std::string>& more = {});

/// Requires that the command succeeds, and returns its output.
std::string require_success(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
                            const Environment& environment = {});

/// The rows of a metrics.csv without the columns that hold times.
std::vector<std::string> metrics_without_times(const std::filesystem::path& path);

}  // namespace deepmoe::cli_test
