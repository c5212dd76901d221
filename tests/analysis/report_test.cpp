#include "analysis/report.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "architecture/build.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;
using nlohmann::json;
using Labels = std::vector<std::int64_t>;

namespace {

/// Four images: expert 0 is always on, 1 dead, 2 and 3 active for the images of class 0.
Report small_report(const Labels& labels = {0, 0, 1, 1}) {
  Collection collection(small_network(), 8, {});
  SampleRows gates(4, 4), embeddings(4, 5), logits(4, 2);
  gates << 1, 0, 2, 1, 1, 0, 2, 1, 1, 0, 0, 0, 1, 0, 0, 0;
  embeddings << 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0, 1, 0, 0;
  logits << 3, 0, 3, 0, 0, 3, 3, 0;
  collection.add(gates, embeddings, logits, labels);
  Report report(std::move(collection),
                {"small", "four images", {"<script>", "a, \"b\""}, "w.safetensors", "rm"});
  report.thresholds = {{0.5, 4, 0.75, 0.25, 10}};
  return report;
}

std::vector<std::vector<std::string>> rows_of(const ReportTable& table) {
  std::vector<std::vector<std::string>> rows;
  table.rows([&](const std::vector<std::string>& cells) { rows.push_back(cells); });
  return rows;
}

/// The rows of a table.
std::vector<std::vector<std::string>> named(const Report& report, const std::string& name) {
  for (const ReportTable& table : report_tables(report)) {
    if (table.name == name) return rows_of(table);
  }
  FAIL("there is no table " << name);
  return {};
}

}  // namespace

TEST_CASE("a report says what it is of and holds the figures of each layer") {
  const json report = report_json(small_report());
  CHECK(report.at("format") == "deepmoe-report");
  CHECK(report.at("version") == 1);
  CHECK(report.at("model") == "small");
  CHECK(report.at("data") == "four images");
  CHECK(report.at("samples") == 4);
  CHECK(report.at("threshold") == 0);
  CHECK(report.at("notes").empty());
  CHECK(report.at("density") == 0.5);
  CHECK(report.at("dead_experts") == 1);
  CHECK(report.at("always_on_experts") == 1);
  CHECK(report.at("redundant_experts") == 1);
  CHECK(report.at("metrics").at("accuracy") == 0.75);
  CHECK(report.at("metrics").at("top") == 2);
  CHECK(report.at("thresholds").at(0).at("accuracy") == 0.75);
  const json& layer = report.at("layers").at(0);
  CHECK(layer.at("name") == "gate");
  CHECK(layer.at("utilisation") == json({1, 0, 0.5, 0.5}));
  CHECK(layer.at("mean_gate") == json({1, 0, 1, 0.5}));
  CHECK(layer.at("most_redundant").at(0).at("first") == 2);
  CHECK(layer.at("most_redundant").at(0).at("second") == 3);
  CHECK(layer.at("information").at(2).get<double>() > 0.9);
  CHECK(layer.at("information").at(0) == 0);
}

TEST_CASE("what one class leaves undefined is null and said in words") {
  const json report = report_json(small_report({0, 0, 0, 0}));
  CHECK(report.at("layers").at(0).at("information").is_null());
  CHECK(report.at("classes").at(1).at("recall").is_null());
  CHECK(report.at("class_order") == json({0}));
  REQUIRE(report.at("notes").size() == 1);
  CHECK(report.at("notes").at(0).get<std::string>().find("one class") != std::string::npos);
  CHECK(named(small_report({0, 0, 0, 0}), "class_activation")[0][3].empty());
}

TEST_CASE("every table has a cell for each heading in each row") {
  std::set<std::string> names;
  const Report report = small_report();
  for (const ReportTable& table : report_tables(report)) {
    CAPTURE(table.name);
    names.insert(table.name);
    const auto rows = rows_of(table);
    CHECK_FALSE(rows.empty());
    for (const auto& row : rows) CHECK(row.size() == table.headings.size());
  }
  CHECK(names.size() == 11);
}

TEST_CASE("tables hold the counts and shares of the classes") {
  const Report report = small_report();
  CHECK(named(report, "confusion")[1] == std::vector<std::string>{"a, \"b\"", "1", "1"});
  CHECK(named(report, "class_activation")[2] == std::vector<std::string>{"gate", "2", "1", "0"});
  CHECK(named(report, "experts")[3][2] == "0.5");
  CHECK(named(report, "thresholds")[0] == std::vector<std::string>{"0.5", "4", "0.75", "0.25", "10"});
}

TEST_CASE("cells with commas and quotes and line breaks are quoted") {
  CHECK(csv_row({"plain", "a,b"}) == "plain,\"a,b\"\r\n");
  CHECK(csv_row({"say \"x\"", "two\nlines"}) == "\"say \"\"x\"\"\",\"two\nlines\"\r\n");
  CHECK(csv_row({"<script>", ""}) == "<script>,\r\n");
}

TEST_CASE("a report says what removing its dead experts would save and which layers pay") {
  const json report = report_json(small_report());
  const json& removal = report.at("removal");
  CHECK(removal.at("dead") == 1);
  // The pool and the linear layer behind it read the dead expert's constant, without padding.
  CHECK(removal.at("removable") == 1);
  // Weights and bias of the convolution, head, norm, and the column of the linear layer.
  CHECK(removal.at("parameters_before").get<std::int64_t>() -
            removal.at("parameters_after").get<std::int64_t>() ==
        3 * 9 + 0 + 5 + 2 + 2);
  CHECK(report.at("compact_command") == "rm");
  CHECK(report.at("weights") == "w.safetensors");
  const json& layer = report.at("layers").at(0);
  // Half of the experts, of the convolution (27 taps, 64 pixels, 4 channels) and the linear layer (4 x 2).
  CHECK(layer.at("saved_macs") == 0.5 * (27 * 64 * 4 + 8));
  CHECK(layer.at("head_macs") == 4 * 5);
  CHECK(layer.at("pays") == true);
}

TEST_CASE("removal is of what compaction takes out whatever the threshold of the figures") {
  CollectionSettings settings;
  settings.threshold = 1.5;
  Collection collection(small_network(), 8, settings);
  // Expert 0 is above 0 alone, 1 is always 0.
  const SampleRows gates{{1, 0, 2, 2}, {0, 0, 2, 2}};
  collection.add(gates, SampleRows::Random(2, 5), SampleRows::Identity(2, 2), Labels{0, 1});
  const json report =
      report_json(Report(std::move(collection), {"small", "two images", {"a", "b"}, "w.safetensors", "rm"}));
  CHECK(report.at("dead_experts") == 2);
  CHECK(report.at("removal").at("dead") == 1);
  CHECK(report.at("removal").at("removable") == 1);
}

TEST_CASE("a report is written as JSON and one CSV for each table") {
  const TemporaryFolder temporary;
  const std::string folder = temporary.file("report");
  Report report = small_report();
  report.class_names[0] = "\xff";  // A folder's name need not be UTF-8.
  write_report(report, folder);
  const json read = json::parse(read_file(folder + "/report.json"));
  CHECK(read.at("samples") == 4);
  CHECK(read.dump().find("NaN") == std::string::npos);
  for (const ReportTable& table : report_tables(report)) {
    std::string text = csv_row(table.headings);
    table.rows([&](const std::vector<std::string>& cells) { text += csv_row(cells); });
    CHECK(read_file(folder + "/" + table.name + ".csv") == text);
  }
}
