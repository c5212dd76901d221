#include <memory>
#include <nlohmann/json.hpp>

#include "deepmoe.h"
#include "engine_object.hpp"
#include "events.hpp"
#include "guard.hpp"
#include "objects.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

int32_t dmoe_engine_evaluate(const dmoe_engine* engine, const dmoe_dataset* dataset,
                             const dmoe_options* options, dmoe_event_callback callback, void* user_data,
                             dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    const Engine& compiled = checked(engine, "engine").engine;
    // Copies, since the callback may release the handles while the call goes on.
    const std::shared_ptr<const Dataset> data = checked(dataset, "dataset").dataset;
    const Options wishes = options != nullptr ? checked(options, "options").options : Options();
    require(json, "json");
    *json = new_string(
        stoppable([&] { return evaluate(compiled, data, wishes, event_receiver(callback, user_data)); }));
  });
}
