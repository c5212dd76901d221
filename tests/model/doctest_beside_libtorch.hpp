#pragma once

// LibTorch's logging defines macros with the names of doctest's assertions. This header makes doctest's win, if it is the
// first that a test includes.

#include <ATen/ATen.h>
#include <c10/util/Logging.h>

#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_GE
#undef CHECK_GT

#include <doctest/doctest.h>
