#include "training/trainer.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "model/cuda_library.hpp"
#include "model/images.hpp"
#include "model/libtorch_errors.hpp"
#include "model/tensor_bridge.hpp"
#include "training/resumable_options.hpp"
#include "training/run_folder.hpp"
#include "training/trained_parameters.hpp"
#include "training/trainer_state.hpp"

namespace deepmoe {
namespace {

std::vector<at::Tensor> tensors_of(const std::vector<TrainedParameter>& parameters) {
  std::vector<at::Tensor> tensors;
  for (const TrainedParameter& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

LossWeights loss_weights_from(const Options& options) {
  return {options.real("lambda_val"),      options.real("mu"),
          options.real("label_smoothing"), gate_norm_from(options.text("gate_norm")),
          options.real("distill_weight"),  options.real("distill_temperature")};
}

/// All that steps, and their number, depend on must be the same in every process.
void expect_same_training_everywhere(ProcessGroup& processes, const Options& options,
                                     const Architecture& architecture) {
  nlohmann::json values = options.resolved();
  for (const OptionDeclaration& option : option_declarations()) {
    const bool ends_run = option.name == "epochs" || option.name == "patience";
    if (may_differ(option) && !ends_run) values.erase(std::string(option.name));
  }
  processes.expect_same(values.dump(), "options");
  processes.expect_same(to_json(architecture).dump(), "options of the network");
}

/// Labels (N) as int64 on the network's device, each within its classes.
at::Tensor prepare_labels(const SharedTensor& labels, std::int64_t count, std::int64_t num_classes,
                          const at::Device& device) {
  if (labels.shape != std::vector<std::int64_t>{count} || labels.type != DataType::i64) {
    fail(ErrorCode::invalid_argument, "labels must be int64 with one number for each of the ", count,
         " images");
  }
  if (labels.device == DeviceType::cpu) {
    const auto* values = static_cast<const std::int64_t*>(labels.data);
    for (std::int64_t i = 0; i < count; ++i) {
      if (values[i] < 0 || values[i] >= num_classes) {
        fail(ErrorCode::invalid_argument, "label ", values[i], " of image ", i, " is not within 0..",
             num_classes - 1, ", the classes of the model");
      }
    }
  }
  return to_torch(labels).to(device, /*non_blocking=*/true);
}

}  // namespace

Trainer::Implementation::Implementation(std::shared_ptr<Model> trained, const Options& given,
                                        std::shared_ptr<ProcessGroup> together)
    : model(std::move(trained)),
      options(given),
      processes(together ? std::move(together) : ProcessGroup::of_process(options)),
      network(model->network()),
      parameters(tensors_of(trained_parameters(network, options))),
      optimizer(make_optimizer(trained_parameters(network, options), options)),
      average(network, options.real("ema")),
      schedule(options),
      mixing(options, model->architecture().num_classes()),
      gate_control(model->architecture(), options, processes),
      gate_schedule(*model, options),
      distillation(*model, options),
      precision(precision_from(options, network.device())),
      loss_scale(precision, network.device()),
      loss_weights(loss_weights_from(options)),
      statistics(network.device()),
      reduction(processes),
      step_graph(make_step_graph(options, network, processes->alone(), optimizer->works_on_device())),
      accumulation(options.integer("gradient_accumulation")),
      gradient_clip(options.real("gradient_clip")) {
  const std::int64_t freeze = options.integer("freeze_epochs");
  const std::int64_t epochs = options.integer("epochs");
  if (freeze > epochs) {
    fail(ErrorCode::invalid_argument, "freeze_epochs ", freeze, " is more than epochs ", epochs,
         "; make it smaller, or 0 to keep the embedding network learning");
  }
  // The model may have had another trainer before.
  const bool synchronises = !processes->alone() && options.boolean("sync_batch_norm");
  network.synchronise_norms(synchronises ? [group = processes](const at::Tensor& sums) { group->sum(sums); }
                                         : SumOverProcesses());
  if (processes->alone()) return;
  if (network.device().is_cuda()) processes->use_nccl(network.device(), cuda_library());
  expect_same_training_everywhere(*processes, options, model->architecture());
  std::vector<at::Tensor> state;
  for (const Network::Entry& entry : network.state()) state.push_back(entry.tensor);
  processes->broadcast(state);
  part_generators();
}

void Trainer::Implementation::part_generators() {
  if (processes->rank() == 0) return;
  constexpr std::int64_t most_steps = std::int64_t{1} << 40;
  at::Generator& generator = network.generator();
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(
      static_cast<std::uint64_t>(options.integer("seed") + processes->rank() * most_steps + global_step));
}

void Trainer::Implementation::share_buffers() {
  if (processes->alone()) return;
  std::vector<at::Tensor> buffers;
  for (const Network::Entry& entry : network.state()) {
    if (!entry.specification.trainable) buffers.push_back(entry.tensor);
  }
  processes->broadcast(buffers);
}

void Trainer::Implementation::begin_epoch(std::int64_t next_epoch, std::int64_t steps) {
  if (next_epoch < 0 || steps < 1) {
    fail(ErrorCode::invalid_argument, "epoch ", next_epoch, " with ", steps,
         " steps is not possible: epochs count from 0, and each has a step or more");
  }
  epoch = next_epoch;
  steps_per_epoch = steps;
  step_in_epoch = 0;
  const bool frozen = epoch >= options.integer("epochs") - options.integer("freeze_epochs");
  network.freeze_embedding(frozen);
  // A frozen norm goes by its running statistics, which must not be another function in each process.
  share_buffers();
  loss_weights = loss_weights_from(options);
  if (frozen) loss_weights.mu = 0.0;
}

double Trainer::Implementation::lambda_val() const {
  return network.embedding_frozen() ? 0.0 : gate_control.lambda_val();
}

double Trainer::Implementation::time() const {
  constexpr double steps_outside_epochs = 2000.0;
  if (epoch < 0) return static_cast<double>(global_step) / steps_outside_epochs;
  const double done =
      static_cast<double>(epoch) + static_cast<double>(step_in_epoch) / static_cast<double>(steps_per_epoch);
  const std::int64_t epochs = options.integer("epochs") - options.integer("freeze_epochs");
  return done / static_cast<double>(std::max<std::int64_t>(1, epochs));
}

void Trainer::Implementation::leave_epochs() {
  epoch = -1;
  steps_per_epoch = step_in_epoch = 0;
  network.freeze_embedding(false);
  loss_weights = loss_weights_from(options);
}

double Trainer::Implementation::learning_rate() const {
  return epoch < 0 ? schedule.base_learning_rate()
                   : schedule.learning_rate(epoch, step_in_epoch, steps_per_epoch);
}

double Trainer::Implementation::step(const at::Tensor& images, const at::Tensor& labels, bool read_loss) {
  const c10::AutoGradMode gradients(true);
  const MixedBatch batch = mixing.mix(images, labels, global_step);
  gate_schedule.apply(time());
  const double value = step_graph ? graphed_step(batch, read_loss) : plain_step(batch, read_loss);
  ++global_step;
  ++step_in_epoch;
  gate_schedule.apply(time());
  return value;
}

double Trainer::Implementation::plain_step(const MixedBatch& batch, bool read_loss) {
  at::Tensor teacher_logits;
  const Network::Outputs outputs = forward(batch.images, teacher_logits);
  if (!network.embedding_frozen()) gate_control.observe(outputs.gates, global_step, time());
  loss_weights.lambda_val = lambda_val();
  const Loss loss = compute_loss(outputs, batch.targets, loss_weights, teacher_logits);
  const double value = note_step({loss.total, outputs.logits, outputs.gates}, batch.labels, read_loss);
  const at::Tensor share = accumulation > 1 ? loss.total / static_cast<double>(accumulation) : loss.total;
  const at::Tensor scaled = loss_scale.scaled(share);
  const bool updates = ++accumulated == accumulation;
  if (updates) reduction.prepare(parameters, scaled);
  reduction.backward(scaled);
  if (updates) update();
  return value;
}

double Trainer::Implementation::graphed_step(const MixedBatch& batch, bool read_loss) {
  const StepOutputs outputs =
      step_graph->run(batch.images, batch.targets, learning_rate(), lambda_val(), device_settings(),
                      [this](const StepInputs& inputs) { return step_on_device(inputs); });
  average.update();
  if (!network.embedding_frozen()) gate_control.observe(outputs.gates, global_step, time());
  return note_step(outputs, batch.labels, read_loss);
}

StepOutputs Trainer::Implementation::step_on_device(const StepInputs& inputs) {
  drop_gradients();
  at::Tensor teacher_logits;
  const Network::Outputs outputs = forward(inputs.images, teacher_logits);
  LossWeights weights = loss_weights;
  weights.lambda_val = 0.0;
  weights.lambda_on_device = inputs.lambda_val;
  const Loss loss = compute_loss(outputs, inputs.targets, weights, teacher_logits);
  loss_scale.scaled(loss.total).backward();
  use_gradients(inputs.lr);
  StepOutputs result{loss.total.detach(), outputs.logits.detach(), {}};
  for (const at::Tensor& gates : outputs.gates) result.gates.push_back(gates.detach());
  return result;
}

std::string Trainer::Implementation::device_settings() const {
  const Architecture& architecture = model->architecture();
  std::string settings = concat(network.embedding_frozen(), ' ', loss_weights.mu);
  for (const std::int32_t node : architecture.gates()) {
    const Gate& gate = std::get<Gate>(architecture.nodes[static_cast<std::size_t>(node)].operation);
    settings += concat(' ', gate.active_limit, ' ', gate.influence);
  }
  return settings;
}

Network::Outputs Trainer::Implementation::forward(const at::Tensor& images, at::Tensor& teacher_logits) {
  const Autocast autocast(precision, network.device());
  teacher_logits = distillation.teacher_logits(images);
  return network.forward(images, true);
}

double Trainer::Implementation::note_step(const StepOutputs& outputs, const at::Tensor& labels,
                                          bool read_loss) {
  statistics.add(outputs.loss, outputs.logits, labels, global_step);
  if (gate_observer && !outputs.gates.empty()) gate_observer(outputs.gates);
  // Where reading costs nothing, a bad loss stops before it spoils the weights.
  if (!read_loss && !network.device().is_cpu()) return 0.0;
  const auto value = outputs.loss.item<double>();
  if (!std::isfinite(value)) fail_not_finite(global_step);
  return value;
}

void Trainer::Implementation::update() {
  if (use_gradients(learning_rate())) average.update();
  accumulated = 0;
}

template <class LearningRate>
bool Trainer::Implementation::use_gradients(const LearningRate& lr) {
  const at::Tensor bad = loss_scale.unscale(parameters);
  const bool left_out = bad.defined() && !optimizer->works_on_device() && bad.item<float>() != 0.0F;
  if (!left_out) {
    if (gradient_clip > 0.0) clip_gradients(parameters, gradient_clip);
    optimizer->step(lr, optimizer->works_on_device() ? bad : at::Tensor());
  }
  drop_gradients();
  return !left_out;
}

void Trainer::Implementation::drop_gradients() {
  for (at::Tensor& parameter : parameters) parameter.mutable_grad().reset();
}

void Trainer::Implementation::expect_own_weights(const char* what) const {
  if (!average.in_use()) return;
  fail(ErrorCode::state, what,
       " cannot be done while the model has the averaged weights; give it its own "
       "back first (use_average with false or 0)");
}

void Trainer::Implementation::fail_not_finite(std::int64_t bad_step) const {
  fail(ErrorCode::numeric, "the loss is not a finite number in step ", bad_step + 1,
       epoch >= 0 ? concat(" (epoch ", epoch + 1, ")") : std::string(), " at learning rate ", learning_rate(),
       ". Try a lower lr, a longer warmup_epochs or gradient_clip 1, and check the images for NaN");
}

StepStatistics::Means Trainer::Implementation::checked_statistics() const {
  const StepStatistics::Means means = statistics.read();
  if (means.first_bad_step >= 0) fail_not_finite(means.first_bad_step);
  return means;
}

Trainer::Trainer(std::shared_ptr<Model> model, const Options& options,
                 std::shared_ptr<ProcessGroup> processes)
    : implementation_(with_libtorch_errors([&] {
        return std::make_unique<Implementation>(std::move(model), options, std::move(processes));
      })) {
  const std::string resume = options.text("resume");
  if (!resume.empty()) load_state(RunFolder::checkpoint_of(resume));
}

Trainer::~Trainer() = default;

const std::shared_ptr<Model>& Trainer::model() const { return implementation_->model; }

void Trainer::begin_epoch(std::int64_t epoch, std::int64_t steps_per_epoch) {
  with_libtorch_errors([&] { implementation_->begin_epoch(epoch, steps_per_epoch); });
  implementation_->loaded.reset();
}

void Trainer::step(const SharedTensor& images, const SharedTensor& labels, double* loss) {
  Implementation& trainer = *implementation_;
  trainer.expect_own_weights("a step");
  trainer.loaded.reset();
  const at::Device& device = trainer.network.device();
  const double value = with_libtorch_errors([&] {
    const at::Tensor prepared = prepare_images(images, trainer.model->normalization(), device);
    const at::Tensor targets =
        prepare_labels(labels, prepared.size(0), trainer.model->architecture().num_classes(), device);
    return trainer.step(prepared, targets, loss != nullptr);
  });
  if (loss != nullptr) *loss = value;
}

nlohmann::json Trainer::metrics() {
  Implementation& trainer = *implementation_;
  const StepStatistics::Means means = with_libtorch_errors([&] {
    trainer.checked_statistics();
    return trainer.statistics.read(*trainer.processes);
  });
  trainer.statistics.reset();
  return {{"step", trainer.global_step},
          {"epoch", trainer.epoch},
          {"lr", trainer.learning_rate()},
          {"lambda_val", trainer.lambda_val()},
          {"loss", means.loss},
          {"accuracy", means.accuracy},
          {"samples", means.samples}};
}

Trainer::Position Trainer::position() const {
  const Implementation& trainer = *implementation_;
  return {trainer.global_step, trainer.epoch, trainer.step_in_epoch};
}

void Trainer::use_average(bool averaged) {
  WeightAverage& average = implementation_->average;
  if (!average.exists()) {
    fail(ErrorCode::invalid_argument,
         "there are no averaged weights, as option ema is 0; set it to e.g. 0.999");
  }
  with_libtorch_errors([&] { average.use(averaged); });
}

void Trainer::save_state(const std::string& path) const {
  implementation_->expect_own_weights("saving the state");
  with_libtorch_errors([&] {
    Checkpoint checkpoint;
    save_trainer(*implementation_, checkpoint);
    checkpoint.write(path, *implementation_->model);
  });
}

void Trainer::load_state(const std::string& path) {
  implementation_->expect_own_weights("loading a state");
  Checkpoint checkpoint(path);
  load_trainer(*implementation_, checkpoint);
  implementation_->loaded = std::move(checkpoint);
}

}  // namespace deepmoe
