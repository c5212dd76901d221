#include "training/dry_run.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/base.hpp"
#include "storage/storage.hpp"
#include "training/trainer.hpp"

namespace deepmoe {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A folder within a run's own, so that what it holds is on the same disk; gone afterwards, with all that was
/// made for it.
class RehearsalFolder {
 public:
  explicit RehearsalFolder(const std::string& out) {
    if (out.empty()) return;
    fs::path missing = out;
    for (std::error_code ignored; !missing.empty() && !fs::exists(missing, ignored);
         missing = missing.parent_path()) {
      made_.push_back(missing);
    }
    make_folder(out);
    std::string name = out + "/.dry_run-XXXXXX";
    const bool made = ::mkdtemp(name.data()) != nullptr;
    const int reason = errno;
    if (!made) {
      remove();
      fail(ErrorCode::io, "can't write into the folder '", out,
           "': ", std::generic_category().message(reason));
    }
    path_ = name;
  }
  ~RehearsalFolder() { remove(); }
  RehearsalFolder(const RehearsalFolder&) = delete;
  RehearsalFolder& operator=(const RehearsalFolder&) = delete;

  const std::string& path() const { return path_; }

  json files() const {
    json files = json::array();
    if (path_.empty()) return files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path_)) {
      if (!entry.is_regular_file()) continue;
      files.push_back(
          {{"name", entry.path().lexically_relative(path_).string()}, {"bytes", entry.file_size()}});
    }
    std::sort(files.begin(), files.end(), [](const json& a, const json& b) { return a["name"] < b["name"]; });
    return files;
  }

 private:
  void remove() const {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
    // Only empty ones go.
    for (const fs::path& folder : made_) fs::remove(folder, ignored);
  }

  std::string path_;
  std::vector<fs::path> made_;  ///< the innermost first
};

/// Puts the weights back, and drops the gradients, when a rehearsal ends, however it ends.
class KeptWeights {
 public:
  explicit KeptWeights(Network& network) : network_(network), frozen_(network.embedding_frozen()) {
    const c10::NoGradGuard no_gradient;
    for (const Network::Entry& entry : network.state()) copies_.push_back(entry.tensor.detach().clone());
  }
  ~KeptWeights() {
    const c10::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < copies_.size(); ++i) {
      at::Tensor tensor = network_.state()[i].tensor;
      tensor.copy_(copies_[i]);
      tensor.mutable_grad().reset();
    }
    network_.freeze_embedding(frozen_);
  }
  KeptWeights(const KeptWeights&) = delete;
  KeptWeights& operator=(const KeptWeights&) = delete;

 private:
  Network& network_;
  const bool frozen_;
  std::vector<at::Tensor> copies_;
};

Options rehearsal_options(const Options& options, const std::string& out) {
  Options changed = options;
  changed.set("dry_run", "false");
  changed.set("out", out);
  changed.set("resume", "");
  changed.set("epochs", "1");
  // The last epochs do without the gate loss, and that must be rehearsed.
  changed.set("freeze_epochs", "0");
  return changed;
}

json plan(const Trainer::Implementation& trainer, const Dataset& train, const Dataset* validation) {
  const Model& model = *trainer.model;
  const Options& options = trainer.options;
  return {{"model", model.architecture().model},
          {"device", model.device()},
          {"epochs", options.integer("epochs")},
          {"steps_per_epoch",
           count_batches(train.size(), training_loader_options(train, options, 0, trainer.shard()))},
          {"train_size", train.size()},
          {"validation_size", validation != nullptr ? validation->size() : 0},
          {"out", options.text("out")},
          {"dry_run", true}};
}

}  // namespace

json dry_run(const Trainer::Implementation& trainer, const std::shared_ptr<const Dataset>& train,
             const std::shared_ptr<const Dataset>& validation, const EventCallback& callback) {
  const auto start = std::chrono::steady_clock::now();
  const Options& options = trainer.options;
  const std::int64_t batch_size = options.integer("batch_size");
  // Of all processes of a distributed run.
  const std::int64_t images = batch_size * trainer.processes->size();
  json result = plan(trainer, *train, validation.get());

  // Process 0 writes for all.
  const RehearsalFolder folder(trainer.processes->rank() == 0 ? options.text("out") : std::string());
  const KeptWeights kept(trainer.network);
  const EventCallback forward = [&](Event event, const json& details) {
    return callback ? callback(event, event == Event::start ? result : details) : 0;
  };
  const json summary = Trainer(trainer.model, rehearsal_options(options, folder.path()), trainer.processes)
                           .fit(first_images(train, images * trainer.accumulation),
                                validation ? first_images(validation, images) : nullptr, forward);

  result["batch_size"] = batch_size;
  for (const char* name : {"optimizer", "schedule"}) result[name] = options.text(name);
  result["lr"] = options.real("lr");
  for (const char* name : {"parameters", "dense_macs"}) result[name] = summary.at(name);
  result["loss"] = summary.at("train_loss");
  if (summary.contains("loss")) result["validation_loss"] = summary["loss"];
  result["files"] = folder.files();
  result["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace deepmoe
