#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/base.hpp"
#include "storage/data_type.hpp"
#include "storage/safetensors_format.hpp"

namespace deepmoe {
namespace {

/// Receives the JSON of a header piece by piece and accepts only what a header may contain, so that neither
/// depth nor size of hostile text costs more than the text itself.
class HeaderReceiver : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReceiver(std::uint64_t data_size, const std::string& path, SafetensorsHeader& header)
      : data_size_(data_size), path_(path), header_(header) {}

  bool null() override { refuse_value("null"); }
  bool boolean(bool) override { refuse_value("a boolean"); }
  bool number_integer(number_integer_t) override { refuse_value("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    refuse_value("a number that is no 63-bit integer");
  }
  bool binary(binary_t&) override { refuse_value("binary data"); }

  bool number_unsigned(number_unsigned_t number) override {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      refuse_value("a number that is no 63-bit integer");
    }
    if (place_ == Place::shape) {
      if (entry_.shape.size() == safetensors_rank_limit) {
        refuse_tensor("has more than ", safetensors_rank_limit, " dimensions");
      }
      entry_.shape.push_back(static_cast<std::int64_t>(number));
    } else if (place_ == Place::offsets) {
      if (offsets_ == 2) refuse_tensor("has more than two data_offsets");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = number;
    } else {
      refuse_value("a number");
    }
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[key_] = text;
    } else if (place_ == Place::tensor && key_ == "dtype") {
      const std::optional<DataType> type = data_type_of(text);
      if (!type) {
        refuse_tensor("has the type ", quoted_name(text), "; this library reads ", join(data_type_names()));
      }
      entry_.type = *type;
    } else {
      refuse_value("text");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::before) {
      place_ = Place::root;
    } else if (place_ == Place::root && key_ == safetensors_metadata_key) {
      place_ = Place::metadata;
    } else if (place_ == Place::root) {
      place_ = Place::tensor;
      entry_ = SafetensorsEntry{};
      entry_.name = key_;
      has_type_ = has_shape_ = has_offsets_ = false;
      offsets_ = 0;
    } else {
      refuse_value("an object");
    }
    return true;
  }

  bool key(string_t& name) override {
    key_ = name;
    if (place_ == Place::root) {
      if (!names_.insert(name).second) refuse("the name ", quoted_name(name), " is given twice");
    } else if (place_ == Place::metadata) {
      if (header_.metadata.count(name) != 0) refuse("the metadata has ", quoted_name(name), " twice");
    } else {
      bool* const seen = name == "dtype"          ? &has_type_
                         : name == "shape"        ? &has_shape_
                         : name == "data_offsets" ? &has_offsets_
                                                  : nullptr;
      if (seen == nullptr) refuse_tensor("has the unknown member ", quoted_name(name));
      if (*seen) refuse_tensor("has ", quoted_name(name), " twice");
      *seen = true;
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      finish_tensor();
      place_ = Place::root;
    } else if (place_ == Place::metadata) {
      place_ = Place::root;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && key_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::tensor && key_ == "data_offsets") {
      place_ = Place::offsets;
    } else {
      refuse_value("an array");
    }
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    refuse("its header is not valid JSON: ", error.what());
  }

 private:
  enum class Place { before, root, metadata, tensor, shape, offsets };

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... reason) const {
    fail(ErrorCode::format, "'", path_, "' is not a valid safetensors file: ", reason...);
  }

  template <class... Parts>
  [[noreturn]] void refuse_tensor(const Parts&... reason) const {
    refuse("tensor ", quoted_name(entry_.name), " ", reason...);
  }

  /// Refuses a value of a kind that does not belong where it stands.
  [[noreturn]] void refuse_value(std::string_view kind) const {
    switch (place_) {
      case Place::before:
        refuse("its header is ", kind, ", not an object");
      case Place::root:
        refuse("the member ", quoted_name(key_), " is ", kind, ", not an object");
      case Place::metadata:
        refuse("the metadata of ", quoted_name(key_), " is ", kind, ", not text");
      case Place::tensor:
        refuse_tensor("has ", kind, " as ", quoted_name(key_));
      case Place::shape:
        refuse_tensor("has ", kind, " in its shape");
      case Place::offsets:
        refuse_tensor("has ", kind, " in its data_offsets");
    }
    refuse("unexpected ", kind);
  }

  void finish_tensor() {
    if (!has_type_) refuse_tensor("has no dtype");
    if (!has_shape_) refuse_tensor("has no shape");
    if (!has_offsets_ || offsets_ != 2) refuse_tensor("has no pair of data_offsets");
    if (entry_.begin > entry_.end || entry_.end > data_size_) {
      refuse_tensor("has the data_offsets ", entry_.begin, " to ", entry_.end, ", but the file has ",
                    data_size_, " bytes of data");
    }
    const std::optional<std::uint64_t> bytes = byte_count(entry_.type, entry_.shape);
    if (!bytes) refuse_tensor("has a shape that is too large");
    if (*bytes != entry_.end - entry_.begin) {
      refuse_tensor("has ", entry_.end - entry_.begin, " bytes of data, but its shape and type need ",
                    *bytes);
    }
    header_.entries.push_back(std::move(entry_));
  }

  std::uint64_t data_size_;
  const std::string& path_;
  SafetensorsHeader& header_;
  Place place_ = Place::before;
  std::string key_;
  std::unordered_set<std::string> names_;
  SafetensorsEntry entry_;
  bool has_type_ = false, has_shape_ = false, has_offsets_ = false;
  int offsets_ = 0;
};

/// Sorts the entries by place and refuses gaps, overlaps and bytes that belong to no tensor.
void order_entries(SafetensorsHeader& header, std::uint64_t data_size, const std::string& path) {
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
                     return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
                   });
  std::uint64_t covered = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.begin != covered) {
      fail(ErrorCode::format, "'", path, "' is not a valid safetensors file: the data of tensor ",
           quoted_name(entry.name), entry.begin < covered ? " overlaps" : " leaves a gap after",
           " the tensor before it (it begins at ", entry.begin, ", not at ", covered, ")");
    }
    covered = entry.end;
  }
  if (covered != data_size) {
    fail(ErrorCode::format, "'", path, "' is not a valid safetensors file: it has ", data_size,
         " bytes of data, but its tensors need ", covered);
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view header, std::uint64_t data_size,
                                           const std::string& path) {
  // The JSON parser skips a byte order mark, and takes a zero byte for the end.
  if (header.empty() || header.front() != '{' || header.find('\0') != std::string_view::npos) {
    fail(ErrorCode::format, "'", path, "' is not a valid safetensors file: its header is not a JSON object");
  }
  SafetensorsHeader parsed;
  HeaderReceiver receiver(data_size, path, parsed);
  nlohmann::json::sax_parse(header.begin(), header.end(), &receiver);
  order_entries(parsed, data_size, path);
  return parsed;
}

std::string quoted_name(std::string_view name) {
  constexpr std::size_t longest = 100;
  const bool cut = name.size() > longest;
  const nlohmann::json text = std::string(name.substr(0, longest)) + (cut ? "..." : "");
  return text.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace deepmoe
