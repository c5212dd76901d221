#include "model/fold.hpp"

#include "deepmoe.h"
#include "guard.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

int32_t dmoe_model_fold(const dmoe_model* model, dmoe_model** folded, dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& source = checked(model, "model");
    require(folded, "folded");
    const ExclusiveUse use(source.use);
    *folded = new dmoe_model(fold_model(*source.model));
  });
}
