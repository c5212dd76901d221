/// deepmoe.hpp: the C ABI of libdeepmoe for C++17 and newer. Header only; needs nothing but
/// deepmoe_runtime.h, deepmoe.h and the standard library. The C headers are the manual; here is what differs:
///
/// - Objects are move-only classes that release themselves. A moved-from object may only be assigned or
/// destroyed.
/// - A status other than DMOE_OK becomes a dmoe::Error with that code.
/// - Callbacks are std::function. What they throw is carried over the C frames and thrown again by the call.
/// - Arrays are dmoe::Span, which std::vector and std::array turn into.
///
/// A program that links libdeepmoe_runtime alone leaves out data sets, models and training; where deepmoe.h
/// is not installed, or DEEPMOE_RUNTIME_ONLY is defined, they are not even declared.
#ifndef DEEPMOE_HPP
#define DEEPMOE_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <limits>
#include <locale>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if !defined(DEEPMOE_RUNTIME_ONLY) && __has_include("deepmoe.h")
#define DEEPMOE_HAS_TRAINING 1
#include "deepmoe.h"
#else
#define DEEPMOE_HAS_TRAINING 0
#include "deepmoe_runtime.h"
#endif

namespace dmoe {

/// A failed call. code() is a DMOE_ERROR_*, or the non-zero value that a callback returned.
class Error : public std::runtime_error {
 public:
  Error(std::int32_t code, const std::string& message) : std::runtime_error(message), code_(code) {}
  std::int32_t code() const noexcept { return code_; }

 private:
  std::int32_t code_;
};

/// Elements that somebody else owns.
template <class T>
class Span {
 public:
  constexpr Span() noexcept = default;
  constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  /// Of anything with data() and size() whose elements are T.
  template <class Container,
            class = std::enable_if_t<std::is_convertible_v<
                std::remove_pointer_t<decltype(std::declval<Container&>().data())> (*)[], T (*)[]>>>
  constexpr Span(Container&& elements) noexcept : data_(elements.data()), size_(elements.size()) {}
  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

namespace detail {

inline void check(std::int32_t status, dmoe_error* error) {
  if (status == DMOE_OK) return;
  const std::unique_ptr<dmoe_error, void (*)(dmoe_error*)> owner(error, &dmoe_error_release);
  throw Error(status, error != nullptr ? dmoe_error_message(error) : dmoe_status_name(status));
}

/// Calls a C function with these arguments and an error at the end.
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments) {
  dmoe_error* error = nullptr;
  const std::int32_t status = function(arguments..., &error);
  check(status, error);
}

/// The same for a function that gives a dmoe_string before the error.
template <class Function, class... Arguments>
std::string text(Function function, Arguments... arguments) {
  dmoe_string* string = nullptr;
  call(function, arguments..., &string);
  const std::unique_ptr<dmoe_string, void (*)(dmoe_string*)> owner(string, &dmoe_string_release);
  return std::string(dmoe_string_data(string), static_cast<std::size_t>(dmoe_string_size(string)));
}

/// Owns one C object.
template <class T, void (*release)(T*)>
class Object {
 public:
  explicit Object(T* handle) noexcept : handle_(handle) {}
  /// For calling the C functions directly; it stays owned here.
  T* handle() const noexcept { return handle_.get(); }

