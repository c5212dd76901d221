#pragma once

/// From the library's events to the host's callback, and from its answer to the call's status.

#include "deepmoe.h"
#include "guard.hpp"
#include "training/training.hpp"

namespace deepmoe::capi {

/// Empty for a callback that is NULL.
EventCallback event_receiver(dmoe_event_callback callback, void* user_data);

/// Runs `body`, whose Cancelled becomes a Stopped with the callback's answer.
template <class Body>
auto stoppable(Body&& body) {
  try {
    return body();
  } catch (const Cancelled& cancelled) {
    throw Stopped(cancelled.answer(), cancelled.what());
  }
}

}  // namespace deepmoe::capi
