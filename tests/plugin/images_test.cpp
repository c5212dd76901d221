#include <dlfcn.h>
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/require_error.hpp"
#include "plugin/plugin.hpp"
#include "plugin_files.hpp"

using namespace deepmoe;

namespace {

std::unique_ptr<PluginImages> open(const std::string& file, const std::string& name) {
  load_plugin(plugin_file(file));
  return open_plugin_images(name, "train", Options());
}

std::vector<int> pixels(const PluginImages& images, std::int64_t index) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(images.channels * images.height * images.width));
  images.read(index, bytes);
  std::vector<int> numbers;
  for (const std::byte value : bytes) numbers.push_back(std::to_integer<int>(value));
  return numbers;
}

/// How many objects of the plugin "faulty" live.
int faulty_objects() {
  void* const library = dlopen(plugin_file("faulty").c_str(), RTLD_NOW | RTLD_NOLOAD);
  REQUIRE(library != nullptr);
  return reinterpret_cast<int (*)()>(dlsym(library, "deepmoe_test_objects"))();
}

}  // namespace

TEST_CASE("a plugin's images and labels are as it says") {
  const auto images = open("first_version", "first:ramps");
  CHECK(images->size == 4);
  CHECK(images->channels == 1);
  CHECK(images->height == 8);
  CHECK(images->width == 6);
  CHECK(images->class_names == std::vector<std::string>{"0", "1"});
  CHECK(images->labels == std::vector<std::int64_t>{0, 1, 0, 1});
  CHECK(images->mean == std::array<float, 3>{0, 0, 0});
  const std::vector<int> second = pixels(*images, 1);
  CHECK(second[0] == 10);
  CHECK(second[11] == 15);
  require_error(ErrorCode::io, {plugin_file("first_version"), "data set 'ramps'", "image 3 is lost"},
                [&] { pixels(*images, 3); });
}

TEST_CASE("the sample's halves are different images") {
  const auto train = open("sample_dataset", "sample:stripes");
  const auto test = open_plugin_images("sample:stripes", "test", Options());
  CHECK(train->class_names == std::vector<std::string>{"lying", "standing", "leaning"});
  CHECK(train->size > test->size);
  CHECK(pixels(*train, 0) == pixels(*train, 0));
  CHECK(pixels(*train, 0) != pixels(*test, 0));
}

TEST_CASE("data sets that fail or throw are refused with the file and the reason") {
  const std::vector<std::tuple<const char*, ErrorCode, const char*>> cases = {
      {"open_fails", ErrorCode::not_found, "there are no images"},
      {"open_throws", ErrorCode::internal, "opened too far"},
      {"describe_throws", ErrorCode::internal, "of unknown type"},
      {"no_json", ErrorCode::format, "is not JSON: '{not json'"},
      {"no_object", ErrorCode::format, "not an object"},
      {"no_size", ErrorCode::format, "no whole number 'size'"},
      {"negative_size", ErrorCode::format, "'size' is -4"},
      {"huge_size", ErrorCode::format, "'size' is 18446744073709551615"},
      {"two_channels", ErrorCode::format, "'channels' is 2"},
      {"huge_side", ErrorCode::format, "'height' is 1000000"},
      {"fraction", ErrorCode::format, "no whole number 'height'"},
      {"names_differ", ErrorCode::format, "there are 3 class names"},
      {"mean_alone", ErrorCode::format, "'mean' and 'deviation'"},
      {"mean_infinite", ErrorCode::format, "'mean' is [1e+300,0,0]"},
      {"labels_fail", ErrorCode::format, "without a reason"},
      {"labels_outside", ErrorCode::format, "label 2 of image 0 is outside 0..1"},
      {"labels_missing", ErrorCode::format, "label 3 was not written"}};
  for (const auto& [name, code, reason] : cases) {
    CAPTURE(name);
    require_error(code, {plugin_file("faulty"), concat("data set '", name, "'"), reason},
                  [&] { open("faulty", concat("faulty:", name)); });
    CHECK(faulty_objects() == 0);
  }
}

TEST_CASE("an image that fails or throws is an error with the file and the reason") {
  for (const auto& [name, code, reason] : std::vector<std::tuple<const char*, ErrorCode, const char*>>{
           {"image_fails", ErrorCode::io, "the image is gone"},
           {"image_throws", ErrorCode::internal, "the image burst"},
           {"image_silent", ErrorCode::internal, "status -7, without a reason"}}) {
    const auto images = open("faulty", concat("faulty:", name));
    CHECK(faulty_objects() == 1);
    require_error(code, {plugin_file("faulty"), reason}, [&] { pixels(*images, 0); });
  }
  CHECK(faulty_objects() == 0);
}

TEST_CASE("an unknown plugin or data set is refused with those there are") {
  load_plugin(plugin_file("sample_dataset"));
  require_error(ErrorCode::not_found,
                {plugin_file("sample_dataset"), "no data set 'stripe'", "Did you mean 'stripes'?"},
                [] { open_plugin_images("sample:stripe", "train", Options()); });
  require_error(ErrorCode::not_found, {"no plugin 'simple' is loaded", "option plugin", "sample"},
                [] { open_plugin_images("simple:stripes", "train", Options()); });
}