 private:
  struct Release {
    void operator()(T* handle) const noexcept { release(handle); }
  };
  std::unique_ptr<T, Release> handle_;
};

/// Makes an object with a C function that gives it before the error.
template <class T, class Function, class... Arguments>
T* made(Function function, Arguments... arguments) {
  T* handle = nullptr;
  call(function, arguments..., &handle);
  return handle;
}

inline void expect_size(std::size_t size, std::int64_t count, std::int64_t image_elements, const char* what) {
  if (static_cast<std::int64_t>(size) == count * image_elements) return;
  throw Error(DMOE_ERROR_INVALID_ARGUMENT, std::string(what) + " has " + std::to_string(size) +
                                               " elements, must have " + std::to_string(count) + " x " +
                                               std::to_string(image_elements));
}

}  // namespace detail

/// "major.minor.patch" of the library that is linked.
inline std::string version() { return dmoe_version(); }
inline std::int32_t abi_version() noexcept { return dmoe_abi_version(); }
inline std::string status_name(std::int32_t status) { return dmoe_status_name(status); }
/// Living objects of a kind (DMOE_KIND_*).
inline std::int64_t live_objects(std::int32_t kind = DMOE_KIND_ALL) noexcept {
  return dmoe_live_objects(kind);
}

/// Receives (level, message). What it throws is dropped, as there is no call to throw it from.
using LogCallback = std::function<void(std::int32_t, const char*)>;

/// Replaces the receiver of the process's log messages; an empty one restores the default.
inline void set_log_callback(LogCallback callback) {
  static std::mutex mutex;
  static std::unique_ptr<LogCallback> current;
  auto next = callback ? std::make_unique<LogCallback>(std::move(callback)) : nullptr;
  const dmoe_log_callback receiver = [](std::int32_t level, const char* message,
                                        void* user_data) -> std::int32_t {
    try {
      (*static_cast<LogCallback*>(user_data))(level, message);
    } catch (...) {
    }
    return 0;
  };
  const std::lock_guard<std::mutex> lock(mutex);
  detail::call(&dmoe_set_log_callback, next ? receiver : nullptr, static_cast<void*>(next.get()));
  current = std::move(next);  // The former one is not called any more.
}

/// Values for the options of the library.
class Options : public detail::Object<dmoe_options, &dmoe_options_release> {
 public:
  Options() : Object(detail::made<dmoe_options>(&dmoe_options_create)) {}
  /// E.g. {{"model", "resnet18_moe"}, {"epochs", "2"}}.
  Options(std::initializer_list<std::pair<const char*, const char*>> values) : Options() {
    for (const auto& [name, value] : values) set(name, value);
  }
  explicit Options(dmoe_options* handle) noexcept : Object(handle) {}

  Options copy() const { return Options(detail::made<dmoe_options>(&dmoe_options_copy, handle())); }

  Options& set(const std::string& name, const std::string& value) {
    detail::call(&dmoe_options_set, handle(), name.c_str(), value.c_str());
    return *this;
  }
  Options& set(const std::string& name, const char* value) { return set(name, std::string(value)); }
  /// A number or a boolean.
  template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
  Options& set(const std::string& name, Number value) {
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    stream.precision(std::numeric_limits<Number>::max_digits10);
    stream << std::boolalpha << value;
    return set(name, stream.str());
  }
  Options& set_json(const std::string& json) {
    detail::call(&dmoe_options_set_json, handle(), json.c_str());
    return *this;
  }
  Options& load_file(const std::string& path) {
    detail::call(&dmoe_options_load_file, handle(), path.c_str());
    return *this;
  }
  Options& read_environment() {
    detail::call(&dmoe_options_read_environment, handle());
    return *this;
  }
  std::string get(const std::string& name) const {
    return detail::text(&dmoe_options_get, handle(), name.c_str());
  }
  std::string to_json() const { return detail::text(&dmoe_options_to_json, handle()); }
  static std::string schema() { return detail::text(&dmoe_options_schema); }
};

/// JSON array of the names that option `model` takes.
inline std::string architecture_names() { return detail::text(&dmoe_architecture_names); }
inline std::string architecture_json(const Options& options) {
  return detail::text(&dmoe_architecture_json, options.handle());
}
inline std::string architecture_describe(const Options& options) {
  return detail::text(&dmoe_architecture_describe, options.handle());
}
inline std::string architecture_text(const Options& options) {
  return detail::text(&dmoe_architecture_text, options.handle());
}

/// A shared library that adds data sets, observers, backbones and gate metrics. It stays loaded when this is
/// gone.
class Plugin : public detail::Object<dmoe_plugin, &dmoe_plugin_release> {
 public:
  explicit Plugin(const std::string& path)
      : Object(detail::made<dmoe_plugin>(&dmoe_plugin_load, path.c_str())) {}
  explicit Plugin(dmoe_plugin* handle) noexcept : Object(handle) {}
  std::string describe() const { return detail::text(&dmoe_plugin_describe, handle()); }
};

/// Named tensors.
class Tensors : public detail::Object<dmoe_tensors, &dmoe_tensors_release> {
 public:
  Tensors() : Object(detail::made<dmoe_tensors>(&dmoe_tensors_create)) {}
  explicit Tensors(dmoe_tensors* handle) noexcept : Object(handle) {}
  static Tensors load(const std::string& path) {
    return Tensors(detail::made<dmoe_tensors>(&dmoe_tensors_load, path.c_str()));
  }
  /// `metadata_json` is a JSON object of strings.
  void save(const std::string& path, const std::string& metadata_json = "{}") const {
    detail::call(&dmoe_tensors_save, handle(), path.c_str(), metadata_json.c_str());
  }

