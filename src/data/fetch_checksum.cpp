#include "data/fetch_checksum.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "base/base.hpp"

namespace deepmoe {
namespace {

class Digest {
 public:
  explicit Digest(const char* name) : context_(EVP_MD_CTX_new()) {
    const EVP_MD* const algorithm = EVP_get_digestbyname(name);
    if (context_ == nullptr || algorithm == nullptr ||
        EVP_DigestInit_ex(context_.get(), algorithm, nullptr) != 1) {
      fail(ErrorCode::unsupported, "the OpenSSL of this machine refuses to compute ", name,
           ". Unpack the archive by hand instead");
    }
  }

  void add(const char* bytes, std::size_t count) { EVP_DigestUpdate(context_.get(), bytes, count); }

  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int count = 0;
    EVP_DigestFinal_ex(context_.get(), bytes.data(), &count);
    std::string text;
    for (unsigned int i = 0; i < count; ++i) {
      text.push_back("0123456789abcdef"[bytes[i] >> 4]);
      text.push_back("0123456789abcdef"[bytes[i] & 15]);
    }
    return text;
  }

 private:
  struct Release {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Release> context_;
};

}  // namespace

Checksums file_checksums(const std::string& path,
                         const std::function<bool(std::int64_t done, std::int64_t total)>& progress) {
  constexpr std::size_t piece_bytes = std::size_t(1) << 18;
  Digest md5("MD5"), sha256("SHA256");
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(piece_bytes);
  std::int64_t done = 0;
  while (file.good()) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<std::size_t>(file.gcount());
    md5.add(piece.data(), count);
    sha256.add(piece.data(), count);
    done += file.gcount();
    if (progress && !progress(done, unknown ? -1 : static_cast<std::int64_t>(size))) {
      fail(ErrorCode::cancelled, "stopped while '", path, "' was checked");
    }
  }
  if (!file.eof()) fail(ErrorCode::io, "can't read '", path, "' to its end");
  return {md5.hexadecimal(), sha256.hexadecimal()};
}

}  // namespace deepmoe
