#include "options/options.hpp"

namespace deepmoe {

const std::map<std::string, std::map<std::string, std::string>>& recipes() {
  static const std::map<std::string, std::map<std::string, std::string>> all = {
      {"modern", {}},
      {"seed",
       {
           {"dataset", "cifar100"},
           {"num_classes", "100"},
           {"crop_padding", "4"},
           {"flip", "0.5"},
           {"model", "resnet18"},
           {"variant", "imagenet"},  // The Python code has no other stem, whatever the size of the images.
           {"gate_position", "pre_bn"},
           {"gate_bias", "false"},
           {"embedding_norm", "none"},
           {"gate_init", "random"},
           {"gate_select", "relu"},
           {"embedding_influence", "1"},
           {"influence_schedule", "none"},
           {"gate_norm", "seed"},
           {"lambda_val", "0.01"},
           {"mu", "1"},
           {"label_smoothing", "0"},
           {"freeze_epochs", "5"},
           {"optimizer", "adam"},
           {"lr", "0.001"},
           {"momentum", "0.9"},
           {"nesterov", "false"},
           {"weight_decay", "0"},
           {"epochs", "25"},
           {"schedule", "step"},
           {"milestones", ""},
           {"warmup_epochs", "0"},
           {"batch_size", "64"},
       }},
      {"paper",
       {
           {"gate_position", "input"},
           {"gate_select", "relu"},
           {"embedding_influence", "1"},
           {"influence_schedule", "none"},
           {"gate_norm", "mean_l1"},
           {"lambda_val", "0.01"},
           {"label_smoothing", "0"},
           {"freeze_epochs", "80"},
           {"optimizer", "sgd"},
           {"lr", "0.1"},
           {"momentum", "0.9"},
           {"nesterov", "false"},
           {"weight_decay", "1e-4"},
           {"epochs", "350"},
           {"schedule", "step"},
           {"milestones", "150,250"},
           {"gamma", "0.1"},
           {"warmup_epochs", "0"},
           {"batch_size", "128"},
       }},
  };
  return all;
}

const std::map<std::string, std::map<std::string, std::string>>& paper_trainings() {
  static const std::map<std::string, std::map<std::string, std::string>> all = [] {
    // Learning rates of the paper need its optimizer: 0.1 would make adam, the optimizer of recipe seed,
    // diverge.
    std::map<std::string, std::string> common;
    for (const char* name : {"optimizer", "lr", "momentum", "nesterov", "weight_decay", "schedule", "gamma",
                             "warmup_epochs", "batch_size"}) {
      common[name] = recipes().at("paper").at(name);
    }
    std::map<std::string, std::map<std::string, std::string>> trainings = {
        {"none", {}}, {"cifar", common}, {"imagenet", common}};
    trainings["cifar"].insert({{"epochs", "350"}, {"milestones", "150,250"}, {"freeze_epochs", "80"}});
    trainings["imagenet"].insert(
        {{"epochs", "210"}, {"milestones", "100,130,160,190"}, {"freeze_epochs", "30"}});
    return trainings;
  }();
  return all;
}

const std::map<std::string, std::map<std::string, std::string>>& optimizer_defaults() {
  static const std::map<std::string, std::map<std::string, std::string>> all = {
      {"adagrad", {{"eps", "1e-10"}}}, {"adadelta", {{"eps", "1e-6"}}}};
  return all;
}

}  // namespace deepmoe