  std::int64_t size() const noexcept { return dmoe_tensors_count(handle()); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < size(); ++i) names.emplace_back(dmoe_tensors_name(handle(), i));
    return names;
  }
  std::string metadata() const { return detail::text(&dmoe_tensors_metadata, handle()); }
  std::vector<std::int64_t> shape(const std::string& name) const {
    std::vector<std::int64_t> shape(64);  // The most that a tensor can have.
    std::int64_t rank = 0;
    detail::call(&dmoe_tensors_shape, handle(), name.c_str(), shape.data(), std::int64_t{64}, &rank);
    shape.resize(static_cast<std::size_t>(rank));
    return shape;
  }
  /// A copy of a float32 tensor's elements.
  std::vector<float> read(const std::string& name) const {
    std::size_t elements = 1;
    for (const std::int64_t extent : shape(name)) elements *= static_cast<std::size_t>(extent);
    std::vector<float> values(elements > 0 ? elements : 1);  // Never without an address.
    detail::call(&dmoe_tensors_read_f32, handle(), name.c_str(), values.data(),
                 static_cast<std::int64_t>(elements), static_cast<std::int64_t*>(nullptr));
    values.resize(elements);
    return values;
  }
  /// A tensor that shares its memory with this set. The caller calls its deleter, or hands it to what will.
  DLManagedTensor* get(const std::string& name) const {
    return detail::made<DLManagedTensor>(&dmoe_tensors_get, handle(), name.c_str());
  }
  /// Takes `tensor` over, unless this throws.
  void add(const std::string& name, DLManagedTensor* tensor) {
    detail::call(&dmoe_tensors_add, handle(), name.c_str(), tensor);
  }
  /// Adds a copy; the number of values must fit the shape.
  void add(const std::string& name, Span<const float> values, Span<const std::int64_t> shape) {
    std::int64_t elements = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) elements *= shape.data()[i];
    if (elements != static_cast<std::int64_t>(values.size())) {
      throw Error(DMOE_ERROR_INVALID_ARGUMENT, "there are " + std::to_string(values.size()) +
                                                   " values for a shape of " + std::to_string(elements) +
                                                   " elements");
    }
    const float none = 0.0F;
    detail::call(&dmoe_tensors_add_f32, handle(), name.c_str(), values.size() > 0 ? values.data() : &none,
                 shape.data(), static_cast<std::int64_t>(shape.size()));
  }
};

/// A network compiled for inference. Any number of threads may run one at the same time.
class Engine : public detail::Object<dmoe_engine, &dmoe_engine_release> {
 public:
  /// From a weights file; `settings_json` as dmoe_engine_create takes it.
  explicit Engine(const std::string& path, const std::string& settings_json = "{}")
      : Object(detail::made<dmoe_engine>(&dmoe_engine_create, path.c_str(), settings_json.c_str())) {}
  explicit Engine(dmoe_engine* handle) noexcept : Object(handle) {}

  /// Logits (batch x num_classes) of batch x 3 x height x width normalised floats. `active_macs` may be
  /// nullptr.
  std::vector<float> run(Span<const float> images, std::int64_t batch, std::int64_t height,
                         std::int64_t width, std::int64_t* active_macs = nullptr) const {
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    return logits([&](float* data, std::int64_t capacity, std::int64_t* needed, dmoe_error** error) {
      return dmoe_engine_run(handle(), images.data(), batch, height, width, data, capacity, needed,
                             active_macs, error);
    });
  }
  /// The same for bytes in DMOE_LAYOUT_NCHW or DMOE_LAYOUT_NHWC.
  std::vector<float> run(Span<const std::uint8_t> images, std::int64_t batch, std::int64_t height,
                         std::int64_t width, std::int32_t layout, std::int64_t* active_macs = nullptr) const {
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    return logits([&](float* data, std::int64_t capacity, std::int64_t* needed, dmoe_error** error) {
      return dmoe_engine_run_u8(handle(), images.data(), batch, height, width, layout, data, capacity, needed,
                                active_macs, error);
    });
  }

