#pragma once

#include <string>
#include <string_view>

namespace deepmoe {

/// Text for HTML and SVG, in elements and in quoted attributes: & < > " ' become entities, control characters
/// spaces, and bytes that are not UTF-8 the replacement character. Whatever comes from outside (names of
/// classes, layers, files) goes through here or script_text().
std::string escaped(std::string_view text);

/// The same text as a string literal for a script that stands in a page.
std::string script_text(std::string_view text);

/// How wide the text is at a font size, estimated on the wide side, in pixels.
double text_width(std::string_view text, double font_size);

/// The text, with its middle left out where it would be wider than `width`.
std::string shortened(std::string_view text, double width, double font_size);

}  // namespace deepmoe
