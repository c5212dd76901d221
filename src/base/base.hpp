#pragma once

/// The door of src/base: errors, log and text that every other folder uses.

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/process_place.hpp"
#include "base/suggestion.hpp"