  /// Writes logits to a buffer that is large enough; the multiply-accumulates of the call. Nothing is
  /// allocated here.
  std::int64_t run_into(Span<const float> images, std::int64_t batch, std::int64_t height, std::int64_t width,
                        Span<float> logits) const {
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    std::int64_t macs = 0;
    detail::call(&dmoe_engine_run, handle(), images.data(), batch, height, width, logits.data(),
                 static_cast<std::int64_t>(logits.size()), static_cast<std::int64_t*>(nullptr), &macs);
    return macs;
  }
  /// The same for bytes in DMOE_LAYOUT_NCHW or DMOE_LAYOUT_NHWC.
  std::int64_t run_into(Span<const std::uint8_t> images, std::int64_t batch, std::int64_t height,
                        std::int64_t width, std::int32_t layout, Span<float> logits) const {
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    std::int64_t macs = 0;
    detail::call(&dmoe_engine_run_u8, handle(), images.data(), batch, height, width, layout, logits.data(),
                 static_cast<std::int64_t>(logits.size()), static_cast<std::int64_t*>(nullptr), &macs);
    return macs;
  }

  /// Everything that a run gives; of a dense network the logits alone.
  struct Outputs {
    std::vector<float> logits, embedding, embedding_logits, gates;
    std::int64_t active_macs = 0;
  };
  /// `given_gates` (batch x experts, or empty) take the place of those that the network computes.
  Outputs run_outputs(Span<const float> images, std::int64_t batch, std::int64_t height, std::int64_t width,
                      Span<const float> given_gates = {}) const {
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    Outputs outputs;
    std::int64_t needed[4] = {-1, 0, 0, 0};
    dmoe_error* error = nullptr;
    const std::int32_t status =
        dmoe_engine_run_outputs(handle(), images.data(), batch, height, width, nullptr, nullptr, 0, nullptr,
                                0, nullptr, 0, nullptr, 0, needed, nullptr, &error);
    if (needed[0] < 0) detail::check(status, error);
    dmoe_error_release(error);
    if (given_gates.size() > 0) detail::expect_size(given_gates.size(), needed[3], 1, "given_gates");
    std::vector<float>* const buffers[4] = {&outputs.logits, &outputs.embedding, &outputs.embedding_logits,
                                            &outputs.gates};
    for (int i = 0; i < 4; ++i) buffers[i]->resize(static_cast<std::size_t>(needed[i]));
    detail::call(&dmoe_engine_run_outputs, handle(), images.data(), batch, height, width,
                 given_gates.size() > 0 ? given_gates.data() : nullptr, outputs.logits.data(), needed[0],
                 outputs.embedding.data(), needed[1], outputs.embedding_logits.data(), needed[2],
                 outputs.gates.data(), needed[3], static_cast<std::int64_t*>(nullptr), &outputs.active_macs);
    return outputs;
  }
  std::string describe() const { return detail::text(&dmoe_engine_describe, handle()); }

 private:
  /// Asks for the number of logits, then for them.
  template <class Run>
  static std::vector<float> logits(Run run) {
    std::int64_t needed = -1;
    dmoe_error* error = nullptr;
    const std::int32_t status = run(nullptr, 0, &needed, &error);
    if (needed < 0) detail::check(status, error);
    dmoe_error_release(error);
    error = nullptr;
    std::vector<float> values(static_cast<std::size_t>(needed));
    detail::check(run(values.data(), needed, nullptr, &error), error);
    return values;
  }
};

#if DEEPMOE_HAS_TRAINING

/// What happens in a long call: DMOE_EVENT_* and its JSON object, valid during the call. A non-zero answer
/// stops the call, which then throws an Error with the answer as its code.
using EventCallback = std::function<std::int32_t(std::int32_t event, const char* json)>;

namespace detail {

/// Lends a std::function to one C call.
class Receiver {
 public:
  explicit Receiver(const EventCallback& callback) : callback_(callback) {}
  dmoe_event_callback function() const { return callback_ ? &Receiver::receive : nullptr; }
  /// Makes the C call, and throws what the callback threw, if it did.
  template <class Call>
  auto during(Call call) -> decltype(call()) {
    decltype(call()) result{};
    try {
      result = call();
    } catch (const Error&) {
      if (!thrown_) throw;
    }
    if (thrown_) std::rethrow_exception(thrown_);
    return result;
  }

 private:
  static std::int32_t receive(std::int32_t event, const char* json, void* user_data) {
    auto* self = static_cast<Receiver*>(user_data);
    if (self->thrown_) return thrown_answer;
    try {
      return self->callback_(event, json);
    } catch (...) {
      self->thrown_ = std::current_exception();
      return thrown_answer;
    }
  }
  static constexpr std::int32_t thrown_answer = std::numeric_limits<std::int32_t>::min();
  const EventCallback& callback_;
  std::exception_ptr thrown_;
};

}  // namespace detail

