#include "report/markup.hpp"

#include <doctest/doctest.h>

using namespace deepmoe;

TEST_CASE("escaped text cannot leave its element or attribute") {
  CHECK(escaped("<script>a & b</script>") == "&lt;script&gt;a &amp; b&lt;/script&gt;");
  CHECK(escaped("\" onload='x'") == "&quot; onload=&#39;x&#39;");
  CHECK(escaped("two\nlines\x01") == "two lines ");
  CHECK(escaped("\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x90\x88") == "\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x90\x88");
  // A mark that turns the direction of what follows.
  CHECK(escaped("a\xe2\x80\xae"
                "b") == "a b");
}

TEST_CASE("bytes that are not UTF-8 become the replacement character") {
  const std::string mark = "\xef\xbf\xbd";
  CHECK(escaped("\xff") == mark);
  CHECK(escaped("\xe7\x8c") == mark + mark);             // Cut off.
  CHECK(escaped("\xc0\xaf") == mark + mark);             // Longer than need be: a hidden slash.
  CHECK(escaped("\xed\xa0\x80") == mark + mark + mark);  // Half of a pair.
  CHECK(escaped("\xf4\x90\x80\x80").find(mark) == 0);    // Beyond the last code point.
}

TEST_CASE("a script's text cannot end the literal or the script") {
  CHECK(script_text("cat 3_a-b") == "\"cat 3_a-b\"");
  CHECK(script_text("</script>") == "\"\\u{3c}\\u{2f}script\\u{3e}\"");
  CHECK(script_text("\"\\\n") == "\"\\u{22}\\u{5c}\\u{20}\"");
  CHECK(script_text("\xe2\x80\xa8") == "\"\\u{2028}\"");
}

TEST_CASE("text is shortened in its middle to the room there is") {
  CHECK(shortened("short", 100, 10) == "short");
  const std::string result = shortened("a name that is much too long", 60, 10);
  CHECK(text_width(result, 10) <= 60);
  CHECK(result.starts_with("a n"));
  CHECK(result.ends_with("ng"));
  CHECK(result.find("\xe2\x80\xa6") != std::string::npos);
  CHECK(shortened("anything", 0, 10) == "\xe2\x80\xa6");
  CHECK(shortened("", 10, 10).empty());
}
