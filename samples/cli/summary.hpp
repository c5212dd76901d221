#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace deepmoe::command {

/// What a training or an evaluation found, as a table for people: the members of the summary of
/// dmoe_trainer_fit or of the result of dmoe_model_evaluate that are there.
std::string summary_text(const nlohmann::ordered_json& summary);

/// The density of each gated layer with a bar; more than 20 layers are shown by the stages of the network.
std::string density_text(const nlohmann::ordered_json& layers);

}  // namespace deepmoe::command