/// Labelled images.
class Dataset : public detail::Object<dmoe_dataset, &dmoe_dataset_release> {
 public:
  /// The split ("train", "test") of the data set that the options name.
  Dataset(const Options& options, const std::string& split)
      : Object(detail::made<dmoe_dataset>(&dmoe_dataset_open, options.handle(), split.c_str())) {}
  explicit Dataset(dmoe_dataset* handle) noexcept : Object(handle) {}

  /// Normalised images of the host, without a copy: labels.size() x 3 x height x width. `owner` (may be
  /// empty) keeps their memory alive and is let go of, in any thread, when the library needs it no longer.
  static Dataset of(Span<const float> images, Span<const std::int64_t> labels, std::int64_t height,
                    std::int64_t width, std::int64_t num_classes, std::shared_ptr<const void> owner = {}) {
    detail::expect_size(images.size(), static_cast<std::int64_t>(labels.size()), 3 * height * width,
                        "images");
    auto kept = std::make_unique<std::shared_ptr<const void>>(std::move(owner));
    Dataset dataset(detail::made<dmoe_dataset>(
        &dmoe_dataset_create_f32, images.data(), labels.data(), static_cast<std::int64_t>(labels.size()),
        height, width, num_classes, &Dataset::let_go, static_cast<void*>(kept.get())));
    kept.release();
    return dataset;
  }
  /// The same for bytes of 1 or 3 channels in DMOE_LAYOUT_NCHW or DMOE_LAYOUT_NHWC.
  static Dataset of(Span<const std::uint8_t> images, Span<const std::int64_t> labels, std::int64_t channels,
                    std::int64_t height, std::int64_t width, std::int32_t layout, std::int64_t num_classes,
                    std::shared_ptr<const void> owner = {}) {
    detail::expect_size(images.size(), static_cast<std::int64_t>(labels.size()), channels * height * width,
                        "images");
    auto kept = std::make_unique<std::shared_ptr<const void>>(std::move(owner));
    Dataset dataset(detail::made<dmoe_dataset>(
        &dmoe_dataset_create_u8, images.data(), labels.data(), static_cast<std::int64_t>(labels.size()),
        channels, height, width, layout, num_classes, &Dataset::let_go, static_cast<void*>(kept.get())));
    kept.release();
    return dataset;
  }

  std::int64_t size() const noexcept { return dmoe_dataset_size(handle()); }
  std::int64_t num_classes() const noexcept { return dmoe_dataset_num_classes(handle()); }
  std::string describe() const { return detail::text(&dmoe_dataset_describe, handle()); }

 private:
  static std::int32_t let_go(void* user_data) {
    delete static_cast<std::shared_ptr<const void>*>(user_data);
    return 0;
  }
};

/// One pass over a data set in batches that threads decode, augment and normalise ahead of the caller.
class Loader : public detail::Object<dmoe_loader, &dmoe_loader_release> {
 public:
  struct Batch {
    Span<const float> images;  ///< size x 3 x image_size x image_size
    Span<const std::int64_t> labels;
    std::int64_t size() const noexcept { return static_cast<std::int64_t>(labels.size()); }
  };

  /// With `training`, shuffled and augmented as the options say for this epoch; else every image in order.
  /// The pass begins at batch `first_batch`.
  Loader(const Dataset& dataset, const Options& options, bool training, std::int64_t epoch = 0,
         std::int64_t first_batch = 0)
      : Object(detail::made<dmoe_loader>(&dmoe_loader_create, dataset.handle(), options.handle(),
                                         std::int32_t{training ? 1 : 0}, epoch, first_batch)) {}

  std::int64_t num_batches() const noexcept { return dmoe_loader_num_batches(handle()); }
  std::int64_t image_size() const noexcept { return dmoe_loader_image_size(handle()); }
  /// The next batch, valid until the next call or the end of the loader; of size 0 after the last.
  Batch next() {
    const float* images = nullptr;
    const std::int64_t* labels = nullptr;
    std::int64_t size = 0;
    detail::call(&dmoe_loader_next, handle(), &images, &labels, &size);
    const auto count = static_cast<std::size_t>(size);
    const auto side = static_cast<std::size_t>(image_size());
    return {Span<const float>(images, count * 3 * side * side), Span<const std::int64_t>(labels, count)};
  }
};

