#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench_layers.hpp"
#include "bench_subject.hpp"
#include "break_even.hpp"
#include "handle.hpp"
#include "interleaved.hpp"
#include "option_flags.hpp"
#include "peak.hpp"
#include "subcommands.hpp"
#include "table.hpp"
#include "text.hpp"
#include "weights.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

/// Batches that the skipping engine is compared on, and whose active MACs are counted.
constexpr std::int64_t compared_batches = 8;

struct Settings {
  OptionFlags flags;
  std::optional<double> density;
  std::string precision = "fp32";
  std::int64_t rounds = 7;
  bool engine_only = false, brief = false, json = false;
};

/// The options that the network is made of: as for bench train, small images of ten classes unless said
/// otherwise.
OptionsHandle options_of(const Settings& settings, bool from_weights) {
  OptionsHandle options = settings.flags.configured();
  set_option(options, "device", "cpu");
  if (from_weights) {
    set_option(options, "weights", "");
    return options;
  }
  if (option_value(options, "num_classes") == "0") set_option(options, "num_classes", "10");
  if (option_value(options, "image_size") == "0") {
    set_option(options, "image_size", option_value(options, "variant") == "imagenet" ? "224" : "32");
  }
  check_architecture(options);
  return options;
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max<double>(largest, std::abs(b[i]));
    difference = std::max<double>(difference, std::abs(a[i] - b[i]));
  }
  return difference / std::max(largest, 1e-30);
}

/// Multiply-accumulates of one image without gates and embedding.
double trunk_macs(const ordered_json& model_description, const ModelHandle& folded) {
  if (folded.get() == nullptr) return model_description.at("cost").at("trunk_macs");
  return json_from(dmoe_model_architecture_describe, static_cast<const dmoe_model*>(folded.get()))
      .at("totals")
      .at("all")
      .at("dense_macs");
}

ordered_json measure(Settings& settings) {
  const std::string weights = settings.flags.take("weights");
  const OptionsHandle options = options_of(settings, !weights.empty());
  BenchSubject subject(options, weights, settings.precision);
  if (settings.density && !subject.gated()) {
    throw UsageError("--density needs a network with gates, but '" +
                     subject.engine_description.at("model").get<std::string>() + "' is dense");
  }
  const std::vector<float> gates =
      settings.density ? subject.draw_gates(*settings.density) : std::vector<float>();
  const EngineHandle dense_engine = subject.make_engine({{"skip", false}});
  const std::int64_t batches = std::min(subject.batches(), compared_batches);
  const double batch = static_cast<double>(subject.batch());
  double active_macs = 0, difference = 0;
  for (std::int64_t i = 0; i < batches; ++i) {
    subject.turn_to(i);
    active_macs +=
        static_cast<double>(subject.run(subject.engine, gates)) / (batch * static_cast<double>(batches));
    const std::vector<float> logits = subject.logits();
    subject.turn_to(i);
    subject.run(dense_engine, gates);
    difference = std::max(difference, relative_difference(logits, subject.logits()));
  }

  std::vector<Contender> contenders;
  contenders.push_back({"engine_ms", [&] { subject.run(subject.engine, gates); }});
  contenders.push_back({"engine_dense_ms", [&] { subject.run(dense_engine, gates); }});
  ModelHandle folded;
  if (!settings.engine_only) {
    folded = subject.fold();
    contenders.push_back({"torch_dense_ms", [&] { subject.run(folded); }});
    contenders.push_back({"torch_masked_ms", [&] { subject.run(subject.model()); }});
  }
  const std::size_t first_swept = contenders.size();
  const bool sweeps = subject.gated() && !settings.brief;
  for (const double density : swept_densities) {
    if (!sweeps) break;
    contenders.push_back(
        {"", [&subject, drawn = subject.draw_gates(density)] { subject.run(subject.engine, drawn); }});
  }
  const std::int64_t threads = subject.engine_description.at("threads");
  double peak = peak_gmacs(threads);
  take_turns(contenders, settings.rounds);
  peak = std::max(peak, peak_gmacs(threads));

  const ordered_json& model = subject.description;
  ordered_json result = {{"model", model.at("model")},
                         {"weights", weights.empty() ? ordered_json() : ordered_json(weights)},
                         {"variant", model.at("options").at("variant")},
                         {"image_size", subject.size()},
                         {"batch_size", subject.batch()},
                         {"threads", threads},
                         {"precision", settings.precision},
                         {"density", settings.density ? ordered_json(*settings.density) : ordered_json()},
                         {"rounds", settings.rounds}};
  for (std::size_t i = 0; i < first_swept; ++i) result[contenders[i].name] = median(contenders[i].times);
  const double engine_ms = result.at("engine_ms");
  const double dense_macs = subject.engine_description.at("dense_macs");
  result["images_per_second"] = 1000 * batch / engine_ms;
  result["dense_macs"] = dense_macs;
  result["active_macs"] = active_macs;
  result["peak_gmacs"] = peak;
  const auto add_rate = [&](const std::string& name, double macs) {
    if (!result.contains(name + "_ms")) return;
    const double rate = macs * batch / (1e6 * result.at(name + "_ms").get<double>());
    result[name + "_gmacs"] = rate;
    result[name + "_share_of_peak"] = rate / peak;
  };
  add_rate("engine", active_macs);
  add_rate("engine_dense", dense_macs);
  add_rate("torch_dense", trunk_macs(model, folded));
  add_rate("torch_masked", dense_macs);
  result["largest_difference"] = difference;
  if (sweeps) {
    std::vector<std::pair<double, double>> points;
    result["densities"] = ordered_json::array();
    for (std::size_t i = first_swept; i < contenders.size(); ++i) {
      points.emplace_back(swept_densities[i - first_swept], median(contenders[i].times));
      result["densities"].push_back({{"density", points.back().first}, {"engine_ms", points.back().second}});
    }
    result["break_even_density"] = break_even(points, result.at("engine_dense_ms"));
    result["layers"] = layer_rows(subject, settings.rounds);
  }
  const ordered_json machine = json_from(dmoe_diagnose);
  result["versions"] = {{"deepmoe", dmoe_version()},
                        {"libtorch", machine.at("libtorch").at("version")},
                        {"cpu", machine.at("cpu").at("model")},
                        {"engine_target", subject.engine_description.at("target")}};
  return result;
}

