#pragma once

#include <optional>

namespace deepmoe::command {

/// How much more memory this process holds, at its peak, than when it began to be watched, as Linux counts
/// pages that are really there, without those of the program's and the libraries' files, which are read when
/// their code is first used (VmHWM less RssFile, against RssAnon before). Elsewhere nothing is known.
class MemoryWatch {
 public:
  MemoryWatch();

  /// In MB, of 10^6 bytes.
  std::optional<double> peak_megabytes() const;

 private:
  std::optional<double> before_;
};

}  // namespace deepmoe::command