/// A network with its weights.
class Model : public detail::Object<dmoe_model, &dmoe_model_release> {
 public:
  explicit Model(const Options& options) : Model(options, nullptr) {}
  Model(const Options& options, const Dataset& dataset) : Model(options, dataset.handle()) {}
  explicit Model(dmoe_model* handle) noexcept : Object(handle) {}
  static Model load(const std::string& path) { return load(path, nullptr); }
  static Model load(const std::string& path, const Options& options) { return load(path, options.handle()); }
  void save(const std::string& path) const { detail::call(&dmoe_model_save, handle(), path.c_str()); }
  std::string describe() const { return detail::text(&dmoe_model_describe, handle()); }
  std::string architecture_describe() const {
    return detail::text(&dmoe_model_architecture_describe, handle());
  }
  std::string architecture_text() const { return detail::text(&dmoe_model_architecture_text, handle()); }
  /// The model as it is now, for inference; `settings_json` as dmoe_engine_create takes it.
  Engine compile(const std::string& settings_json = "{}") const {
    return Engine(detail::made<dmoe_engine>(&dmoe_engine_create_from_model, handle(), settings_json.c_str()));
  }
  /// A dense copy for evaluation, batch norms folded.
  Model fold() const { return Model(detail::made<dmoe_model>(&dmoe_model_fold, handle())); }
  /// `settings_json` as dmoe_model_export_onnx takes it.
  void export_onnx(const std::string& path, const std::string& settings_json = "{}") const {
    detail::call(&dmoe_model_export_onnx, handle(), path.c_str(), settings_json.c_str());
  }

  /// Images stay the caller's.
  Tensors forward(const DLManagedTensor* images) {
    return Tensors(detail::made<dmoe_tensors>(&dmoe_model_forward, handle(), images));
  }
  /// Logits (batch x num_classes) of batch x 3 x height x width normalised floats.
  std::vector<float> forward(Span<const float> images, std::int64_t batch, std::int64_t height,
                             std::int64_t width) {
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    std::int64_t needed = 0;
    std::vector<float> logits(static_cast<std::size_t>(batch > 0 ? batch : 1) * 1024);
    dmoe_error* error = nullptr;
    std::int32_t status = run(images, batch, height, width, logits, &needed, &error);
    if (status != DMOE_OK && needed > static_cast<std::int64_t>(logits.size())) {
      dmoe_error_release(error);
      error = nullptr;
      logits.resize(static_cast<std::size_t>(needed));
      status = run(images, batch, height, width, logits, &needed, &error);
    }
    detail::check(status, error);
    logits.resize(static_cast<std::size_t>(needed));
    return logits;
  }
  /// Tensor "input" (1, 3, image_size, image_size) of a JPEG or PNG file.
  Tensors read_image(const std::string& path) const {
    return Tensors(detail::made<dmoe_tensors>(&dmoe_model_read_image, handle(), path.c_str()));
  }
  /// The weights, sharing memory with the model.
  Tensors state() const { return Tensors(detail::made<dmoe_tensors>(&dmoe_model_state, handle())); }
  void load_state(const Tensors& state) { detail::call(&dmoe_model_load_state, handle(), state.handle()); }

  /// JSON of the figures. `options` may be nullptr: those the model was made with.
  std::string evaluate(const Dataset& dataset, const Options* options = nullptr,
                       const EventCallback& callback = {}) {
    detail::Receiver receiver(callback);
    return receiver.during([&] {
      return detail::text(&dmoe_model_evaluate, handle(), dataset.handle(),
                          options != nullptr ? options->handle() : nullptr, receiver.function(),
                          static_cast<void*>(&receiver));
    });
  }

  /// A smaller model without the experts that no image of `calibration` uses. `settings_json` as in
  /// dmoe_model_compact; `report` (may be nullptr) receives JSON of the figures; `options` may be nullptr.
  Model compact(const Dataset& calibration, const std::string& settings_json = "{}",
                std::string* report = nullptr, const Options* options = nullptr,
                const EventCallback& callback = {}) {
    detail::Receiver receiver(callback);
    dmoe_model* smaller = nullptr;
    std::string figures = receiver.during([&] {
      return detail::text(&dmoe_model_compact, handle(), calibration.handle(), settings_json.c_str(),
                          options != nullptr ? options->handle() : nullptr, receiver.function(),
                          static_cast<void*>(&receiver), &smaller);
    });
    Model model(smaller);
    if (report != nullptr) *report = std::move(figures);
    return model;
  }

