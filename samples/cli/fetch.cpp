#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "handle.hpp"
#include "option_flags.hpp"
#include "subcommands.hpp"
#include "text.hpp"
#include "watch.hpp"

namespace deepmoe::command {
namespace {

using nlohmann::ordered_json;

struct Settings {
  OptionFlags flags;
  std::string dataset, url, sha256;
  bool json = false;
};

int fetch(Settings& settings) {
  if (settings.dataset.empty()) throw UsageError("fetch needs the name of a data set: cifar10 or cifar100");
  if (!settings.sha256.empty() && settings.url.empty()) throw UsageError("--sha256 goes with --url");
  const OptionsHandle options = settings.flags.configured();
  const std::string data_dir = option_value(options, "data_dir");
  ordered_json wishes = ordered_json::object();
  if (!settings.url.empty()) wishes["url"] = settings.url;
  if (!settings.sha256.empty()) wishes["sha256"] = settings.sha256;
  const std::string settings_json = wishes.dump();

  Watch watch(1);
  ordered_json result;
  const bool complete = watch.follow([&] {
    result = json_from(dmoe_fetch_dataset, settings.dataset.c_str(), data_dir.c_str(), settings_json.c_str(),
                       &Watch::receive, static_cast<void*>(&watch));
  });
  if (!complete) return stopped("; what was downloaded is kept, and the same command goes on from there");
  if (settings.json) {
    std::cout << result.dump(2) << "\n";
    return succeeded;
  }
  const bool fetched = result.at("fetched");
  std::cout << settings.dataset << (fetched ? " is in " : " was already in ") << data_dir << ": "
            << grouped(result.at("train_size")) << " images to train on, " << grouped(result.at("test_size"))
            << " to test with\n";
  return succeeded;
}

}  // namespace

void add_fetch(CLI::App& root, Action& action) {
  const auto settings = std::make_shared<Settings>();
  CLI::App& app = *root.add_subcommand("fetch", "Download a published data set");
  app.add_option("DATASET", settings->dataset, "cifar10 or cifar100")
      ->type_name("")
      ->check(CLI::IsMember({"cifar10", "cifar100"}));
  app.add_option("--url", settings->url, "Another http or https address of the archive [the publisher's]")
      ->type_name("URL");
  app.add_option("--sha256", settings->sha256,
                 "Its checksum, where the archive at --url is packed otherwise [the published one]")
      ->type_name("DIGITS");
  app.add_flag("--json", settings->json, "Print the result as JSON");
  settings->flags.add_to(app, {{}, {"data_dir"}});
  app.footer(
      "A data set that is there is left alone. An archive that lies in --data_dir under its own name is "
      "taken "
      "instead of a\n"
      "download. After an interruption the same command goes on where it stopped. Proxies are those of "
      "https_proxy and no_proxy.");
  app.callback([settings, &action] { action = [settings] { return fetch(*settings); }; });
}

}  // namespace deepmoe::command
