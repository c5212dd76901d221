#include "training/trainer_state.hpp"

#include <limits>
#include <unordered_map>

#include "base/base.hpp"
#include "model/libtorch_errors.hpp"
#include "model/tensor_bridge.hpp"
#include "model/weights.hpp"
#include "training/resumable_options.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() - 1;

/// The options by which two trainings are compared: what they leave open is what the network has.
Options comparable_options(const Trainer::Implementation& trainer) {
  Options options = trainer.options;
  options.set("num_classes", std::to_string(trainer.model->architecture().num_classes()));
  options.set("image_size", std::to_string(trainer.model->options().integer("image_size")));
  return options;
}

/// The network without what changes as training goes on.
json without_schedule(json architecture) {
  if (!architecture.is_object() || !architecture.contains("nodes")) return architecture;
  for (json& node : architecture["nodes"]) {
    if (!node.is_object()) continue;
    for (const char* name : {"active_limit", "influence"}) node.erase(name);
  }
  return architecture;
}

void expect_same_network(const Trainer::Implementation& trainer, const Checkpoint& checkpoint) {
  const Architecture& architecture = trainer.model->architecture();
  const json& other = checkpoint.architecture();
  if (without_schedule(other) == without_schedule(to_json(architecture))) return;
  const json name = other.is_object() ? other.value("model", json()) : json();
  if (!name.is_string()) checkpoint.refuse("it does not describe its network");
  if (name != architecture.model) {
    fail(ErrorCode::invalid_argument, "'", checkpoint.path(), "' is a checkpoint of the network '",
         name.get<std::string>(), "', but this one is '", architecture.model, "'");
  }
  fail(ErrorCode::invalid_argument, "'", checkpoint.path(),
       "' is a checkpoint of another form of the network '", architecture.model,
       "'; check the options that shape it (num_classes, image_size, width, wide, embedding_dim, "
       "gate_position)");
}

/// The entries of the network that learn, by name.
std::unordered_map<std::string, at::Tensor> trainable(const Network& network) {
  std::unordered_map<std::string, at::Tensor> parameters;
  for (const Network::Entry& entry : network.state()) {
    if (entry.specification.trainable) parameters.emplace(entry.specification.name, entry.tensor);
  }
  return parameters;
}

std::vector<SharedTensor> gradients_of(const Network& network) {
  std::vector<SharedTensor> gradients;
  for (const Network::Entry& entry : network.state()) {
    if (entry.tensor.grad().defined()) {
      gradients.push_back(to_shared(entry.specification.name, entry.tensor.grad().contiguous()));
    }
  }
  return gradients;
}

void expect_gradients(const Network& network, const Checkpoint& checkpoint) {
  const auto parameters = trainable(network);
  for (const SharedTensor& gradient : checkpoint.tensors("gradients")) {
    const auto found = parameters.find(gradient.name);
    if (found == parameters.end() || gradient.type != DataType::f32 ||
        found->second.sizes() != at::IntArrayRef(gradient.shape)) {
      checkpoint.refuse("the gradient '", gradient.name, "' fits no parameter of the network");
    }
  }
}

void load_gradients(const Network& network, const Checkpoint& checkpoint) {
  const auto parameters = trainable(network);
  for (const auto& [name, parameter] : parameters) parameter.mutable_grad().reset();
  for (const SharedTensor& gradient : checkpoint.tensors("gradients")) {
    const at::Tensor& parameter = parameters.at(gradient.name);
    parameter.mutable_grad() =
        to_torch(gradient).to(parameter.device(), /*non_blocking=*/false, /*copy=*/true);
  }
}

/// A generator of the network's kind in the checkpoint's state. A generator of a CPU is of no use on a GPU: a
/// training that has changed its device goes on with the numbers that the device gives.
at::Generator generator_of(Network& network, const Checkpoint& checkpoint) {
  at::Generator generator = network.generator().clone();
  if (checkpoint.text("generator", "device") != c10::DeviceTypeName(network.device().type(), true)) {
    return generator;
  }
  const std::vector<SharedTensor>& states = checkpoint.tensors("generator");
  if (states.size() != 1 || states[0].type != DataType::u8)
    checkpoint.refuse("it has no state of the generator");
  try {
    generator.set_state(to_torch(states[0]).clone());
  } catch (const c10::Error&) {
    checkpoint.refuse("the state of its generator is not one");
  }
  return generator;
}

std::vector<SharedTensor> copies(const std::vector<SharedTensor>& state) {
  std::vector<SharedTensor> copied;
  for (const SharedTensor& tensor : state) copied.push_back(to_shared(tensor.name, to_torch(tensor).clone()));
  return copied;
}

