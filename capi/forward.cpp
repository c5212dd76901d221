#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "arrays.hpp"
#include "deepmoe.h"
#include "dlpack.hpp"
#include "events.hpp"
#include "guard.hpp"
#include "objects.hpp"
#include "strings.hpp"
#include "training_objects.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

int32_t dmoe_model_forward(dmoe_model* model, const DLManagedTensor* images, dmoe_tensors** outputs,
                           dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& target = checked(model, "model");
    const SharedTensor input = view_tensor(images, "images");
    require(outputs, "outputs");
    const ExclusiveUse use(target.use);
    expect_images(input, target.model->architecture());
    *outputs = new dmoe_tensors(target.model->forward(input));
  });
}

int32_t dmoe_model_forward_f32(dmoe_model* model, const float* images, int64_t batch, int64_t height,
                               int64_t width, float* logits, int64_t capacity, int64_t* needed,
                               dmoe_error** error) {
  return guard(error, [&] {
    const dmoe_model& target = checked(model, "model");
    const SharedTensor input = image_array(images, batch, height, width);
    const ExclusiveUse use(target.use);
    expect_images(input, target.model->architecture());
    const int64_t elements = batch * target.model->architecture().num_classes();
    if (needed != nullptr) *needed = elements;
    if (logits == nullptr || capacity < elements) {
      fail(ErrorCode::invalid_argument, "there are ", elements, " logits; the buffer takes ",
           logits == nullptr ? 0 : capacity);
    }
    for (const SharedTensor& output : target.model->forward(input)) {
      if (output.name != "logits") continue;
      std::memcpy(logits, output.data, static_cast<std::size_t>(elements) * sizeof(float));
      return;
    }
    fail(ErrorCode::internal, "the network gave no logits");
  });
}

int32_t dmoe_model_evaluate(dmoe_model* model, const dmoe_dataset* dataset, const dmoe_options* options,
                            dmoe_event_callback callback, void* user_data, dmoe_string** json,
                            dmoe_error** error) {
  return guard(error, [&] {
    // Copies, since the callback may release every handle while the call goes on.
    const std::shared_ptr<Model> network = checked(model, "model").model;
    const std::shared_ptr<const Dataset> data = checked(dataset, "dataset").dataset;
    const Options wishes = options != nullptr ? checked(options, "options").options : network->options();
    require(json, "json");
    const ExclusiveUse use(model->use);
    *json = new_string(
        stoppable([&] { return evaluate(*network, data, wishes, event_receiver(callback, user_data)); }));
  });
}
