#pragma once

namespace deepmoe::command {

/// From now on memory that is freed stays with the process, for the next step of a training to use. The C
/// library would give what is large back to the system, which hands it out again page by page, each page
/// zeroed: that took a tenth of the time of a training. The peak is the same. Does nothing where the C
/// library is not GNU's.
void keep_freed_memory();

}  // namespace deepmoe::command
