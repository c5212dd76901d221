// Compiled, not run, as C++17: the wrapper needs the C headers and the standard library alone.
#include "deepmoe.hpp"

#ifdef DLPACK_VERSION
#error "deepmoe.hpp must not need dlpack.h"
#endif

std::string use_wrapper();
std::string use_wrapper() { return dmoe::Options().to_json(); }
