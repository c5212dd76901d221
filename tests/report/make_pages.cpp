// Writes report pages of random networks, to be looked at in a browser: make_pages <folder>. They have few
// and many classes and layers, and names that try to break out of the page.

#include <iostream>
#include <string>

#include "report/html_report.hpp"
#include "report/synthetic_report.hpp"
#include "storage/storage.hpp"

namespace deepmoe {
namespace {

const std::vector<std::string> names{"<script>alert(1)</script>",
                                     "a \"quoted\" & 'odd' class",
                                     "airplane",
                                     "automobile",
                                     "bird",
                                     "cat",
                                     "a class with a name that is much too long for any label",
                                     "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab",
                                     "\xff\xfe",
                                     "truck"};

void write(const std::string& folder, const std::string& name, const Report& report) {
  const std::string page = report_page(report);
  write_file_atomically(folder + "/" + name + ".html", page);
  std::cout << name << ".html: " << page.size() << " bytes\n";
}

}  // namespace
}  // namespace deepmoe

int main(int argc, char** argv) {
  using namespace deepmoe;
  if (argc != 2) {
    std::cerr << "usage: make_pages <folder>\n";
    return 2;
  }
  const std::string folder = argv[1];
  make_folder(folder);
  write(folder, "10-classes-4-layers", synthetic_report(10, {16, 32, 64, 128}, 2000, names));
  write(folder, "100-classes-16-layers", synthetic_report(100, std::vector<std::int64_t>(16, 64), 3000));
  write(folder, "100-classes-100-layers", synthetic_report(100, std::vector<std::int64_t>(100, 40), 2000));
  write(folder, "1000-classes-4000-experts",
        synthetic_report(1000, std::vector<std::int64_t>(20, 200), 20000));
  write(folder, "2-classes-1-image", synthetic_report(2, {4}, 1));
}
