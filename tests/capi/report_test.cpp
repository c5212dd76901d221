#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/small_network.hpp"
#include "deepmoe.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;
using nlohmann::json;

namespace {

struct Prepared {
  explicit Prepared(const json& more = json::object()) : arrays(12), model(small_model(more)) {
    check_succeeds([&](dmoe_error** error) {
      return dmoe_dataset_create_f32(arrays.images.data(), arrays.labels.data(), 12, side, side, classes,
                                     nullptr, nullptr, dataset.out(), error);
    });
    check_succeeds([&](dmoe_error** error) {
      return dmoe_engine_create_from_model(model, nullptr, engine.out(), error);
    });
  }
  int32_t create(const char* settings, dmoe_error** error) {
    return dmoe_report_create(engine, dataset, settings, nullptr, nullptr, report.out(), error);
  }

  Arrays arrays;
  Owned<dmoe_model> model;
  Owned<dmoe_dataset> dataset;
  Owned<dmoe_engine> engine;
  Owned<dmoe_report> report;
};

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "a host reads the figures of a report that outlives its engine") {
  Prepared prepared;
  check_succeeds([&](dmoe_error** error) { return prepared.create("{\"thresholds\": [0]}", error); });
  prepared.engine.reset();
  prepared.dataset.reset();
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_report_json(prepared.report, text.out(), error); });
  const json report = json::parse(take(text));
  CHECK(report.at("format") == "deepmoe-report");
  CHECK(report.at("samples") == 12);
  CHECK(report.at("class_names").size() == 4);
  CHECK(report.at("thresholds").at(0).at("accuracy") == report.at("metrics").at("accuracy"));

  const std::string layer = report.at("layers").at(0).at("name");
  int64_t shape[2] = {0, 0};
  CHECK(dmoe_report_matrix(prepared.report, "class_activation", layer.c_str(), nullptr, 0, shape, nullptr) ==
        DMOE_ERROR_INVALID_ARGUMENT);
  CHECK(shape[0] == 4);
  CHECK(shape[1] == report.at("layers").at(0).at("experts"));
  std::vector<double> confusion(16);
  check_succeeds([&](dmoe_error** error) {
    return dmoe_report_matrix(prepared.report, "confusion", nullptr, confusion.data(), 16, nullptr, error);
  });
  CHECK(confusion[0] + confusion[1] + confusion[2] + confusion[3] == 3);
  check_fails(DMOE_ERROR_NOT_FOUND, "confusion", [&](dmoe_error** error) {
    return dmoe_report_matrix(prepared.report, "confusoin", nullptr, confusion.data(), 16, nullptr, error);
  });
  check_fails(DMOE_ERROR_NOT_FOUND, "no gate 'x'", [&](dmoe_error** error) {
    return dmoe_report_matrix(prepared.report, "co_activation", "x", confusion.data(), 16, nullptr, error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "settings of a report are read strictly") {
  Prepared prepared;
  const auto refused = [&](const char* settings, int32_t status, const char* part) {
    check_fails(status, part, [&](dmoe_error** error) { return prepared.create(settings, error); });
  };
  refused("{\"treshold\": 1}", DMOE_ERROR_NOT_FOUND, "threshold");
  refused("{\"threshold\": -1}", DMOE_ERROR_INVALID_ARGUMENT, "threshold");
  refused("{\"thresholds\": 1}", DMOE_ERROR_INVALID_ARGUMENT, "array");
  refused("{\"top\": 0}", DMOE_ERROR_INVALID_ARGUMENT, "top");
  refused("[]", DMOE_ERROR_FORMAT, "settings_json");
}

TEST_CASE_FIXTURE(NoLeaks, "a dense network has no report") {
  const json dense = {{"model", "resnet18"}};
  Prepared prepared(dense);
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "dense",
              [&](dmoe_error** error) { return prepared.create(nullptr, error); });
}

TEST_CASE_FIXTURE(NoLeaks, "a callback ends a report") {
  Prepared prepared;
  const auto stop = [](int32_t, const char*, void*) -> int32_t { return 77; };
  CHECK(dmoe_report_create(prepared.engine, prepared.dataset, nullptr, stop, nullptr, prepared.report.out(),
                           nullptr) == 77);
}

TEST_CASE_FIXTURE(NoLeaks, "a report tells what training changes and the trainer may go on at once") {
  const Arrays arrays(12);
  const Owned<dmoe_options> options = small_options();
  Prepared prepared;
  Owned<dmoe_trainer> trainer;
  Owned<dmoe_report> before, after, compared;
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_trainer_create(prepared.model, options, trainer.out(), error); });
  // Inside the callback the trainer is free again: the report runs an engine of its own.
  const auto step = [](int32_t, const char*, void* data) -> int32_t {
    const Arrays more(2);
    return dmoe_trainer_step_f32(*static_cast<Owned<dmoe_trainer>*>(data), more.images.data(),
                                 more.labels.data(), 2, side, side, nullptr, nullptr);
  };
  check_succeeds([&](dmoe_error** error) {
    return dmoe_report_create_from_trainer(trainer, prepared.dataset, "{\"batch_size\": 4, \"threads\": 1}",
                                           step, &trainer, before.out(), error);
  });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_report_create_from_model(prepared.model, prepared.dataset, nullptr, nullptr, nullptr,
                                         after.out(), error);
  });
  check_succeeds(
      [&](dmoe_error** error) { return dmoe_report_compare(after, before, compared.out(), error); });
  Owned<dmoe_string> text;
  check_succeeds([&](dmoe_error** error) { return dmoe_report_json(compared, text.out(), error); });
  const json drift = json::parse(take(text)).at("drift");
  CHECK(drift.at("layers").size() == 16);
  CHECK(drift.at("parameters").empty());  // Neither report knows a file.

  CHECK(dmoe_report_layer(after, 0) != nullptr);
  CHECK(dmoe_report_layer(after, 16) == nullptr);
  CHECK(dmoe_report_layer(after, -1) == nullptr);
  check_fails(DMOE_ERROR_NOT_FOUND, "no setting 'threads'",
              [&](dmoe_error** error) { return prepared.create("{\"threads\": 1}", error); });
}

