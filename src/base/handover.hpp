#pragma once

// Not behind the door of this folder, since only the files that start threads through a library need it.

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace deepmoe {

/// Tells ThreadSanitizer that what was written before give() is read after take(): libraries that hand work to other
/// threads are not instrumented, so it sees none of their synchronisation. Does nothing in other builds. A task must
/// not have to read memory to find it: let it be a global variable.
class Handover {
 public:
#ifdef __SANITIZE_THREAD__
  void give() { __tsan_release(this); }
  void take() { __tsan_acquire(this); }
#else
  void give() {}
  void take() {}
#endif
};

}  // namespace deepmoe
