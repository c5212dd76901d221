#pragma once

/// Calls a C function with one wrong argument at a time, and keeps a list of the functions that were tried.

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "capi/owned.hpp"
#include "source_folder.hpp"

namespace deepmoe::capi_test {

template <class T>
constexpr bool is_object_v =
    std::is_same_v<T, dmoe_string> || std::is_same_v<T, dmoe_options> || std::is_same_v<T, dmoe_tensors> ||
    std::is_same_v<T, dmoe_engine>
#if !defined(DEEPMOE_RUNTIME_ONLY)
    || std::is_same_v<T, dmoe_dataset> || std::is_same_v<T, dmoe_model> || std::is_same_v<T, dmoe_trainer> ||
    std::is_same_v<T, dmoe_report>
#endif
    ;
template <class Pointer>
constexpr bool is_handle_v = is_object_v<std::remove_cv_t<std::remove_pointer_t<Pointer>>>;

class ArgumentChecks {
 public:
  ArgumentChecks() { dmoe_options_create(nullptr, &other_); }
  ~ArgumentChecks() { dmoe_error_release(other_); }
  ArgumentChecks(const ArgumentChecks&) = delete;
  ArgumentChecks& operator=(const ArgumentChecks&) = delete;

  /// For each pointer among `arguments` (which are right, and lack the error at the end): NULL is refused,
  /// unless its position is in `may_be_null`, and so is an object of another kind. Nothing is written
  /// meanwhile.
  template <class... Parameters, class... Arguments>
  void refuses(const char* name, int32_t (*function)(Parameters...), const std::set<std::size_t>& may_be_null,
               Arguments... arguments) {
    tried_.insert(name);
    const Call<Parameters...> call(function, std::tuple<Parameters...>(arguments..., nullptr));
    INFO("function: ", std::string(name));
    each(call, may_be_null, std::make_index_sequence<sizeof...(Arguments)>());
  }

  /// A function without a status, tested in words of its own.
  void tried(const char* name) { tried_.insert(name); }

  /// Compares the functions tried with those that capi/symbols.txt marks with `part`.
  void expect_all_of(const std::string& part) const {
    std::ifstream list(source_folder() + "/capi/symbols.txt");
    REQUIRE(list.good());
    for (std::string line; std::getline(list, line);) {
      std::istringstream words(line);
      std::string library, symbol;
      words >> library >> symbol;
      if (library != part) continue;
      INFO("function: ", symbol);
      CHECK(tried_.count(symbol) == 1);
    }
  }

 private:
  template <class... Parameters>
  struct Call {
    Call(int32_t (*called)(Parameters...), std::tuple<Parameters...> right)
        : function(called), arguments(std::move(right)) {}
    int32_t (*function)(Parameters...);
    std::tuple<Parameters...> arguments;
  };

  template <class C, std::size_t... Positions>
  void each(const C& call, const std::set<std::size_t>& may_be_null, std::index_sequence<Positions...>) {
    (position<Positions>(call, may_be_null), ...);
  }

  template <std::size_t Position, class C>
  void position(const C& call, const std::set<std::size_t>& may_be_null) {
    using Parameter = std::tuple_element_t<Position, decltype(call.arguments)>;
    INFO("position: ", Position);
    if constexpr (std::is_pointer_v<Parameter>) {
      if (may_be_null.count(Position) == 0) {
        expect_refusal<Position>(call, static_cast<Parameter>(nullptr), "NULL");
      }
      if constexpr (is_handle_v<Parameter>) {
        // Every object begins alike, so one of another kind is told apart before it is used.
        expect_refusal<Position>(call, reinterpret_cast<Parameter>(other_), "dmoe_error");
      }
    }
  }

  template <std::size_t Position, class C, class Value>
  void expect_refusal(const C& call, Value wrong, const char* word) {
    auto arguments = call.arguments;
    std::get<Position>(arguments) = wrong;
    Owned<dmoe_error> error;
    std::get<std::tuple_size_v<decltype(arguments)> - 1>(arguments) = error.out();
    std::apply([](auto... values) { (mark(values), ...); }, drop_last(arguments));
    const int32_t status = std::apply(call.function, arguments);
    INFO("message: ", std::string(dmoe_error_message(error)));
    CHECK(status == DMOE_ERROR_INVALID_ARGUMENT);
    CHECK(dmoe_error_code(error) == DMOE_ERROR_INVALID_ARGUMENT);
    CHECK(std::string(dmoe_error_message(error)).find(word) != std::string::npos);
    std::apply([](auto... values) { (expect_mark(values), ...); }, drop_last(arguments));
    // The same without an error to fill.
    std::get<std::tuple_size_v<decltype(arguments)> - 1>(arguments) = nullptr;
    CHECK(std::apply(call.function, arguments) == DMOE_ERROR_INVALID_ARGUMENT);
  }

  template <class... Values>
  static auto drop_last(const std::tuple<Values...>& tuple) {
    return drop_last(tuple, std::make_index_sequence<sizeof...(Values) - 1>());
  }
  template <class Tuple, std::size_t... Positions>
  static auto drop_last(const Tuple& tuple, std::index_sequence<Positions...>) {
    return std::make_tuple(std::get<Positions>(tuple)...);
  }

  // Outputs are pointers to handles and to numbers that are not const; they hold a mark during a call.
  template <class Value>
  static Value* marked() {
    return reinterpret_cast<Value*>(std::uintptr_t{0x5A5A});
  }
  template <class Value>
  static void mark(Value) {}
  template <class Value>
  static void mark(Value** output) {
    if (output != nullptr) *output = marked<Value>();
  }
  static void mark(double* output) {
    if (output != nullptr) *output = -7.5;
  }
  template <class Value>
  static void expect_mark(Value) {}
  template <class Value>
  static void expect_mark(Value** output) {
    if (output != nullptr) CHECK(*output == marked<Value>());
  }
  static void expect_mark(double* output) {
    if (output != nullptr) CHECK(*output == -7.5);
  }

  std::set<std::string> tried_;
  dmoe_error* other_ = nullptr;  ///< the object of another kind
};

/// DEEPMOE_REFUSES(checks, dmoe_x_y, {positions that may be NULL}, right arguments...)
#define DEEPMOE_REFUSES(checks, function, ...) (checks).refuses(#function, &function, __VA_ARGS__)

}  // namespace deepmoe::capi_test