 private:
  Model(const Options& options, const dmoe_dataset* dataset)
      : Object(detail::made<dmoe_model>(&dmoe_model_create, options.handle(), dataset)) {}
  static Model load(const std::string& path, const dmoe_options* options) {
    return Model(detail::made<dmoe_model>(&dmoe_model_load, path.c_str(), options));
  }
  std::int32_t run(Span<const float> images, std::int64_t batch, std::int64_t height, std::int64_t width,
                   std::vector<float>& logits, std::int64_t* needed, dmoe_error** error) {
    return dmoe_model_forward_f32(handle(), images.data(), batch, height, width, logits.data(),
                                  static_cast<std::int64_t>(logits.size()), needed, error);
  }
};

/// JSON of the figures of Model::evaluate, computed by the engine. `options` may be nullptr: the defaults.
inline std::string evaluate(const Engine& engine, const Dataset& dataset, const Options* options = nullptr,
                            const EventCallback& callback = {}) {
  detail::Receiver receiver(callback);
  return receiver.during([&] {
    return detail::text(&dmoe_engine_evaluate, static_cast<const dmoe_engine*>(engine.handle()),
                        dataset.handle(), options != nullptr ? options->handle() : nullptr,
                        receiver.function(), static_cast<void*>(&receiver));
  });
}

/// The place of this process among those that a launcher has started, see dmoe_process_place.
struct ProcessPlace {
  std::int64_t rank = 0, size = 1;
};
inline ProcessPlace process_place(const Options& options) {
  ProcessPlace place;
  detail::call(&dmoe_process_place, options.handle(), &place.rank, &place.size);
  return place;
}

/// Optimizer, schedule and loss for one model, which it keeps alive.
class Trainer : public detail::Object<dmoe_trainer, &dmoe_trainer_release> {
 public:
  Trainer(Model& model, const Options& options)
      : Object(detail::made<dmoe_trainer>(&dmoe_trainer_create, model.handle(), options.handle())) {}
  explicit Trainer(dmoe_trainer* handle) noexcept : Object(handle) {}

  void begin_epoch(std::int64_t epoch, std::int64_t steps_per_epoch) {
    detail::call(&dmoe_trainer_begin_epoch, handle(), epoch, steps_per_epoch);
  }
  /// One step. Reading the loss waits for the device; without `loss` nothing is read.
  void step(const DLManagedTensor* images, const DLManagedTensor* labels, double* loss = nullptr) {
    detail::call(&dmoe_trainer_step, handle(), images, labels, loss);
  }
  /// The same for labels.size() x 3 x height x width normalised floats.
  void step(Span<const float> images, Span<const std::int64_t> labels, std::int64_t height,
            std::int64_t width, double* loss = nullptr) {
    const auto batch = static_cast<std::int64_t>(labels.size());
    detail::expect_size(images.size(), batch, 3 * height * width, "images");
    detail::call(&dmoe_trainer_step_f32, handle(), images.data(), labels.data(), batch, height, width, loss);
  }
  /// JSON: means since the last call.
  std::string metrics() { return detail::text(&dmoe_trainer_metrics, handle()); }
  /// Where the trainer is; epoch is -1 before the first.
  struct Position {
    std::int64_t step = 0, epoch = -1, step_in_epoch = 0;
  };
  Position position() {
    Position position;
    detail::call(&dmoe_trainer_position, handle(), &position.step, &position.epoch, &position.step_in_epoch);
    return position;
  }
  void save_state(const std::string& path) { detail::call(&dmoe_trainer_save_state, handle(), path.c_str()); }
  /// On failure the trainer is as before.
  void load_state(const std::string& path) { detail::call(&dmoe_trainer_load_state, handle(), path.c_str()); }
  /// With option ema: gives the model the averaged weights, or its own back, which it must have for steps.
  void use_average(bool averaged) { detail::call(&dmoe_trainer_use_average, handle(), averaged ? 1 : 0); }
  /// A whole run; JSON of its summary. `validation` may be nullptr.
  std::string fit(const Dataset& train, const Dataset* validation = nullptr,
                  const EventCallback& callback = {}) {
    detail::Receiver receiver(callback);
    return receiver.during([&] {
      return detail::text(&dmoe_trainer_fit, handle(), train.handle(),
                          validation != nullptr ? validation->handle() : nullptr, receiver.function(),
                          static_cast<void*>(&receiver));
    });
  }
};

