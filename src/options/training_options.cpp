#include "options/table.hpp"

namespace deepmoe {
namespace {

using enum OptionType;

std::vector<OptionDeclaration> optimizer_options() {
  constexpr std::string_view group = "optimizer";
  return {
      {.name = "optimizer",
       .type = text,
       .group = group,
       .default_value = "sgd",
       .choices = {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax"},
       .help =
           "Rule by which gradients change the weights: those of torch.optim with the same names, such as "
           "sgd (with momentum), adam or adamw (adam with decoupled weight decay)."},
      {.name = "lr",
       .type = real,
       .group = group,
       .default_value = "0.1",
       .minimum = 0,
       .maximum = 1000,
       .help = "Learning rate at the schedule's top."},
      {.name = "momentum",
       .type = real,
       .group = group,
       .default_value = "0.9",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "Share of the previous step that sgd and rmsprop keep."},
      {.name = "nesterov",
       .type = boolean,
       .group = group,
       .default_value = "true",
       .help = "Whether sgd uses Nesterov's momentum; without effect when momentum is 0."},
      {.name = "weight_decay",
       .type = real,
       .group = group,
       .default_value = "5e-4",
       .minimum = 0,
       .maximum = 1000,
       .help = "Strength of the pull of the weights towards zero; see weight_decay_on_all."},
      {.name = "betas",
       .type = real_list,
       .group = group,
       .default_value = "0.9,0.999",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "The two decay rates of the moving averages of gradient and squared gradient (adamax: of its "
               "largest size) in adam, adamw and adamax."},
      {.name = "eps",
       .type = real,
       .group = group,
       .default_value = "1e-8",
       .minimum = 0,
       .maximum = 1,
       .help =
           "Number added to the denominator of every optimizer but sgd against division by zero; where it is "
           "not given, adagrad takes 1e-10 and adadelta 1e-6."},
      {.name = "alpha",
       .type = real,
       .group = group,
       .default_value = "0.99",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "Decay rate of the moving average of squared gradients in rmsprop."},
      {.name = "lr_decay",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1000,
       .help =
           "Decay of the learning rate with the number of steps in adagrad: lr / (1 + steps * lr_decay)."},
      {.name = "rho",
       .type = real,
       .group = group,
       .default_value = "0.9",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "Decay rate of the moving averages in adadelta."},
      {.name = "gradient_accumulation",
       .type = integer,
       .group = group,
       .default_value = "1",
       .minimum = 1,
       .maximum = 1000000,
       .help = "Batches whose gradients are averaged into one step of the optimizer."},
      {.name = "gradient_clip",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e9,
       .help =
           "Largest global L2 norm of the gradients, to which larger ones are scaled down; 0 turns it off."},
      {.name = "weight_decay_on_all",
       .type = boolean,
       .group = group,
       .default_value = "true",
       .help = "Whether weight decay also applies to gate heads, norms and biases."},
  };
}

std::vector<OptionDeclaration> schedule_options() {
  constexpr std::string_view group = "schedule";
  return {
      {.name = "epochs",
       .type = integer,
       .group = group,
       .default_value = "25",
       .minimum = 1,
       .maximum = 100000,
       .help = "Number of passes over the training images."},
      {.name = "schedule",
       .type = text,
       .group = group,
       .default_value = "cosine",
       .choices = {"step", "cosine", "one_cycle"},
       .help =
           "Course of the learning rate after the warm-up: step (times gamma at each milestone), cosine "
           "(down to 0 over all epochs) or one_cycle (from a 25th up to lr in the first 30 % of the steps, "
           "then down to nearly 0)."},
      {.name = "milestones",
       .type = integer_list,
       .group = group,
       .default_value = "",
       .minimum = 1,
       .maximum = 100000,
       .help = "Ascending epochs after which schedule step multiplies the learning rate by gamma, e.g. "
               "150,250; empty "
               "keeps it constant."},
      {.name = "gamma",
       .type = real,
       .group = group,
       .default_value = "0.1",
       .minimum = 0,
       .maximum = 1,
       .minimum_excluded = true,
       .help = "Factor on the learning rate at each milestone of schedule step."},
      {.name = "warmup_epochs",
       .type = real,
       .group = group,
       .default_value = "1",
       .minimum = 0,
       .maximum = 100000,
       .help = "Epochs, or a fraction of one, in which the learning rate rises linearly from 0 to where the "
               "schedule "
               "begins; at most a quarter of the run counts."},
      {.name = "early_stop_metric",
       .type = text,
       .group = group,
       .default_value = "val_acc",
       .choices = {"val_acc", "val_loss"},
       .help =
           "Measure that decides which epoch is the best and when patience is spent: validation accuracy or "
           "validation loss."},
      {.name = "patience",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 100000,
       .help = "Epochs without improvement of early_stop_metric after which training stops; 0 never stops "
               "early."},
  };
}

std::vector<OptionDeclaration> run_options() {
  constexpr std::string_view group = "training";
  return {
      {.name = "batch_size",
       .type = integer,
       .group = group,
       .default_value = "64",
       .minimum = 1,
       .maximum = 1000000,
       .help = "Images in a batch."},
      {.name = "train_paper",
       .type = text,
       .group = group,
       .default_value = "none",
       .choices = {"none", "cifar", "imagenet"},
       .help =
           "Training as in the paper for cifar or imagenet: optimizer, learning rate, batch size, epochs, "
           "milestones and freeze_epochs, wherever they are not given otherwise; none leaves them to the "
           "recipe."},
      {.name = "print_every",
       .type = integer,
       .group = group,
       .default_value = "50",
       .minimum = 1,
       .maximum = 1000000000,
       .help = "Steps between two lines of progress where the output is not a terminal."},
      {.name = "amp",
       .type = text,
       .group = group,
       .default_value = "off",
       .choices = {"off", "bf16", "fp16", "auto"},
       .help =
           "Arithmetic of convolutions and linear maps in training and evaluation: off (float32 throughout), "
           "bf16, fp16 (CUDA alone, with a scale on the loss that adapts itself) or auto (bf16 where the "
           "device computes with it, else fp16 on CUDA and off on the CPU)."},
      {.name = "cuda_graphs",
       .type = text,
       .group = group,
       .default_value = "auto",
       .choices = {"auto", "on", "off"},
       .help =
           "Whether a training step on CUDA is recorded as a CUDA graph and launched as a whole: auto "
           "where it can be, on as an error where it cannot. It cannot with gradient_accumulation, several "
           "processes or optimizers other than sgd, adam and adamw. The first steps, those of batches of "
           "another size and those after a change of the gates' limits are done as usual; control of "
           "lambda_val takes effect a step later."},
      {.name = "channels_last",
       .type = text,
       .group = group,
       .default_value = "auto",
       .choices = {"auto", "on", "off"},
       .help = "Whether activations keep the channels of a pixel side by side in memory; auto takes what is "
               "faster on "
               "the device."},
      {.name = "ema",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "Decay of the moving average of weights that is evaluated and saved instead of the last ones; "
               "0 turns it off. The n-th step of the optimizer uses at most (1 + n) / (10 + n)."},
      {.name = "sync_batch_norm",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help = "Whether batch norm takes its statistics over all processes of a distributed run, not over "
               "each one's own images."},
      {.name = "distributed",
       .type = text,
       .group = group,
       .default_value = "auto",
       .choices = {"auto", "off"},
       .help = "Whether the processes that a launcher (torchrun, mpirun, srun) starts train one model "
               "together, each on batches of batch_size images: auto does where a launcher is seen."},
      {.name = "distributed_timeout",
       .type = real,
       .group = group,
       .default_value = "600",
       .minimum = 1,
       .maximum = 1000000,
       .help = "Seconds after which a process that does not answer ends a distributed run."},
  };
}

std::vector<OptionDeclaration> output_options() {
  constexpr std::string_view group = "output";
  return {
      {.name = "out",
       .type = text,
       .group = group,
       .default_value = "",
       .help =
           "Folder of the run, for its configuration, metrics and weights; empty writes nothing, except that "
           "the command then takes runs/MODEL-DATASET."},
      {.name = "tensorboard",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help =
           "Whether the run also writes an event file for TensorBoard: curves of every epoch and histograms "
           "of the gates."},
      {.name = "checkpoint_epochs",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 100000,
       .help = "Epochs between two checkpoints that are kept besides the last one, which is written after "
               "every epoch; 0 keeps the last one alone."},
      {.name = "checkpoint_minutes",
       .type = real,
       .group = group,
       .default_value = "10",
       .minimum = 0,
       .maximum = 1000000,
       .help = "Minutes after which the last checkpoint is renewed within an epoch, too; 0 renews it after "
               "epochs alone."},
      {.name = "keep_best",
       .type = integer,
       .group = group,
       .default_value = "1",
       .minimum = 1,
       .maximum = 1000,
       .help =
           "Number of best epochs whose weights are kept: one in best.safetensors, more in the folder best."},
      {.name = "report",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help = "Whether the run ends with a report of what the experts do, in the folder report."},
      {.name = "dry_run",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help = "Whether to try everything once (a step, a validation batch, writing all files) and say what "
               "the run "
               "would do, leaving nothing behind."},
      {.name = "resume",
       .type = text,
       .group = group,
       .default_value = "",
       .help = "Folder of a run, or one of its checkpoints, from where training goes on as if it had never "
               "stopped; empty starts anew."},
      {.name = "plugin",
       .type = text,
       .group = group,
       .default_value = "",
       .help = "Shared libraries to load as plugins, separated by commas: they run code of theirs "
               "(docs/plugins.md); "
               "empty loads none."},
  };
}

}  // namespace

std::vector<OptionDeclaration> training_options() {
  std::vector<OptionDeclaration> all = optimizer_options();
  for (const auto& part : {schedule_options(), run_options(), output_options()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace deepmoe
