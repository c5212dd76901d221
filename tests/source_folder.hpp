#pragma once

#include <string>

/// The project's source folder, for tests that read files of it. A function rather than a definition on the command
/// line, so that the other files' compilations are the same in every clone and a compiler cache serves them.
std::string source_folder();