/// What the experts of a gated network do on a data set: of an engine, of a model as it is now, or of the
/// model that a trainer trains. It needs none of them any more.
class Report : public detail::Object<dmoe_report, &dmoe_report_release> {
 public:
  /// Runs every image; `settings_json` as dmoe_report_create takes it.
  Report(const Engine& engine, const Dataset& dataset, const std::string& settings_json = "{}",
         const EventCallback& callback = {})
      : Object(make(&dmoe_report_create, engine.handle(), dataset, settings_json, callback)) {}
  Report(const Model& model, const Dataset& dataset, const std::string& settings_json = "{}",
         const EventCallback& callback = {})
      : Object(make(&dmoe_report_create_from_model, model.handle(), dataset, settings_json, callback)) {}
  Report(const Trainer& trainer, const Dataset& dataset, const std::string& settings_json = "{}",
         const EventCallback& callback = {})
      : Object(make(&dmoe_report_create_from_trainer, trainer.handle(), dataset, settings_json, callback)) {}
  explicit Report(dmoe_report* handle) noexcept : Object(handle) {}

  /// The same report, which also says how the network differs from an earlier state.
  Report compared_with(const Report& reference) const {
    return Report(detail::made<dmoe_report>(&dmoe_report_compare, handle(), reference.handle()));
  }
  /// All figures but the matrices.
  std::string json() const { return detail::text(&dmoe_report_json, handle()); }
  /// The names of the gates, in the order of the network.
  std::vector<std::string> layers() const {
    std::vector<std::string> names;
    while (const char* name = dmoe_report_layer(handle(), static_cast<std::int64_t>(names.size()))) {
      names.emplace_back(name);
    }
    return names;
  }
  /// Writes report.html, report.json and a CSV for each table.
  void write(const std::string& folder) const { detail::call(&dmoe_report_write, handle(), folder.c_str()); }
  /// A matrix by rows, named as for dmoe_report_matrix; `layer` may be empty where none is needed.
  struct Matrix {
    std::int64_t rows = 0, columns = 0;
    std::vector<double> values;
  };
  Matrix matrix(const std::string& name, const std::string& layer = {}) const {
    const char* const gate = layer.empty() ? nullptr : layer.c_str();
    std::int64_t shape[2] = {-1, 0};
    dmoe_error* error = nullptr;
    const std::int32_t status = dmoe_report_matrix(handle(), name.c_str(), gate, nullptr, 0, shape, &error);
    if (shape[0] < 0) detail::check(status, error);
    dmoe_error_release(error);
    Matrix matrix{shape[0], shape[1], std::vector<double>(static_cast<std::size_t>(shape[0] * shape[1]))};
    detail::call(&dmoe_report_matrix, handle(), name.c_str(), gate, matrix.values.data(),
                 static_cast<std::int64_t>(matrix.values.size()), static_cast<std::int64_t*>(nullptr));
    return matrix;
  }

 private:
  template <class Create, class Subject>
  static dmoe_report* make(Create* create, Subject* subject, const Dataset& dataset,
                           const std::string& settings_json, const EventCallback& callback) {
    detail::Receiver receiver(callback);
    return receiver.during([&] {
      return detail::made<dmoe_report>(create, subject, dataset.handle(), settings_json.c_str(),
                                       receiver.function(), static_cast<void*>(&receiver));
    });
  }
};

/// The tensors of a file of Python's torch.save as safetensors; `options` may be nullptr, and with a model in
/// them the file describes its network.
inline void convert_pytorch(const std::string& path, const std::string& output,
                            const Options* options = nullptr, const std::string& settings_json = "{}") {
  detail::call(&dmoe_convert_pytorch, path.c_str(), output.c_str(),
               static_cast<const dmoe_options*>(options != nullptr ? options->handle() : nullptr),
               settings_json.c_str());
}

/// Makes sure that `data_dir` holds the published data set `dataset` (cifar10, cifar100); JSON of what was
/// done. `settings_json` as dmoe_fetch_dataset takes it.
inline std::string fetch_dataset(const std::string& dataset, const std::string& data_dir,
                                 const std::string& settings_json = "{}",
                                 const EventCallback& callback = {}) {
  detail::Receiver receiver(callback);
  return receiver.during([&] {
    return detail::text(&dmoe_fetch_dataset, dataset.c_str(), data_dir.c_str(), settings_json.c_str(),
                        receiver.function(), static_cast<void*>(&receiver));
  });
}

/// JSON: what the library found on this machine.
inline std::string diagnose() { return detail::text(&dmoe_diagnose); }

#endif  // DEEPMOE_HAS_TRAINING

}  // namespace dmoe

#endif  // DEEPMOE_HPP