std::string text_of(const ordered_json& result) {
  std::string text = result.at("model").get<std::string>() + ", " + option_text(result.at("image_size")) +
                     " pixels, batch " + option_text(result.at("batch_size")) + ", " +
                     option_text(result.at("threads")) + " thread(s), " +
                     result.at("precision").get<std::string>();
  if (!result.at("density").is_null()) text += ", density " + option_text(result.at("density"));
  text += "\nMACs of an image: " + magnitude(result.at("dense_macs")) + " dense, " +
          magnitude(result.at("active_macs")) +
          " active; peak of the machine: " + fixed(result.at("peak_gmacs"), 1) + " billion a second\n\n";
  Table times({"", "ms a batch", "ms an image", "GMAC/s", "of peak"});
  for (const auto& [key, label] :
       {std::pair{"torch_dense", "LibTorch, dense, folded, channels last"},
        std::pair{"torch_masked", "LibTorch, gates multiply"},
        std::pair{"engine_dense", "engine, without skipping"}, std::pair{"engine", "engine"}}) {
    const std::string name = key;
    if (!result.contains(name + "_ms")) continue;
    const double ms = result.at(name + "_ms");
    times.add({label, fixed(ms, 2), fixed(ms / result.at("batch_size").get<double>(), 3),
               fixed(result.at(name + "_gmacs"), 1), percent(result.at(name + "_share_of_peak"), 0)});
  }
  text += times.text();
  if (!result.contains("densities")) return text;
  text += "\nengine over densities (skipping pays below " + fixed(result.at("break_even_density"), 2) + ")\n";
  Table densities({"density", "ms a batch"});
  for (const ordered_json& row : result.at("densities")) {
    densities.add({option_text(row.at("density")), fixed(row.at("engine_ms"), 2)});
  }
  text += densities.text();
  if (result.at("layers").empty()) return text;
  text += "\nlayers, microseconds an image\n";
  Table layers({"layer", "MACs", "no skip", "1", "0.5", "0.25", "pays below", "kernel"});
  for (const ordered_json& row : result.at("layers")) {
    const ordered_json& times_of_row = row.at("microseconds");
    layers.add({row.at("name"), magnitude(row.at("dense_macs")), fixed(row.at("dense_microseconds"), 1),
                fixed(times_of_row.at("1"), 1), fixed(times_of_row.at("0.5"), 1),
                fixed(times_of_row.at("0.25"), 1), fixed(row.at("break_even_density"), 2), row.at("kernel")});
  }
  return text + layers.text();
}

int bench_infer(Settings& settings) {
  const ordered_json result = measure(settings);
  std::cout << (settings.json ? result.dump() + "\n" : text_of(result));
  return succeeded;
}

}  // namespace

void add_bench_infer(CLI::App& bench, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *bench.add_subcommand("infer", "Time inference: the engine beside LibTorch");
  app.add_option(
         "--density", settings->density,
         "Draw this share of active experts at random for each image and layer [the network's own gates]")
      ->type_name("NUMBER")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--precision", settings->precision,
                 "What the engine keeps its weights in: fp32 or bf16, computing in fp32 [fp32]")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"fp32", "bf16"}));
  app.add_option("--rounds", settings->rounds, "Rounds, of which medians are taken [7]")
      ->type_name("INTEGER")
      ->check(CLI::Range(1, 100000));
  app.add_flag("--engine_only", settings->engine_only, "Leave out LibTorch");
  app.add_flag("--brief", settings->brief, "Leave out the densities and the layers");
  app.add_flag("--json", settings->json, "Print one line of JSON");
  settings->flags.add_config_to(app);
  settings->flags.add_to(
      app, {{"general", "model"}, {"num_classes", "image_size", "batch_size", "channels_last", "plugin"}});
  app.footer(
      "Four things take turns in each round: the engine, the engine without skipping, LibTorch with gates "
      "that\n"
      "multiply (as predict computes), and LibTorch on the network without gates, with batch norms folded "
      "and\n"
      "weights channels last. A turn is a pause of 5 ms, one run that is not timed, so that the threads of "
      "the one\n"
      "before are asleep, and then runs for about 40 ms, at least one, of which the mean is kept. Runs take "
      "64\n"
      "images of noise in turn, so that no cache holds just one image's experts. The time of the embedding\n"
      "network and of the gate heads is in it, also where --density replaces their gates.\n"
      "The peak is what multiply-adds on registers reach. A Winograd convolution needs fewer multiplications "
      "than\n"
      "its usual count says, so that its share of the peak may be above 100 %.\n"
      "Without --weights the network is made of --model and has random weights; its gates are then nearly "
      "all\n"
      "active.");
  app.callback([settings, &action] { action = [settings] { return bench_infer(*settings); }; });
}

}  // namespace deepmoe::command
