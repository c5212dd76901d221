#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace deepmoe {

/// Opcodes of protocol 2, written the way that Python does.
namespace pickled {

inline std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}
inline std::string short_string(const std::string& text) {
  return std::string("U") + little_endian(text.size(), 1) + text;
}
inline std::string string(const std::string& text) {
  return std::string("T") + little_endian(text.size(), 4) + text;
}
inline std::string unicode(const std::string& text) {
  return std::string("X") + little_endian(text.size(), 4) + text;
}
inline std::string integer(std::int64_t value) {
  if (value >= 0 && value < 256)
    return std::string("K") + little_endian(static_cast<std::uint64_t>(value), 1);
  if (value >= 0 && value < 65536)
    return std::string("M") + little_endian(static_cast<std::uint64_t>(value), 2);
  return std::string("J") + little_endian(static_cast<std::uint64_t>(value), 4);
}
inline std::string global(const std::string& module, const std::string& name) {
  return std::string("c") + module + "\n" + name + "\n";
}
inline std::string integers(const std::vector<std::int64_t>& values) {
  std::string text = "](";
  for (const std::int64_t value : values) text += integer(value);
  return text + "e";
}
inline std::string file(const std::string& value) { return std::string("\x80\x02") + value + "."; }

/// Bytes as Python 3 writes them: Latin-1 text in UTF-8, to be encoded.
inline std::string encoded_bytes(const std::string& bytes) {
  std::string utf8;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x80) {
      utf8.push_back(byte);
    } else {
      utf8.push_back(static_cast<char>(0xC0 | value >> 6));
      utf8.push_back(static_cast<char>(0x80 | (value & 0x3F)));
    }
  }
  return global("_codecs", "encode") + unicode(utf8) + unicode("latin1") + "\x86R";
}

/// A numpy array of uint8; `content` pushes its bytes.
inline std::string array(const std::string& core, std::int64_t rows, std::int64_t columns,
                         const std::string& content, const std::string& type = "u1",
                         const std::string& fortran = "\x89") {
  return global(core, "_reconstruct") + global("numpy", "ndarray") + "K" + std::string(1, '\0') + "\x85" +
         short_string("b") + "\x87R(" + integer(1) + integer(rows) + integer(columns) + "\x86" +
         global("numpy", "dtype") + short_string(type) + integer(0) + integer(1) + "\x87R(" + integer(3) +
         short_string("|") + "NNN" + integer(-1) + integer(-1) + integer(0) + "tb" + fortran + content + "tb";
}

/// A batch as the published files have it, written by Python 2: with memo entries, as every pickler writes
/// them.
inline std::string batch(const std::string& label_key, const std::vector<std::int64_t>& labels,
                         const std::string& pixels, std::int64_t columns = 3072) {
  return file(
      std::string("}q") + '\x01' + "(" + short_string("batch_label") + "q" + '\x02' +
      short_string("batch 1") + short_string(label_key) + "q" + '\x03' + integers(labels) +
      short_string("data") + "q" + '\x04' +
      array("numpy.core.multiarray", static_cast<std::int64_t>(labels.size()), columns, string(pixels)) +
      short_string("filenames") + "](" + short_string("a.png") + "h" + '\x04' + "eu");
}

/// The same from Python 3 and numpy 2.
inline std::string batch_by_python3(const std::string& label_key, const std::vector<std::int64_t>& labels,
                                    const std::string& pixels) {
  return file(
      "}(" + encoded_bytes(label_key) + integers(labels) + encoded_bytes("data") +
      array("numpy._core.multiarray", static_cast<std::int64_t>(labels.size()), 3072, encoded_bytes(pixels)) +
      "u");
}

/// A dictionary with a list of names.
inline std::string names(const std::string& key, const std::vector<std::string>& values) {
  std::string text = std::string("}") + short_string(key) + "](";
  for (const std::string& value : values) text += short_string(value);
  return file(text + "es");
}

}  // namespace pickled
}  // namespace deepmoe
