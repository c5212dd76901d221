#include "report/html_report.hpp"

#include <doctest/doctest.h>

#include <regex>

#include "base/require_error.hpp"
#include "base/temporary_folder.hpp"
#include "report/synthetic_report.hpp"
#include "storage/storage.hpp"

using namespace deepmoe;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Every element that is opened is closed, in order; those of HTML that have no end are left out.
void check_well_formed(const std::string& page) {
  const std::size_t script = page.find("<script>"), style = page.find("<style>");
  std::string markup = page;
  markup.erase(script, page.find("</script>") + 9 - script);
  markup.erase(style, page.find("</style>") + 8 - style);
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*?(/?)>");
  for (std::sregex_iterator at(markup.begin(), markup.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || (*at)[3] == "/") continue;
    if ((*at)[1] != "/") {
      open.push_back(name);
      continue;
    }
    REQUIRE_FALSE(open.empty());
    CAPTURE(name);
    REQUIRE(open.back() == name);
    open.pop_back();
  }
  CHECK(open.empty());
}

}  // namespace

TEST_CASE("the page leads with what matters and holds every section") {
  const Report report = synthetic_report(10, {16, 32}, 300);
  const std::string page = report_page(report);
  check_well_formed(page);
  const std::size_t summary = page.find("id=\"summary\"");
  for (const char* part :
       {"Accuracy", "MACs saved", "Dead experts", "6 experts are active for none of 300 images",
        "deepmoe compact --weights runs/pictures/best.safetensors --dataset folder"}) {
    CAPTURE(part);
    CHECK(page.find(part, summary) < page.find("id=\"layers\""));
  }
  std::size_t last = summary;
  for (const char* section : {"layers", "utilisation", "classes-experts", "experts", "classes", "predictions",
                              "embedding", "run", "drift"}) {
    CAPTURE(section);
    const std::size_t place = page.find(concat("<section id=\"", section, "\">"));
    REQUIRE(place != std::string::npos);
    CHECK(place > last);
    last = place;
  }
}

TEST_CASE("every figure says what it is of") {
  const std::string page = report_page(synthetic_report(3, {8, 8}, 60));
  const std::regex caption("<figcaption>([^<]*)</figcaption>");
  std::size_t captions = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), caption), end; at != end; ++at) {
    const std::string text = (*at)[1];
    CAPTURE(text);
    ++captions;
    const bool of_run = contains(text, "40 epochs"), of_parameters = contains(text, "parameters of");
    CHECK((contains(text, "60 images of folder /data/pictures (test)") || of_run || of_parameters));
    CHECK((contains(text, "gate &gt; 0") || contains(text, "thresholds as in the table") || of_parameters));
  }
  CHECK(captions == count_of(page, "<figure "));
  // And every drawing names both of its axes.
  CHECK(count_of(page, "class=\"name\"") == 2 * count_of(page, "<svg role=\"img\""));
  CHECK(captions > 15);
}

TEST_CASE("names cannot break out of the page") {
  const std::vector<std::string> names{"</script><script>alert(1)</script>",
                                       "\"><img src=x onerror=alert(1)>", "\xff'&"};
  Report report = synthetic_report(3, {8}, 60, names);
  report.data = "</title><b>";
  report.weights = "<i>w</i>";
  report.compact_command = "rm -rf '<x>'";
  const std::string page = report_page(report);
  check_well_formed(page);
  CHECK(count_of(page, "<script>") == 1);
  CHECK_FALSE(contains(page, "<img"));
  CHECK_FALSE(contains(page, "<i>w"));
  CHECK(contains(page, "&lt;/script&gt;&lt;script&gt;alert(1)"));
}

TEST_CASE("the page asks for nothing from elsewhere and is dark where the reader is") {
  const std::string page = report_page(synthetic_report(10, {16}, 100));
  for (const char* part : {"http://", "https://", "src=", "@import", "url(\"", "fetch("}) {
    CAPTURE(part);
    CHECK_FALSE(contains(page, part));
  }
  CHECK(contains(page, "prefers-color-scheme: dark"));
  CHECK(contains(page, "@media print"));
}

TEST_CASE("one class and one image are said to leave figures undefined") {
  const Report one = synthetic_report(2, {8}, 1);
  const std::string page = report_page(one);
  check_well_formed(page);
  CHECK(contains(page, "Principal components are not defined"));
  CHECK(contains(page, "not defined"));
  for (const char* part : {">nan", "nan<", "NaN", ">inf", "-inf"}) {
    CAPTURE(part);
    CHECK_FALSE(contains(page, part));
  }
}

TEST_CASE("layers that do not pay are named") {
  // Gates that are all active save nothing.
  Collection collection(chain_network(2, {4, 4}), 8, {});
  const SampleRows embeddings = SampleRows::Random(4, 8), logits = SampleRows::Random(4, 2);
  collection.add(SampleRows::Ones(4, 8), embeddings, logits, std::vector<std::int64_t>{0, 1, 0, 1});
  const Report report(std::move(collection), {"chain", "images", {"a", "b"}, "", ""});
  const std::string page = report_page(report);
  CHECK(contains(page, "2 gated layers do not pay"));
  CHECK(contains(page, "stage1.block0.gate (saves 0, its head costs 32)"));
  CHECK(contains(page, "gating does not pay for this network as a whole"));
  CHECK(contains(page, "No expert is dead"));
  CHECK_FALSE(contains(page, "id=\"run\""));
  CHECK_FALSE(contains(page, "id=\"drift\""));
}

TEST_CASE("above a threshold removal is promised of experts that are always 0 alone") {
  CollectionSettings settings;
  settings.threshold = 2;
  Collection collection(chain_network(2, {4, 4}), 8, settings);
  SampleRows gates = SampleRows::Ones(2, 8);
  const auto page_of = [&] {
    Collection seen = collection;
    seen.add(gates, SampleRows::Random(2, 8), SampleRows::Random(2, 2), std::vector<std::int64_t>{0, 1});
    return report_page(Report(std::move(seen), {"chain", "images", {"a", "b"}, "", "compact it"}));
  };
  const std::string none = page_of();
  CHECK(contains(none, "of 8 (100.0 %)"));  // Dead experts.
  CHECK(contains(none, "No expert has a gate that is always 0"));
  CHECK_FALSE(contains(none, "compact it"));
  gates.col(3).setZero();
  const std::string one = page_of();
  CHECK(contains(one, "1 expert is not above 0 for any of 2 images. Removing"));
}

TEST_CASE("many classes and experts make a page of less than 8 MB") {
  const std::string page = report_page(synthetic_report(1000, std::vector<std::int64_t>(10, 400), 3000));
  CHECK(page.size() < 8000000);
  CHECK(count_of(page, "<rect") < 5000);  // Maps are images.
}

TEST_CASE("a page is written to its folder and a folder that is missing is an error") {
  const TemporaryFolder folder;
  const Report report = synthetic_report(2, {4}, 10);
  write_html_report(report, folder.path());
  CHECK(read_file(folder.file("report.html")) == report_page(report));
  require_error(ErrorCode::not_found, {"none"}, [&] { write_html_report(report, folder.file("none")); });
}
