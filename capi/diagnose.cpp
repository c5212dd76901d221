#include <png.h>
#include <tbb/version.h>

#include <cstddef>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
// jpeglib.h needs size_t and FILE to be declared before it.
#include <jpeglib.h>

#include "base/base.hpp"
#include "cpu.hpp"
#include "deepmoe.h"
#include "guard.hpp"
#include "handles.hpp"
#include "model/model.hpp"
#include "strings.hpp"

using namespace deepmoe;
using namespace deepmoe::capi;

namespace {

#define DEEPMOE_TEXT_OF(value) #value
#define DEEPMOE_TEXT(value) DEEPMOE_TEXT_OF(value)

std::string jpeg_version() {
#ifdef LIBJPEG_TURBO_VERSION
  return DEEPMOE_TEXT(LIBJPEG_TURBO_VERSION);
#else
  return "libjpeg API " DEEPMOE_TEXT(JPEG_LIB_VERSION);
#endif
}

std::string compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

}  // namespace

int32_t dmoe_diagnose(dmoe_string** json, dmoe_error** error) {
  return guard(error, [&] {
    require(json, "json");
    const Cpu cpu = this_cpu();
    *json = new_string(nlohmann::json{
        {"deepmoe", dmoe_version()},
        {"abi", DMOE_ABI_VERSION},
        {"compiler", compiler()},
        {"libtorch", diagnose_libtorch()},
        {"cpu", {{"model", cpu.model}, {"cores", cpu.cores}, {"features", cpu.features}}},
        {"libraries",
         {{"libjpeg-turbo", jpeg_version()},
          {"libpng", png_get_libpng_ver(nullptr)},
          {"tbb", TBB_runtime_version()},
          {"nlohmann_json", concat(NLOHMANN_JSON_VERSION_MAJOR, '.', NLOHMANN_JSON_VERSION_MINOR, '.',
                                   NLOHMANN_JSON_VERSION_PATCH)}}}});
  });
}
