#include "architecture/names.hpp"

#include <algorithm>

#include "architecture/limits.hpp"

namespace deepmoe {
namespace {

bool is_visible(char c) { return c > ' ' && c <= '~'; }

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= largest_name && std::all_of(name.begin(), name.end(), is_visible);
}

std::string_view plain_name_rule() { return "must be 1 to 256 printable ASCII characters without spaces"; }

std::string shown(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string copy(text.substr(0, longest));
  for (char& c : copy) {
    if (!is_visible(c) && c != ' ') c = '?';
  }
  if (text.size() > longest) copy += "...";
  return copy;
}

}  // namespace deepmoe
