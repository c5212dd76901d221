#pragma once

namespace deepmoe {

/// The page's style sheet and script, as text to stand in it.
extern const char* const page_style;
extern const char* const page_script;

}  // namespace deepmoe