TEST_CASE_FIXTURE(
    NoLeaks, "reports of one class or image say so and those of no image or of NaN are refused in words") {
  Prepared prepared;
  const Arrays arrays(12);
  const std::vector<int64_t> same(12, 2);
  Owned<dmoe_dataset> one_class, one_image;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_f32(arrays.images.data(), same.data(), 12, side, side, classes, nullptr,
                                   nullptr, one_class.out(), error);
  });
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_f32(arrays.images.data(), same.data(), 1, side, side, classes, nullptr,
                                   nullptr, one_image.out(), error);
  });
  const TemporaryFolder folder;
  for (dmoe_dataset* const dataset :
       {static_cast<dmoe_dataset*>(one_class), static_cast<dmoe_dataset*>(one_image)}) {
    Owned<dmoe_report> report;
    check_succeeds([&](dmoe_error** error) {
      return dmoe_report_create(prepared.engine, dataset, nullptr, nullptr, nullptr, report.out(), error);
    });
    check_succeeds(
        [&](dmoe_error** error) { return dmoe_report_write(report, folder.file("r").c_str(), error); });
    Owned<dmoe_string> text;
    check_succeeds([&](dmoe_error** error) { return dmoe_report_json(report, text.out(), error); });
    const json figures = json::parse(take(text));
    CHECK(figures.at("layers").at(0).at("information").is_null());
    CHECK_FALSE(figures.at("notes").empty());
  }
  Owned<dmoe_dataset> nothing;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_f32(arrays.images.data(), same.data(), 0, side, side, classes, nullptr,
                                   nullptr, nothing.out(), error);
  });
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "holds no images", [&](dmoe_error** error) {
    return dmoe_report_create(prepared.engine, nothing, nullptr, nullptr, nullptr, prepared.report.out(),
                              error);
  });
  std::vector<float> broken(arrays.images.size(), std::numeric_limits<float>::quiet_NaN());
  Owned<dmoe_dataset> images;
  check_succeeds([&](dmoe_error** error) {
    return dmoe_dataset_create_f32(broken.data(), same.data(), 12, side, side, classes, nullptr, nullptr,
                                   images.out(), error);
  });
  check_fails(DMOE_ERROR_NUMERIC, "NaN", [&](dmoe_error** error) {
    return dmoe_report_create(prepared.engine, images, nullptr, nullptr, nullptr, prepared.report.out(),
                              error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "the wrapper makes and writes a report") {
  const Arrays arrays(12);
  const TemporaryFolder folder;
  REQUIRE(dmoe_model_save(small_model(), folder.file("m.safetensors").c_str(), nullptr) == DMOE_OK);
  const dmoe::Model model = dmoe::Model::load(folder.file("m.safetensors"));
  const dmoe::Dataset dataset = dmoe::Dataset::of(arrays.images, arrays.labels, side, side, classes);
  const dmoe::Report report(model.compile(), dataset);
  const dmoe::Report::Matrix similarity = report.matrix("class_similarity");
  CHECK(similarity.rows == 4);
  CHECK(similarity.values[0] == doctest::Approx(1));
  report.write(folder.file("report"));
  CHECK(std::filesystem::exists(folder.file("report/report.json")));
  CHECK(std::filesystem::exists(folder.file("report/layers.csv")));
  CHECK(std::filesystem::exists(folder.file("report/report.html")));
  const json figures = json::parse(report.json());
  REQUIRE(report.layers().size() == figures.at("layers").size());
  CHECK(report.layers()[0] == figures.at("layers").at(0).at("name"));
  const dmoe::Report::Matrix shares = report.matrix("utilisation", report.layers()[0]);
  CHECK(shares.values == figures.at("layers").at(0).at("utilisation"));
  CHECK(report.matrix("embedding").columns == 3);
  CHECK_THROWS_AS(report.matrix("nothing"), dmoe::Error);
}
