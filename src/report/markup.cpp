#include "report/markup.hpp"

#include <cstdint>
#include <cstdio>
#include <vector>

namespace deepmoe {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

/// The code points of text that claims to be UTF-8.
std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    std::uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    bool valid = length > 0 && i + length <= text.size();
    for (std::size_t k = 1; valid && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      valid = (next & 0xC0U) == 0x80U;
      point = point << 6 | (next & 0x3FU);
    }
    // Longer than need be, a surrogate, or beyond the last code point.
    if (valid && ((length == 3 && point < 0x800) || (length == 4 && point < 0x10000) || point > 0x10FFFF ||
                  (point >= 0xD800 && point < 0xE000))) {
      valid = false;
    }
    points.push_back(valid ? point : replacement);
    i += valid ? length : 1;
  }
  return points;
}

void append_utf8(std::string& text, std::uint32_t point) {
  const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0U | point >> 6);
    add(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    add(0xE0U | point >> 12);
    add(0x80U | (point >> 6 & 0x3FU));
    add(0x80U | (point & 0x3FU));
  } else {
    add(0xF0U | point >> 18);
    add(0x80U | (point >> 12 & 0x3FU));
    add(0x80U | (point >> 6 & 0x3FU));
    add(0x80U | (point & 0x3FU));
  }
}

bool is_control(std::uint32_t point) {
  // Those that turn the direction of text around would turn what follows, too.
  const bool turns = (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || turns;
}

double width_of(std::uint32_t point, double font_size) {
  constexpr std::string_view narrow = "iljtfrI.,:;'|!()[] ";
  if (point >= 0x80) return font_size;
  if (narrow.find(static_cast<char>(point)) != std::string_view::npos) return 0.42 * font_size;
  if (point == 'm' || point == 'w' || point == 'M' || point == 'W' || point == '%') return font_size;
  return 0.66 * font_size;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const std::uint32_t point : code_points(text)) {
    switch (point) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        append_utf8(result, is_control(point) ? ' ' : point);
    }
  }
  return result;
}

std::string script_text(std::string_view text) {
  std::string result = "\"";
  for (const std::uint32_t point : code_points(text)) {
    // A letter or digit cannot end the literal, nor the script.
    const bool plain = (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
                       (point >= 'A' && point <= 'Z') || point == ' ' || point == '_' || point == '-';
    if (plain) {
      result += static_cast<char>(point);
      continue;
    }
    char code[16];
    std::snprintf(code, sizeof code, "\\u{%x}", is_control(point) ? unsigned{' '} : point);
    result += code;
  }
  return result + "\"";
}

double text_width(std::string_view text, double font_size) {
  double width = 0;
  for (const std::uint32_t point : code_points(text)) width += width_of(point, font_size);
  return width;
}

std::string shortened(std::string_view text, double width, double font_size) {
  const std::vector<std::uint32_t> points = code_points(text);
  const auto joined = [&](std::size_t head, std::size_t tail) {
    std::string result;
    for (std::size_t i = 0; i < head; ++i) append_utf8(result, points[i]);
    if (head + tail < points.size()) result += "\u2026";
    for (std::size_t i = points.size() - tail; i < points.size(); ++i) append_utf8(result, points[i]);
    return result;
  };
  if (text_width(text, font_size) <= width) return joined(points.size(), 0);
  for (std::size_t kept = points.size() - 1; kept > 0; --kept) {
    std::string result = joined((kept + 1) / 2, kept / 2);
    if (text_width(result, font_size) <= width) return result;
  }
  return "\u2026";
}

}  // namespace deepmoe
