#include "source_folder.hpp"

std::string source_folder() { return DEEPMOE_SOURCE_DIR; }
