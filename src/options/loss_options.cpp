#include "options/table.hpp"

namespace deepmoe {

using enum OptionType;

std::vector<OptionDeclaration> loss_options() {
  constexpr std::string_view group = "loss";
  return {
      {.name = "lambda_val",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1000000,
       .help = "Weight of the penalty on the gates; larger values leave fewer experts active."},
      {.name = "mu",
       .type = real,
       .group = group,
       .default_value = "1",
       .minimum = 0,
       .maximum = 1000000,
       .help = "Weight of the embedding network's own classification loss."},
      {.name = "gate_norm",
       .type = text,
       .group = group,
       .default_value = "layer_mean_l1",
       .choices = {"layer_mean_l1", "mean_l1", "hoyer", "seed"},
       .help = "Penalty on the gates: mean_l1 (sum of gates), layer_mean_l1 (the same divided by each "
               "layer's width), "
               "hoyer (scale-free) or seed (the Python code's matrix norm, which reaches one expert of each "
               "layer "
               "only)."},
      {.name = "label_smoothing",
       .type = real,
       .group = group,
       .default_value = "0.1",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "Share of the target probability that is spread evenly over all classes."},
      {.name = "distill",
       .type = text,
       .group = group,
       .default_value = "",
       .help =
           "A safetensors file of a trained network, dense or not, whose answers on the training images are "
           "taught to this one besides the labels; empty turns it off."},
      {.name = "distill_weight",
       .type = real,
       .group = group,
       .default_value = "0.5",
       .minimum = 0,
       .maximum = 1,
       .help = "Share of the classification loss that the answers of the network of distill make up."},
      {.name = "distill_temperature",
       .type = real,
       .group = group,
       .default_value = "2",
       .minimum = 0,
       .maximum = 1000,
       .minimum_excluded = true,
       .help = "Temperature that softens both networks' answers for distill."},
      {.name = "freeze_epochs",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 100000,
       .help = "Number of last epochs in which the embedding network is frozen and lambda_val and mu are 0; "
               "at most "
               "epochs."},
  };
}

}  // namespace deepmoe