/// The parts that check their own state; when one refuses it, those before get back what they had.
void load_parts(Trainer::Implementation& trainer, const Checkpoint& checkpoint) {
  const std::vector<SharedTensor> control = copies(trainer.gate_control.state()),
                                  scale = copies(trainer.loss_scale.state()),
                                  average = copies(trainer.average.state());
  try {
    trainer.gate_control.load_state(checkpoint.tensors("gate_control"));
    trainer.loss_scale.load_state(checkpoint.tensors("loss_scale"));
    trainer.average.load_state(checkpoint.tensors("average"));
    trainer.optimizer->load_state(checkpoint.tensors("optimizer"));
  } catch (const Error& error) {
    trainer.gate_control.load_state(control);
    trainer.loss_scale.load_state(scale);
    trainer.average.load_state(average);
    fail(error.code(), "'", checkpoint.path(), "': ", error.what());
  }
}

}  // namespace

void save_trainer(const Trainer::Implementation& trainer, Checkpoint& checkpoint) {
  checkpoint.set("options", comparable_options(trainer).resolved());
  checkpoint.set("position", {{"step", trainer.global_step},
                              {"epoch", trainer.epoch},
                              {"step_in_epoch", trainer.step_in_epoch},
                              {"steps_per_epoch", trainer.steps_per_epoch},
                              {"accumulated", trainer.accumulated},
                              {"processes", trainer.processes->size()}});
  checkpoint.set("optimizer", {{"name", trainer.options.text("optimizer")}}, trainer.optimizer->state());
  checkpoint.set("average", json::object(), trainer.average.state());
  checkpoint.set("gate_control", json::object(), trainer.gate_control.state());
  checkpoint.set("gate_schedule", {{"influence_rises", trainer.gate_schedule.influence_rises() ? 1 : 0}});
  checkpoint.set("loss_scale", json::object(), trainer.loss_scale.state());
  checkpoint.set("gradients", json::object(),
                 trainer.accumulated > 0 ? gradients_of(trainer.network) : std::vector<SharedTensor>());
  checkpoint.set("statistics", {{"samples", trainer.statistics.samples()}},
                 {to_shared("sums", trainer.statistics.sums())});
  checkpoint.set("generator", {{"device", c10::DeviceTypeName(trainer.network.device().type(), true)}},
                 {to_shared("state", trainer.network.generator().get_state())});
}

void load_trainer(Trainer::Implementation& trainer, const Checkpoint& checkpoint) {
  // Whatever can be wrong is found before anything changes.
  expect_same_network(trainer, checkpoint);
  const std::int64_t epoch = checkpoint.integer("position", "epoch", -1, most);
  expect_same_training(checkpoint, comparable_options(trainer), epoch + 1);
  const std::int64_t global_step = checkpoint.integer("position", "step", 0, most);
  const std::int64_t steps_per_epoch =
      checkpoint.integer("position", "steps_per_epoch", epoch < 0 ? 0 : 1, most);
  const std::int64_t step_in_epoch = checkpoint.integer("position", "step_in_epoch", 0, most);
  const std::int64_t accumulated = checkpoint.integer("position", "accumulated", 0, trainer.accumulation - 1);
  const std::int64_t processes = checkpoint.integer("position", "processes", 1, most);
  if (processes != trainer.processes->size()) {
    fail(ErrorCode::invalid_argument, "the training in '", checkpoint.path(), "' is one of ", processes,
         " process(es), but there are ", trainer.processes->size(), "; start ", processes,
         " to go on with it, or a new training");
  }
  const bool influence_rises = checkpoint.has("gate_schedule")
                                   ? checkpoint.integer("gate_schedule", "influence_rises", 0, 1) == 1
                                   : trainer.gate_schedule.influence_rises();
  const std::int64_t samples = checkpoint.integer("statistics", "samples", 0, most);
  const SharedTensor& sums = checkpoint.tensor("statistics", "sums", DataType::f64, {3});
  expect_weights(trainer.network, checkpoint.weights(), checkpoint.path());
  expect_gradients(trainer.network, checkpoint);
  with_libtorch_errors([&] {
    const at::Generator generator = generator_of(trainer.network, checkpoint);
    load_parts(trainer, checkpoint);
    copy_into(trainer.network, checkpoint.weights(), checkpoint.path());
    trainer.network.generator().set_state(generator.get_state());
    if (epoch >= 0) {
      trainer.begin_epoch(epoch, steps_per_epoch);
    } else {
      trainer.leave_epochs();
    }
    load_gradients(trainer.network, checkpoint);
    trainer.statistics.restore(to_torch(sums), samples);
  });
  trainer.global_step = global_step;
  trainer.step_in_epoch = step_in_epoch;
  trainer.accumulated = accumulated;
  trainer.part_generators();
  trainer.gate_schedule.let_influence_rise(influence_rises);
  trainer.gate_schedule.apply(trainer.time());
}

}  // namespace deepmoe
