#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base.hpp"
#include "report/figure.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

std::string cell(std::string_view label, std::string_view text) {
  return concat("<td data-label=\"", escaped(label), "\">", escaped(text), "</td>");
}

std::string bar_cell(double density) {
  return concat(
      "<td class=\"bar\" data-label=\"density\"><span class=\"track\"><span class=\"fill\" style=\"width:",
      fixed(100 * density, 2), "%\"></span></span><span class=\"number\">", fixed(density, 3),
      "</span></td>");
}

/// Density bars, and beside each what else there is to say of the layer.
std::string layer_table(const json& layers) {
  std::string html =
      "<table class=\"layers\"><thead><tr><th class=\"text\">layer</th><th class=\"bar\">density "
      "(active / all experts)</th><th>experts</th><th>dead</th><th>always on</th><th>effective</th>"
      "<th>Gini</th><th>variation</th><th>redundant</th><th>MACs saved</th><th>MACs of head</th>"
      "<th>pays</th></tr></thead>\n<tbody>\n";
  for (const json& layer : layers) {
    const auto& name = layer.at("name").get_ref<const std::string&>();
    const auto count = [&](const char* key) { return grouped(layer.at(key).get<std::int64_t>()); };
    const auto number = [&](const char* key, int digits) {
      return fixed(figure_number(layer.at(key)), digits);
    };
    const bool pays = layer.at("pays").get<bool>();
    html += concat("<tr><th class=\"text\" scope=\"row\">", escaped(name), "</th>",
                   bar_cell(layer.at("density")), cell("experts", count("experts")),
                   cell("dead", count("dead_experts")), cell("always on", count("always_on_experts")),
                   cell("effective", number("effective_experts", 1)), cell("Gini", number("gini", 2)),
                   cell("variation", number("coefficient_of_variation", 2)),
                   cell("redundant", count("redundant_experts")),
                   cell("MACs saved", magnitude(layer.at("saved_macs").get<double>())),
                   cell("MACs of head", magnitude(layer.at("head_macs").get<double>())),
                   cell("pays", pays ? "yes" : "no"), "</tr>\n");
  }
  return html + "</tbody></table>\n";
}

std::string explanation() {
  return concat(
      "Density is the mean over the images of active experts / all experts. Dead: active for no image; "
      "always on: for every image. Effective: exp of the entropy of the experts' shares of the gates' sum; "
      "as many equal experts would be as unequal. Gini and variation (deviation / mean) of the uses are 0 "
      "when all experts work equally often. Redundant: active for the same images as an earlier expert "
      "(correlation of ",
      brief(redundant_correlation),
      " or more). MACs saved are those of an image that would be done in addition if all of the layer's "
      "experts were active; a layer that saves more than its head costs pays.");
}

}  // namespace

std::string layer_section(const PageSource& source) {
  const json& layers = source.figures.at("layers");
  const std::string title =
      "Density of " + counted(static_cast<std::int64_t>(layers.size()), "gated layer", "gated layers");
  return section(
      "layers", "Layers",
      figure(title, layer_table(layers) + folded("What the columns mean", paragraph(explanation())),
             figure_context(source.report), "wide"));
}

}  // namespace deepmoe
