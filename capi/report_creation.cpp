#include "report_creation.hpp"

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "analysis/analysis.hpp"
#include "base/base.hpp"

namespace deepmoe::capi {
namespace {

/// Every image of a data set once; tells the callback how far it is.
class Pass {
 public:
  Pass(const Engine& engine, std::shared_ptr<const Dataset> dataset, const LoaderOptions& options,
       EventCallback callback)
      : samples_(dataset->size()), callback_(std::move(callback)) {
    const Transform transform = evaluation_transform(*dataset, engine.image_size());
    loader_ = std::make_unique<Loader>(std::move(dataset), transform, options);
  }

  bool operator()(LabelledImages& images) {
    if (done_ > 0) tell();
    Batch batch;
    if (!loader_->next(batch)) return false;
    images = {batch.images, std::span(batch.labels, static_cast<std::size_t>(batch.size))};
    done_ += batch.size;
    return true;
  }

 private:
  void tell() const {
    if (!callback_) return;
    const std::int32_t answer = callback_(Event::validation, {{"done", done_}, {"samples", samples_}});
    if (answer != 0) throw Cancelled(answer);
  }

  std::int64_t samples_, done_ = 0;
  EventCallback callback_;
  std::unique_ptr<Loader> loader_;
};

void check_dataset(const Engine& engine, const Dataset& dataset) {
  if (dataset.size() == 0) {
    fail(ErrorCode::invalid_argument, dataset.description(), " holds no images; there is nothing to analyse");
  }
  const std::int64_t classes = engine.architecture().num_classes();
  if (dataset.num_classes() > classes) {
    fail(ErrorCode::invalid_argument, dataset.description(), " has ", dataset.num_classes(),
         " classes, but the network tells ", classes, " apart");
  }
}

/// A name for each class of the network: the data set's, the network's, or its number.
std::vector<std::string> names_of(const Engine& engine, const EngineData& data, const Dataset& dataset) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < engine.architecture().num_classes(); ++i) {
    const auto place = static_cast<std::size_t>(i);
    if (place < dataset.class_names().size()) {
      names.push_back(dataset.class_names()[place]);
    } else if (place < data.class_names.size()) {
      names.push_back(data.class_names[place]);
    } else {
      names.push_back(std::to_string(i));
    }
  }
  return names;
}

/// Adds the curves of the training whose folder holds the weights, or else is `run`.
void add_run_curves(Report& report, const std::string& run) {
  if (report.weights.empty() && run.empty()) return;
  const std::filesystem::path folder = report.weights.empty()
                                           ? std::filesystem::path(run)
                                           : std::filesystem::path(report.weights).parent_path();
  try {
    report.run = read_run_curves((folder / "metrics.csv").string());
  } catch (const Error& error) {
    // Somebody else's file of that name is no reason to go without a report.
    report.notes.push_back(concat("the curves of the training are left out: ", error.what()));
  }
}

/// A word as a shell takes it.
std::string quoted(const std::string& word) {
  constexpr const char* harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,=+-@%";
  if (!word.empty() && word.find_first_not_of(harmless) == std::string::npos) return word;
  std::string text = "'";
  for (const char character : word) {
    if (character == '\'') {
      text += "'\\''";
    } else {
      text += character;
    }
  }
  return text + "'";
}

}  // namespace

Report make_report(const Engine& engine, const EngineData& data,
                   const std::shared_ptr<const Dataset>& dataset, const ReportSettings& settings,
                   const std::string& run, const EventCallback& callback) {
  check_dataset(engine, *dataset);
  const auto pass_over = [&](const auto& use) {
    Pass pass(engine, dataset, settings.loader, callback);
    return use(ImageSource(std::ref(pass)));
  };
  Report report(
      pass_over([&](const ImageSource& images) { return collect(engine, images, settings.collection); }),
      {engine.architecture().model, dataset->description(), names_of(engine, data, *dataset),
       settings.weights, settings.compact_command});
  if (!settings.thresholds.empty()) {
    report.thresholds = pass_over(
        [&](const ImageSource& images) { return threshold_curve(engine, images, settings.thresholds); });
  }
  add_run_curves(report, run);
  return report;
}

EngineSettings report_engine_settings(const Model& model, const ReportSettings& settings) {
  EngineSettings engine;
  engine.image_size = model.options().integer("image_size");
  engine.threads = settings.threads.value_or(static_cast<int>(model.options().integer("threads")));
  return engine;
}

std::string compact_command(const std::string& weights, const Options& options, const std::string& split) {
  const std::filesystem::path file = weights.empty() ? "WEIGHTS.safetensors" : weights;
  const std::string dataset = options.text("dataset");
  std::string command =
      "deepmoe compact --weights " + quoted(file.string()) + " --dataset " + quoted(dataset);
  if (dataset.find(':') != std::string::npos) command += " --plugin " + quoted(options.text("plugin"));
  if (dataset != "synthetic") command += " --data_dir " + quoted(options.text("data_dir"));
  if (dataset == "synthetic") {
    // How many images there are decides which experts are dead.
    command += concat(" --synthetic_test_size ", options.integer("synthetic_test_size"));
    if (split == "train")
      command += concat(" --synthetic_train_size ", options.integer("synthetic_train_size"));
  }
  std::filesystem::path smaller = file;
  smaller.replace_filename(file.stem().string() + "-compact.safetensors");
  return command + " --split " + split + " --out " + quoted(smaller.string());
}

}  // namespace deepmoe::capi
