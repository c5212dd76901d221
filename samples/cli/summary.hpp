#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace deepmoe::command {

/// What a training or an evaluation found, as a table for people: the members of the summary of
/// dmoe_trainer_fit or of the result of dmoe_model_evaluate that are there.
std::string summary_text(const nlohmann::ordered_json& summary);

/// The density of each gated layer with a bar; more than 20 layers are shown by the stages of the network.
std::string density_text(const nlohmann::ordered_json& layers);

/// How many experts do something, from what the library tells of a network's gates; empty for a dense
/// network.
std::string expert_text(const nlohmann::ordered_json& figures);

/// How a training ended, in one line.
std::string outcome_line(const nlohmann::ordered_json& summary);

}  // namespace deepmoe::command
