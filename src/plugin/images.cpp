#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "plugin/plugin_call.hpp"
#include "plugin/plugin_object.hpp"

namespace deepmoe {
namespace {

using nlohmann::json;

class Images final : public PluginImages {
 public:
  Images(std::shared_ptr<const Plugin> plugin, const dmoe_plugin_dataset& table, const std::string& split,
         const Options& options)
      : plugin_(std::move(plugin)),
        table_(table),
        part_{plugin_->file, concat("data set '", table.name, "'")} {
    file = plugin_->file;
    const std::string values = options.resolved().dump();
    call_plugin(part_, "open", table_.open, split.c_str(), values.c_str(), &dataset_);
    try {
      read_description();
      read_labels();
    } catch (...) {
      close();
      throw;
    }
  }
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;
  ~Images() override { close(); }

  void read(std::int64_t index, std::span<std::byte> pixels) const override {
    call_plugin(part_, "image", table_.image, dataset_, index, reinterpret_cast<std::uint8_t*>(pixels.data()),
                static_cast<std::int64_t>(pixels.size()));
  }

 private:
  void close() noexcept { release_plugin_object(part_, "close", table_.close, dataset_); }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorCode::format, part_.file, ": ", part_.name, ": ", parts...);
  }

  std::int64_t whole(const json& description, const char* key, std::int64_t least, std::int64_t most) const {
    const auto found = description.find(key);
    if (found == description.end() || !found->is_number_integer()) {
      refuse("its description has no whole number '", key, "'");
    }
    const bool too_large =
        found->is_number_unsigned() && found->get<std::uint64_t>() > static_cast<std::uint64_t>(most);
    if (too_large || found->get<std::int64_t>() < least || found->get<std::int64_t>() > most) {
      refuse("'", key, "' is ", found->dump(), ", must be ", least, " to ", most);
    }
    return found->get<std::int64_t>();
  }

  std::optional<std::array<float, 3>> three(const json& description, const char* key, float least) const {
    const auto found = description.find(key);
    if (found == description.end()) return std::nullopt;
    std::array<float, 3> numbers{};
    bool good = found->is_array() && found->size() == 3;
    for (std::size_t i = 0; good && i < 3; ++i) {
      numbers[i] = (*found)[i].is_number() ? (*found)[i].get<float>() : -1.0F;
      good = numbers[i] >= least && std::isfinite(numbers[i]);
    }
    if (!good) {
      refuse("'", key, "' is ", found->dump(), ", must be 3 numbers of at least ", least);
    }
    return numbers;
  }

  void read_class_names(const json& description) {
    constexpr std::int64_t most_classes = 1000000;
    if (description.contains("class_names")) {
      const json& names = description["class_names"];
      const auto is_text = [](const json& name) { return name.is_string(); };
      if (!names.is_array() || names.empty() || names.size() > most_classes ||
          !std::all_of(names.begin(), names.end(), is_text)) {
        refuse("'class_names' must be a list of 1 to ", most_classes, " texts");
      }
      class_names = names.get<std::vector<std::string>>();
      const auto count = static_cast<std::int64_t>(class_names.size());
      if (description.contains("num_classes") &&
          whole(description, "num_classes", 1, most_classes) != count) {
        refuse("'num_classes' is ", description["num_classes"].dump(), ", but there are ", count,
               " class names");
      }
      return;
    }
    const std::int64_t count = whole(description, "num_classes", 1, most_classes);
    for (std::int64_t i = 0; i < count; ++i) class_names.push_back(std::to_string(i));
  }

  void read_description() {
    const json description = json_from_plugin(part_, "describe", table_.describe, dataset_);
    if (!description.is_object()) refuse("its description is not an object");
    // Bounds of what is allocated for a description that may be garbage.
    constexpr std::int64_t largest_side = 8192, most_images = 100000000;
    size = whole(description, "size", 1, most_images);
    channels = whole(description, "channels", 1, 3);
    if (channels == 2) refuse("'channels' is 2, must be 1 (grey) or 3 (RGB)");
    height = whole(description, "height", 1, largest_side);
    width = whole(description, "width", 1, largest_side);
    read_class_names(description);
    mean = three(description, "mean", 0.0F);
    deviation = three(description, "deviation", 1e-6F);
    if (mean.has_value() != deviation.has_value())
      refuse("'mean' and 'deviation' must both be there, or none");
  }

  void read_labels() {
    constexpr std::int64_t unwritten = std::numeric_limits<std::int64_t>::min();
    try {
      labels.assign(static_cast<std::size_t>(size), unwritten);
    } catch (const std::exception&) {
      fail(ErrorCode::out_of_memory, part_.file, ": ", part_.name, ": there is no memory for ", size,
           " labels");
    }
    call_plugin(part_, "labels", table_.labels, dataset_, labels.data(), size);
    const auto classes = static_cast<std::int64_t>(class_names.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == unwritten) refuse("label ", i, " was not written");
      if (labels[i] < 0 || labels[i] >= classes) {
        refuse("label ", labels[i], " of image ", i, " is outside 0..", classes - 1);
      }
    }
  }

  const std::shared_ptr<const Plugin> plugin_;
  const dmoe_plugin_dataset table_;
  const PluginPart part_;
  void* dataset_ = nullptr;
};

}  // namespace

std::unique_ptr<PluginImages> open_plugin_images(const std::string& dataset, const std::string& split,
                                                 const Options& options) {
  const std::size_t colon = dataset.find(':');
  const std::string owner = dataset.substr(0, colon),
                    name = colon == std::string::npos ? "" : dataset.substr(colon + 1);
  std::vector<std::string> plugins, datasets;
  for (const std::shared_ptr<const Plugin>& plugin : loaded_plugins()) {
    plugins.push_back(plugin->name);
    if (plugin->name != owner) continue;
    for (const dmoe_plugin_dataset& table : plugin->datasets) {
      if (name == table.name) return std::make_unique<Images>(plugin, table, split, options);
      datasets.emplace_back(table.name);
    }
    fail(ErrorCode::not_found, "dataset is '", dataset, "', but the plugin ", plugin->file,
         " has no data set '", name, "'; it has ", datasets.empty() ? "none" : join(datasets), ".",
         suggestion(name, datasets));
  }
  fail(ErrorCode::not_found, "dataset is '", dataset, "', but no plugin '", owner,
       "' is loaded; name its file by option plugin",
       plugins.empty() ? "" : " (loaded: " + join(plugins) + ")");
}

}  // namespace deepmoe
