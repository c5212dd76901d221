#include "evaluation_data.hpp"

namespace deepmoe::command {

DatasetHandle open_evaluation_data(const OptionsHandle& options, const OptionFlags& flags,
                                   const std::string& split) {
  // Files have the classes that they have; fewer than the network tells apart are welcome.
  const bool generated = option_value(options, "dataset") == "synthetic";
  if (!generated && !flags.given("num_classes")) set_option(options, "num_classes", "0");
  DatasetHandle dataset;
  call(dmoe_dataset_open, static_cast<const dmoe_options*>(options.get()), split.c_str(), dataset.out());
  return dataset;
}

}  // namespace deepmoe::command
