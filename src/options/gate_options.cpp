#include "options/table.hpp"

namespace deepmoe {

using enum OptionType;

std::vector<OptionDeclaration> gate_options() {
  constexpr std::string_view group = "gates";
  return {
      {.name = "gate_select",
       .type = text,
       .group = group,
       .default_value = "topk",
       .choices = {"relu", "topk"},
       .help = "Which experts stay active: relu (those with a positive gate) or topk (of those, in each "
               "image and "
               "layer, the given share with the largest gates)."},
      {.name = "gate_density",
       .type = real_list,
       .group = group,
       .default_value = "1",
       .minimum = 0,
       .maximum = 1,
       .minimum_excluded = true,
       .help = "Share of experts that gate_select topk keeps active in every layer, or one share for each "
               "layer."},
      {.name = "target_density",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1,
       .help = "Share of active experts to reach: gate_select topk keeps it exactly, with relu lambda_val is "
               "steered to it from its given value over the first half of the run; 0 wishes nothing."},
      {.name = "target_macs",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1,
       .help =
           "Share of the multiply-accumulates with all experts to reach: gate_select topk keeps it exactly, "
           "with relu lambda_val is steered to it from its given value over the first half of the run; 0 "
           "wishes nothing."},
      {.name = "limited_gates",
       .type = text,
       .group = group,
       .default_value = "inner",
       .choices = {"all", "inner"},
       .help =
           "Gates that gate_select topk limits: all, or inner, those whose inactive experts spare the "
           "convolution before them and the one behind (in a residual block all but the last), so that what "
           "is added to the shortcut stays whole. A single gate_density and target_density mean the experts "
           "of these."},
      {.name = "density_schedule",
       .type = text,
       .group = group,
       .default_value = "linear",
       .choices = {"none", "linear", "cosine"},
       .help = "How the share of experts that gate_select topk keeps falls from 1 to its value during "
               "density_window; none keeps it constant."},
      {.name = "density_window",
       .type = real_list,
       .group = group,
       .default_value = "0,0.5",
       .minimum = 0,
       .maximum = 1,
       .help = "Shares of the run at which density_schedule begins and ends."},
      {.name = "influence_schedule",
       .type = text,
       .group = group,
       .default_value = "linear",
       .choices = {"none", "linear", "cosine"},
       .help = "How embedding_influence rises from 0 to its value during influence_window in the training of "
               "a new "
               "network; none keeps it constant, and one that starts from weights keeps its own."},
      {.name = "influence_window",
       .type = real_list,
       .group = group,
       .default_value = "0.3,0.8",
       .minimum = 0,
       .maximum = 1,
       .help = "Shares of the run at which influence_schedule begins and ends."},
      {.name = "gate_lr",
       .type = real,
       .group = group,
       .default_value = "1",
       .minimum = 0,
       .maximum = 1000,
       .help = "Factor on the learning rate of the embedding network and the gate heads."},
      {.name = "gate_weight_decay",
       .type = real,
       .group = group,
       .default_value = "1",
       .minimum = 0,
       .maximum = 1000,
       .help = "Factor on the weight decay of the embedding network and the gate heads."},
  };
}

}  // namespace deepmoe
