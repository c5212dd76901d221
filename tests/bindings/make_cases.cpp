// Writes what the tests of every binding share: cases.json (inputs, options, expected numbers) and
// network.safetensors (a gated network in which experts of every layer are inactive) to the folder that is
// its argument.
//
// Inputs follow rules that are short in any language: float i of the images is (i * 37 + 11) % 101 / 50 - 1,
// byte i is (i * 37 + 11) % 251, label i is i % num_classes.
#include <deepmoe.hpp>
#include <fstream>
#include <iostream>

namespace {

constexpr std::int64_t batch = 4, side = 32, classes = 3;

std::vector<float> float_images() {
  std::vector<float> images(batch * 3 * side * side);
  for (std::size_t i = 0; i < images.size(); ++i) {
    images[i] = static_cast<float>((i * 37 + 11) % 101) / 50.0F - 1.0F;
  }
  return images;
}

std::vector<std::uint8_t> byte_images() {
  std::vector<std::uint8_t> images(batch * 3 * side * side);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>((i * 37 + 11) % 251);
  return images;
}

std::vector<std::int64_t> labels() {
  std::vector<std::int64_t> labels(batch);
  for (std::int64_t i = 0; i < batch; ++i) labels[static_cast<std::size_t>(i)] = i % classes;
  return labels;
}

// Gate heads as after training: some experts are inactive, others than for the next image.
void write_network(const std::string& path) {
  const dmoe::Options options = {{"model", "vgg11_bn_moe"}, {"width", "0.03125"}, {"embedding_dim", "8"},
                                 {"num_classes", "3"},      {"image_size", "32"}, {"device", "cpu"},
                                 {"variant", "cifar"},      {"seed", "7"},       {"embedding_influence", "1"}};
  dmoe::Model model(options);
  const dmoe::Tensors state = model.state();
  dmoe::Tensors changed;
  for (const std::string& name : state.names()) {
    if (name.rfind("gating.", 0) != 0) {
      changed.add(name, state.get(name));
      continue;
    }
    std::vector<float> values = state.read(name);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 29 % 17) - 8.0F;
    changed.add(name, values, state.shape(name));
  }
  model.load_state(changed);
  model.save(path);
}

// A JSON array.
template <class Values>
std::string list(const Values& values) {
  std::ostringstream text;
  text.precision(9);
  const char* separator = "[";
  for (const auto& value : values) {
    text << separator << value;
    separator = ", ";
  }
  return text.str() + "]";
}

// The number that follows `"key":` in the library's JSON, behind the first `section`.
std::string number(const std::string& json, const std::string& section, const std::string& key) {
  const std::size_t start = json.find(':', json.find('"' + key + '"', json.find(section))) + 1;
  return json.substr(start, json.find_first_of(",}", start) - start);
}

// One refused option: the code, and words that the message must have.
std::string refusal(const char* name, const char* value, const std::string& words) {
  try {
    dmoe::Options().set(name, value);
  } catch (const dmoe::Error& error) {
    if (std::string(error.what()).find(words) == std::string::npos) throw;
    return std::string("{\"option\": \"") + name + "\", \"value\": \"" + value +
           "\", \"code\": " + std::to_string(error.code()) + ", \"status\": \"" +
           dmoe::status_name(error.code()) + "\", \"words\": \"" + words + "\"}";
  }
  throw std::runtime_error(std::string(name) + " was not refused");
}

std::string architecture_case() {
  const std::string values = R"({"model": "resnet18_moe", "num_classes": 10, "image_size": 32})";
  dmoe::Options options;
  options.set_json(values);
  const std::string description = dmoe::architecture_describe(options);
  const std::size_t totals = description.find("\"totals\"");
  return "{\"options\": " + values +
         ",\n  \"parameters\": " + number(description.substr(totals), "\"all\"", "parameters") +
         ", \"dense_macs\": " + number(description.substr(totals), "\"all\"", "dense_macs") + "}";
}

std::string engine_case(const std::string& network) {
  const dmoe::Engine engine(network);
  const auto images = float_images();
  const auto outputs = engine.run_outputs(images, batch, side, side);
  std::vector<float> given(outputs.gates.size());
  for (std::size_t i = 0; i < given.size(); ++i) given[i] = static_cast<float>(i % 3) * 1.5F;
  const auto with_given = engine.run_outputs(images, batch, side, side, given);
  std::int64_t macs = 0;
  const auto of_bytes = engine.run(byte_images(), batch, side, side, DMOE_LAYOUT_NHWC, &macs);
  return "{\"logits\": " + list(outputs.logits) + ",\n  \"embedding\": " + list(outputs.embedding) +
         ",\n  \"embedding_logits\": " + list(outputs.embedding_logits) +
         ",\n  \"gates\": " + list(outputs.gates) +
         ",\n  \"active_macs\": " + std::to_string(outputs.active_macs) +
         ",\n  \"given_gates\": " + list(given) +
         ",\n  \"logits_with_given_gates\": " + list(with_given.logits) +
         ",\n  \"bytes_nhwc\": {\"logits\": " + list(of_bytes) +
         ", \"active_macs\": " + std::to_string(macs) + "}}";
}

std::string training_case(const std::string& network) {
  const std::string values =
      R"({"optimizer": "sgd", "lr": 0.01, "momentum": 0.9, "batch_size": 2, "device": "cpu", "num_workers": 1, "lambda_val": 0.01})";
  dmoe::Options options;
  options.set_json(values);
  dmoe::Model model = dmoe::Model::load(network, options);
  dmoe::Trainer trainer(model, options);
  const auto images = float_images();
  const auto targets = labels();
  std::vector<double> losses(3);
  for (double& loss : losses) trainer.step(images, targets, side, side, &loss);
  const auto logits = model.forward(images, batch, side, side);
  const std::string figures =
      model.evaluate(dmoe::Dataset::of(images, targets, side, side, classes), &options);
  return "{\"options\": " + values + ",\n  \"losses\": " + list(losses) + ",\n  \"logits\": " + list(logits) +
         ",\n  \"evaluation\": {\"samples\": " + number(figures, "", "samples") +
         ", \"loss\": " + number(figures, "", "loss") + ", \"accuracy\": " + number(figures, "", "accuracy") +
         "}}";
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("usage: make_cases FOLDER");
  const std::string folder = argv[1];
  const std::string network = folder + "/network.safetensors";
  write_network(network);
  const std::vector<std::string> refusals = {refusal("epoch", "2", "epochs"),
                                             refusal("batch_size", "0", "batch_size"),
                                             refusal("optimizer", "sgdd", "sgd")};
  // Numbers differ by rounding between processors: `tolerance`, absolute and relative.
  std::ofstream(folder + "/cases.json")
      << "{\n \"tolerance\": 0.001,\n \"batch\": " << batch << ", \"side\": " << side
      << ", \"num_classes\": " << classes << ",\n \"refusals\": " << list(refusals)
      << ",\n \"architecture\": " << architecture_case() << ",\n \"engine\": " << engine_case(network)
      << ",\n \"training\": " << training_case(network) << "\n}\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
