#pragma once

#include <string>

namespace deepmoe {

/// Removes what write_file_atomically left in a folder when its process was killed: temporary files of
/// processes that are gone. A folder that cannot be read is left alone.
void remove_abandoned_files(const std::string& folder);

}  // namespace deepmoe
