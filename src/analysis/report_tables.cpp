#include <charconv>
#include <optional>

#include "analysis/class_figures.hpp"
#include "analysis/gate_figures.hpp"
#include "analysis/report.hpp"

namespace deepmoe {
namespace {

/// The shortest text that reads back as the same number, in any locale.
std::string cell(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}
std::string cell(std::int64_t number) { return std::to_string(number); }
std::string cell(const std::optional<double>& figure) { return figure ? cell(*figure) : std::string(); }

ReportTable layers_table(const Report& report) {
  return {"layers",
          {"layer", "experts", "density", "dead_experts", "always_on_experts", "entropy_nats",
           "effective_experts", "coefficient_of_variation", "gini", "redundant_experts", "saved_macs",
           "head_macs"},
          [&collection = report.collection](const RowReceiver& row) {
            const auto samples = static_cast<double>(collection.samples());
            const std::vector<GateSaving> savings = collection.savings();
            for (std::size_t i = 0; i < collection.layers().size(); ++i) {
              const LayerCounts& layer = collection.layers()[i];
              const Eigen::VectorXd uses = layer.uses();
              const Redundancy redundant =
                  redundancy(layer.pairs.counts(), samples, redundant_correlation, 0);
              row({layer.name, cell(std::int64_t(uses.size())), cell(density(uses, samples)),
                   cell(dead_experts(uses, samples)), cell(always_on_experts(uses, samples)),
                   cell(entropy(layer.gate_sums)), cell(effective_experts(layer.gate_sums)),
                   cell(coefficient_of_variation(uses)), cell(gini(uses)), cell(redundant.redundant_experts),
                   cell(savings[i].saved), cell(savings[i].head)});
            }
          }};
}

ReportTable experts_table(const Report& report) {
  return {
      "experts",
      {"layer", "expert", "utilisation", "mean_gate", "information_bits"},
      [&collection = report.collection](const RowReceiver& row) {
        const auto samples = static_cast<double>(collection.samples());
        for (const LayerCounts& layer : collection.layers()) {
          const Eigen::VectorXd shares = utilisation(layer.uses(), samples);
          const auto information = class_information(layer.class_uses, collection.class_samples());
          for (Eigen::Index i = 0; i < shares.size(); ++i) {
            row({layer.name, cell(std::int64_t(i)), cell(shares[i]), cell(layer.gate_sums[i] / samples),
                 information ? cell((*information)[static_cast<std::size_t>(i)].corrected) : std::string()});
          }
        }
      }};
}

ReportTable redundancy_table(const Report& report) {
  return {"redundancy",
          {"layer", "first_expert", "second_expert", "correlation"},
          [&collection = report.collection](const RowReceiver& row) {
            const auto samples = static_cast<double>(collection.samples());
            for (const LayerCounts& layer : collection.layers()) {
              for (const RedundantPair& pair :
                   redundancy(layer.pairs.counts(), samples, redundant_correlation, listed_pairs).pairs) {
                row({layer.name, cell(pair.first), cell(pair.second), cell(pair.correlation)});
              }
            }
          }};
}

ReportTable classes_table(const Report& report) {
  return {"classes",
          {"class", "samples", "predicted", "precision", "recall", "f1"},
          [&report](const RowReceiver& row) {
            const std::vector<ClassFigures> figures = report.collection.classification().classes();
            for (std::size_t i = 0; i < figures.size(); ++i) {
              const ClassFigures& one = figures[i];
              row({report.class_names.at(i), cell(one.samples), cell(one.predicted), cell(one.precision),
                   cell(one.recall), cell(one.f1)});
            }
          }};
}

/// The headings of a table with a column for each class behind `first`.
std::vector<std::string> class_headings(std::vector<std::string> first, const Report& report) {
  first.insert(first.end(), report.class_names.begin(), report.class_names.end());
  return first;
}

ReportTable confusion_table(const Report& report) {
  return {"confusion", class_headings({"label \\ prediction"}, report), [&report](const RowReceiver& row) {
            const Eigen::MatrixXd& confusion = report.collection.classification().confusion();
            for (Eigen::Index i = 0; i < confusion.rows(); ++i) {
              std::vector<std::string> cells{report.class_names.at(static_cast<std::size_t>(i))};
              for (const double count : confusion.row(i)) {
                cells.push_back(cell(static_cast<std::int64_t>(count)));
              }
              row(cells);
            }
          }};
}

ReportTable activation_table(const Report& report) {
  return {"class_activation", class_headings({"layer", "expert"}, report), [&report](const RowReceiver& row) {
            const Eigen::VectorXd samples = report.collection.class_samples();
            for (const LayerCounts& layer : report.collection.layers()) {
              const Eigen::MatrixXd activation = class_activation(layer.class_uses, samples);
              for (Eigen::Index expert = 0; expert < activation.cols(); ++expert) {
                std::vector<std::string> cells{layer.name, cell(std::int64_t(expert))};
                for (Eigen::Index label = 0; label < samples.size(); ++label) {
                  cells.push_back(samples[label] > 0 ? cell(activation(label, expert)) : std::string());
                }
                row(cells);
              }
            }
          }};
}

ReportTable similarity_table(const Report& report) {
  std::vector<std::string> headings{"class"};
  for (const Eigen::Index label : report.routing.order) {
    headings.push_back(report.class_names.at(static_cast<std::size_t>(label)));
  }
  return {"class_similarity", headings, [&report, headings](const RowReceiver& row) {
            for (Eigen::Index i = 0; i < report.routing.similarity.rows(); ++i) {
              std::vector<std::string> cells{headings.at(static_cast<std::size_t>(i) + 1)};
              for (const double value : report.routing.similarity.row(i)) cells.push_back(cell(value));
              row(cells);
            }
          }};
}

ReportTable reliability_table(const Report& report) {
  return {
      "reliability", {"from", "to", "samples", "confidence", "accuracy"}, [&report](const RowReceiver& row) {
        for (const ReliabilityBin& bin : report.collection.classification().reliability()) {
          row({cell(bin.from), cell(bin.to), cell(bin.samples), cell(bin.confidence), cell(bin.accuracy)});
        }
      }};
}

ReportTable macs_table(const Report& report) {
  return {"macs", {"from", "to", "samples"}, [&report](const RowReceiver& row) {
            const Distribution& macs = report.collection.active_macs();
            for (std::size_t i = 0; i < macs.bins().size(); ++i) {
              const auto from = static_cast<double>(i) * macs.bin_width();
              row({cell(from), cell(from + macs.bin_width()), cell(macs.bins()[i])});
            }
          }};
}

ReportTable embedding_table(const Report& report) {
  return {"embedding", {"component_1", "component_2", "class"}, [&report](const RowReceiver& row) {
            const Reservoir& sample = report.collection.embeddings();
            const auto found = report.collection.covariance().principal_components(2);
            if (!found || found->components.cols() < 2) return;
            const Eigen::MatrixXd points = found->project(sample.vectors());
            for (Eigen::Index i = 0; i < points.rows(); ++i) {
              const auto label = static_cast<std::size_t>(sample.labels()[static_cast<std::size_t>(i)]);
              row({cell(points(i, 0)), cell(points(i, 1)), report.class_names.at(label)});
            }
          }};
}

ReportTable thresholds_table(const Report& report) {
  return {"thresholds",
          {"threshold", "samples", "accuracy", "density", "active_macs"},
          [&report](const RowReceiver& row) {
            for (const ThresholdPoint& point : report.thresholds) {
              row({cell(point.threshold), cell(point.samples), cell(point.accuracy), cell(point.density),
                   cell(point.active_macs)});
            }
          }};
}

ReportTable drift_layers_table(const ReportDrift& drift) {
  return {"drift_layers",
          {"layer", "mean_change", "largest_change", "died", "revived", "class_activation_change"},
          [&drift](const RowReceiver& row) {
            for (const ReportDrift::Layer& layer : drift.layers) {
              row({layer.name, cell(layer.routing.mean), cell(layer.routing.largest),
                   cell(layer.routing.died), cell(layer.routing.revived), cell(layer.class_activation)});
            }
          }};
}

ReportTable drift_parameters_table(const ReportDrift& drift) {
  return {"drift_parameters",
          {"parameter", "norm_before", "norm_after", "distance", "relative", "cosine"},
          [&drift](const RowReceiver& row) {
            for (const ReportDrift::Parameter& parameter : drift.parameters) {
              const ParameterDrift& one = parameter.drift;
              row({parameter.name, cell(one.norm_before), cell(one.norm_after), cell(one.distance),
                   cell(one.relative), cell(one.cosine)});
            }
          }};
}

}  // namespace

std::vector<ReportTable> report_tables(const Report& report) {
  std::vector<ReportTable> tables{
      layers_table(report),    experts_table(report),    redundancy_table(report), classes_table(report),
      confusion_table(report), activation_table(report), similarity_table(report), reliability_table(report),
      macs_table(report),      embedding_table(report),  thresholds_table(report)};
  if (report.drift) {
    tables.push_back(drift_layers_table(*report.drift));
    tables.push_back(drift_parameters_table(*report.drift));
  }
  return tables;
}

std::string csv_row(const std::vector<std::string>& cells) {
  std::string text;
  bool first = true;
  for (const std::string& content : cells) {
    if (!first) text += ',';
    first = false;
    if (content.find_first_of(",\"\r\n") == std::string::npos) {
      text += content;
      continue;
    }
    text += '"';
    for (const char character : content) {
      if (character == '"') text += '"';
      text += character;
    }
    text += '"';
  }
  return text + "\r\n";
}

}  // namespace deepmoe
