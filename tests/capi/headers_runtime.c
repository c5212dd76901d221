/* Compiled, not run: the runtime's header needs nothing of the other. */
#include "deepmoe_runtime.h"

#ifdef DEEPMOE_H
#error "deepmoe_runtime.h must not include deepmoe.h"
#endif

int32_t use_headers(dmoe_tensors** tensors, dmoe_error** error);
int32_t use_headers(dmoe_tensors** tensors, dmoe_error** error) {
  return dmoe_tensors_create(tensors, error);
}
