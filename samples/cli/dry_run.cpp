#include "dry_run.hpp"

#include <cstdint>

#include "table.hpp"
#include "text.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

std::string count(const ordered_json& result, const char* key) {
  return grouped(static_cast<std::int64_t>(number_or(result, key, 0)));
}

std::string file_names(const ordered_json& files) {
  std::string names;
  double bytes = 0;
  for (const ordered_json& file : files) {
    // TensorBoard's files have a time and a process in their names, which will be others.
    std::string name = file.at("name");
    if (name.rfind("events.out.tfevents.", 0) == 0) name = "events.out.tfevents.*";
    names += (names.empty() ? "" : ", ") + name;
    bytes += number_or(file, "bytes", 0);
  }
  return names + " (" + magnitude(bytes) + "B after one epoch)";
}

}  // namespace

std::string dry_run_text(const ordered_json& result) {
  Table table;
  table.wrap_last_column(100);
  table.add({"network", result.at("model").get<std::string>() + " on " +
                            result.at("device").get<std::string>() + ", " + count(result, "parameters") +
                            " parameters, " + magnitude(number_or(result, "dense_macs", 0)) +
                            " dense MACs an image"});
  table.add({"images", count(result, "train_size") + " for training, " + count(result, "validation_size") +
                           " for validation, " + count(result, "batch_size") + " in a batch"});
  table.add({"steps", count(result, "epochs") + " epochs of " + count(result, "steps_per_epoch") + " steps"});
  table.add({"optimizer", result.at("optimizer").get<std::string>() + ", lr " + result.at("lr").dump() +
                              ", schedule " + result.at("schedule").get<std::string>()});
  table.add({"folder", result.at("out").get<std::string>()});
  table.add({"files", file_names(result.at("files"))});
  std::string tried = "loss " + fixed(number_or(result, "loss", 0), 4) + " in the first step";
  if (has_number(result, "validation_loss")) {
    tried += ", " + fixed(number_or(result, "validation_loss", 0), 4) + " on a validation batch after it";
  }
  table.add({"tried", tried});
  return "A run would do this:\n" + table.text("  ") + "dry run: everything worked in " +
         duration(number_or(result, "seconds", 0)) + ", and nothing of it was kept\n";
}

}  // namespace deepmoe::command
