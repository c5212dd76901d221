#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "report/figure.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

/// Layers that the summary names; the table of layers has the rest.
constexpr std::size_t named_layers = 8;

std::string tile(std::string_view label, std::string_view value, std::string_view remark) {
  return concat("<div class=\"tile\"><div class=\"label\">", escaped(label), "</div><div class=\"value\">",
                escaped(value), "</div><div class=\"remark\">", escaped(remark), "</div></div>\n");
}

std::string tiles(const json& figures) {
  const json &metrics = figures.at("metrics"), &macs = figures.at("macs");
  const double dense = macs.at("dense"), mean = macs.at("mean"), gating = macs.at("gating");
  const auto count = [&](const char* key) { return figures.at(key).get<std::int64_t>(); };
  const std::int64_t experts = count("experts"), dead = count("dead_experts");
  const double plain = dense - gating;
  const std::string against_plain =
      plain > 0 ? concat(percent(1 - mean / plain), " against the same network without gates")
                : std::string();
  return concat(
      "<div class=\"tiles\">\n",
      tile("Accuracy", percent(figure_number(metrics.at("accuracy")), 2),
           concat("top-", metrics.at("top").dump(), ": ",
                  percent(figure_number(metrics.at("top_accuracy")), 2))),
      tile("MACs saved", percent(1 - mean / dense),
           concat(magnitude(mean), " of ", magnitude(dense), " an image; ", against_plain)),
      tile("Dead experts", grouped(dead),
           concat("of ", grouped(experts), " (",
                  percent(static_cast<double>(dead) / static_cast<double>(experts)), "); ",
                  grouped(count("always_on_experts")), " always on")),
      tile("Density", fixed(figures.at("density").get<double>(), 3),
           concat("active experts / all experts; ", grouped(count("redundant_experts")), " redundant")),
      tile("Calibration error", percent(figure_number(metrics.at("expected_calibration_error")), 2),
           "expected gap between confidence and accuracy"),
      "</div>\n");
}

/// Words as markup, with an optional command below them.
std::string advice(std::string_view text, std::string_view command = {}) {
  return concat("<li>", escaped(text),
                command.empty() ? std::string() : concat("<pre><code>", escaped(command), "</code></pre>"),
                "</li>\n");
}

std::string removal_advice(const json& figures) {
  const json& removal = figures.at("removal");
  const auto number = [&](const char* key) { return removal.at(key).get<std::int64_t>(); };
  const std::int64_t dead = number("dead"), removable = number("removable");
  const std::string images = counted(figures.at("samples").get<std::int64_t>(), "image", "images");
  // Above a threshold more experts are dead than can go without changing a result.
  const bool thresholded = figures.at("threshold").get<double>() > 0;
  if (dead == 0) {
    return advice(concat(thresholded ? "No expert has a gate that is always 0" : "No expert is dead",
                         ": each is ", thresholded ? "above 0" : "active", " for at least one of ", images,
                         "."));
  }
  const std::string who =
      concat(counted(dead, "expert is", "experts are"),
             thresholded ? " not above 0 for any of " : " active for none of ", images, ". ");
  if (removable == 0) {
    return advice(concat(who,
                         "None of them can be removed: their channels are needed elsewhere, as in the sum of "
                         "a residual block, or one would have to stand for them."));
  }
  const auto share = [](std::int64_t before, std::int64_t after) {
    return percent(1 - static_cast<double>(after) / static_cast<double>(std::max<std::int64_t>(before, 1)));
  };
  const std::int64_t parameters = number("parameters_before"), fewer = number("parameters_after");
  const std::int64_t macs = number("dense_macs_before"), less = number("dense_macs_after");
  return advice(
      concat(who, "Removing ",
             removable == dead
                 ? "them"
                 : grouped(removable) +
                       " of them (the others' channels are needed, as in the sum of a residual block)",
             " makes the network smaller by ", share(parameters, fewer), " of its parameters (",
             magnitude(static_cast<double>(parameters)), " to ", magnitude(static_cast<double>(fewer)),
             ") and ", share(macs, less), " of its dense MACs (", magnitude(static_cast<double>(macs)),
             " to ", magnitude(static_cast<double>(less)), "), with the same results on these images:"),
      figures.at("compact_command").get<std::string>());
}

std::string paying_advice(const json& figures) {
  std::vector<std::string> losing;
  for (const json& layer : figures.at("layers")) {
    if (layer.at("pays").get<bool>()) continue;
    losing.push_back(concat(layer.at("name").get<std::string>(), " (saves ",
                            magnitude(layer.at("saved_macs").get<double>()), ", its head costs ",
                            magnitude(layer.at("head_macs").get<double>()), ")"));
  }
  if (losing.empty()) {
    return advice("Every gated layer pays: it saves more MACs of an image than its gate head costs.");
  }
  std::string names;
  for (std::size_t i = 0; i < std::min(losing.size(), named_layers); ++i) {
    names += (i > 0 ? ", " : "") + losing[i];
  }
  if (losing.size() > named_layers) names += concat(" and ", losing.size() - named_layers, " more");
  return advice(
      concat(counted(static_cast<std::int64_t>(losing.size()), "gated layer does", "gated layers do"),
             " not pay: what is saved is less than the gate head costs, in MACs of an image: ", names, "."));
}

std::string embedding_advice(const json& figures) {
  const json& macs = figures.at("macs");
  const double gating = macs.at("gating"),
               saved = macs.at("dense").get<double>() - macs.at("mean").get<double>();
  return advice(concat("The embedding network and the gate heads cost ", magnitude(gating),
                       " MACs of an image, and ", magnitude(saved), " are saved",
                       saved > gating ? "." : ": gating does not pay for this network as a whole."));
}

std::string redundancy_advice(const json& figures) {
  const auto redundant = figures.at("redundant_experts").get<std::int64_t>();
  if (redundant == 0) return {};
  return advice(concat(
      counted(redundant, "expert is", "experts are"),
      " active for the same images as an earlier expert of the layer (correlation of ",
      brief(redundant_correlation),
      " or more); a higher lambda_val or a lower target_density may teach the network to do without."));
}

}  // namespace

std::string summary_section(const PageSource& source) {
  const json& figures = source.figures;
  std::string advices = removal_advice(figures) + paying_advice(figures) + embedding_advice(figures) +
                        redundancy_advice(figures);
  for (const json& note : figures.at("notes")) advices += advice("Note: " + note.get<std::string>() + ".");
  return concat("<section id=\"summary\">\n", tiles(figures), "<ul class=\"advice\">\n", advices,
                "</ul>\n<p class=\"context\">", escaped(figure_context(source.report)), "</p>\n</section>\n");
}

}  // namespace deepmoe
