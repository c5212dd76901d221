#include "analysis/report_drift.hpp"

#include <doctest/doctest.h>

#include <span>

#include "analysis/report.hpp"
#include "architecture/build.hpp"
#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;
using Labels = std::vector<std::int64_t>;

namespace {

Report report_of(const SampleRows& gates, const Labels& labels = {0, 1}, const std::string& weights = {},
                 const Architecture& network = small_network()) {
  Collection collection(network, 8, {});
  const auto count = static_cast<Eigen::Index>(labels.size());
  collection.add(gates, SampleRows::Random(count, 5), SampleRows::Identity(count, 2), labels);
  return Report(std::move(collection), {"small", "images", {"a", "b"}, weights, ""});
}

/// Every parameter of the network as a tensor of `value`.
void write_weights(const std::string& path, float value) {
  std::vector<std::vector<float>> memory;
  std::vector<TensorView> tensors;
  const std::vector<ParameterSpecification> entries = parameter_specifications(small_network());
  memory.reserve(entries.size());
  for (const ParameterSpecification& entry : entries) {
    if (entry.is_integer) continue;
    std::size_t elements = 1;
    for (const std::int64_t side : entry.shape) elements *= static_cast<std::size_t>(side);
    memory.emplace_back(elements, entry.name == "fc.bias" ? 1.0F : value);
    tensors.push_back({entry.name, DataType::f32, entry.shape, std::as_bytes(std::span(memory.back()))});
  }
  write_safetensors(path, tensors, {});
}

}  // namespace

TEST_CASE("drift tells what changed between two states of a network") {
  const TemporaryFolder folder;
  const std::string before = folder.file("before.safetensors"), after = folder.file("after.safetensors");
  write_weights(before, 1);
  write_weights(after, 1.5F);
  const Report one = report_of(SampleRows{{1, 0, 1, 1}, {1, 0, 0, 1}}, {0, 1}, before);
  const Report two = report_of(SampleRows{{1, 1, 0, 0}, {1, 1, 0, 1}}, {0, 1}, after);
  const ReportDrift drift = report_drift(two, one);
  CHECK(drift.reference == before);
  CHECK(*drift.before.accuracy == 1);
  CHECK(drift.before.density == 0.625);
  CHECK(drift.after.density == 0.625);
  CHECK(drift.before.dead_experts == 1);
  REQUIRE(drift.layers.size() == 1);
  const ReportDrift::Layer& layer = drift.layers[0];
  CHECK(layer.name == "gate");
  CHECK(layer.routing.mean == doctest::Approx((0 + 1 + 0.5 + 0.5) / 4));
  CHECK(layer.routing.largest == 1);
  CHECK(layer.routing.died == 1);
  CHECK(layer.routing.revived == 1);
  CHECK(layer.class_activation == doctest::Approx((3 + 1) / 8.0));
  for (const ReportDrift::Parameter& parameter : drift.parameters) {
    CAPTURE(parameter.name);
    CHECK(*parameter.drift.relative == doctest::Approx(parameter.name == "fc.bias" ? 0 : 0.5));
    CHECK(*parameter.drift.cosine == doctest::Approx(1));
  }
  CHECK(drift.parameters.size() > 5);
}

TEST_CASE("a network does not drift from itself and without weights no parameter is compared") {
  const Report report = report_of(SampleRows{{1, 0, 1, 1}, {1, 0, 0, 1}});
  const ReportDrift drift = report_drift(report, report);
  CHECK(drift.layers[0].routing.largest == 0);
  CHECK(drift.layers[0].class_activation == 0);
  CHECK(drift.parameters.empty());
}

TEST_CASE("reports that do not belong together are refused and say why") {
  const SampleRows gates{{1, 0, 1, 1}, {1, 0, 0, 1}};
  const Report report = report_of(gates);
  require_error(ErrorCode::invalid_argument, {"labels"},
                [&] { report_drift(report, report_of(gates, {1, 1})); });
  require_error(ErrorCode::invalid_argument, {"number of images", "1", "2"},
                [&] { report_drift(report, report_of(gates.topRows(1), {0})); });
  Architecture other = small_network();
  other.nodes[5].name = "door";
  require_error(ErrorCode::invalid_argument, {"name of a gate", "door"},
                [&] { report_drift(report, report_of(gates, {0, 1}, {}, other)); });
  Architecture wider = small_network();
  std::get<Convolution>(wider.nodes[4].operation).channels = 5;
  require_error(ErrorCode::invalid_argument, {"experts of gate", "4", "5"},
                [&] { report_drift(report, report_of(SampleRows::Ones(2, 5), {0, 1}, {}, wider)); });
}

TEST_CASE("weights that are gone are an error that names them") {
  const SampleRows gates{{1, 0, 1, 1}, {1, 0, 0, 1}};
  const Report lost = report_of(gates, {0, 1}, "/none/lost.safetensors");
  require_error(ErrorCode::not_found, {"lost.safetensors"}, [&] { report_drift(lost, lost); });
}
