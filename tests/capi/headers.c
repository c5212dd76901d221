/* Compiled, not run, by every standard that the headers promise: each header alone, twice, and in either
 * order. */
#include "deepmoe.h"
#include "deepmoe_runtime.h"

int32_t use_headers(dmoe_options** options, dmoe_error** error);
int32_t use_headers(dmoe_options** options, dmoe_error** error) {
  return dmoe_options_create(options, error);
}
