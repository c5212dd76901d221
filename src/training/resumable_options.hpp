#pragma once

#include <cstdint>
#include <string_view>

#include "options/options.hpp"
#include "training/checkpoint.hpp"

namespace deepmoe {

/// Whether a training may go on with another value of this option than it was begun with, because future
/// steps do not depend on it (where files are, what is recorded, how many workers there are), because the
/// network tells it (those that shape it), or because it is meant to be changed:
///  - device, threads, channels_last: the numbers then are as those of another machine, equal but for
///  rounding
///  - epochs: the schedule from there on is that of a run of so many epochs
///  - patience: holds from there on
bool may_differ(const OptionDeclaration& option);

/// Compares the options of a training that goes on with those in section "options" of its checkpoint, of
/// which `epochs_begun` epochs were begun. Errors (invalid_argument) name the option, both values and what to
/// do.
void expect_same_training(const Checkpoint& checkpoint, const Options& options, std::int64_t epochs_begun);

}  // namespace deepmoe
