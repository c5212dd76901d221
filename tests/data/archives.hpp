#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/pickled_batches.hpp"

namespace deepmoe {

struct ArchiveEntry {
  std::string name, content = {};
  decltype(AE_IFREG) type = AE_IFREG;
  std::string symbolic_link = {}, hard_link = {};
};

/// A tar archive, compressed by one of libarchive's filters (gzip, bzip2, xz, zstd) or plain ("").
inline std::string packed(const std::vector<ArchiveEntry>& entries, const std::string& filter = "gzip") {
  std::string bytes(std::size_t(1) << 22, '\0');
  std::size_t used = 0;
  archive* const writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  if (!filter.empty()) archive_write_add_filter_by_name(writer, filter.c_str());
  archive_write_set_bytes_in_last_block(writer, 1);
  int status = archive_write_open_memory(writer, bytes.data(), bytes.size(), &used);
  for (const ArchiveEntry& wish : entries) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, wish.name.c_str());
    archive_entry_set_filetype(entry, wish.type);
    archive_entry_set_perm(entry, 04755);
    archive_entry_set_size(entry, static_cast<std::int64_t>(wish.content.size()));
    if (!wish.symbolic_link.empty()) archive_entry_set_symlink(entry, wish.symbolic_link.c_str());
    if (!wish.hard_link.empty()) archive_entry_set_hardlink(entry, wish.hard_link.c_str());
    if (status == ARCHIVE_OK) status = archive_write_header(writer, entry);
    archive_write_data(writer, wish.content.data(), wish.content.size());
    archive_entry_free(entry);
  }
  if (status == ARCHIVE_OK) status = archive_write_close(writer);
  archive_write_free(writer);
  if (status != ARCHIVE_OK) throw std::runtime_error("can't pack the archive");
  bytes.resize(used);
  return bytes;
}

/// In hexadecimal digits.
inline std::string sha256(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text.push_back("0123456789ABCDEF"[digest[i] >> 4]);
    text.push_back("0123456789ABCDEF"[digest[i] & 15]);
  }
  return text;
}

/// The files of a small CIFAR-10 of random pixels, 2 images a batch.
inline std::vector<ArchiveEntry> small_cifar10() {
  std::vector<ArchiveEntry> entries = {{"cifar-10-batches-py/", "", AE_IFDIR}};
  std::uint32_t state = 1;
  const auto batch = [&state] {
    std::string pixels(2 * 3072, '\0');
    for (char& pixel : pixels) pixel = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return pickled::batch("labels", {3, 9}, pixels);
  };
  for (int i = 1; i <= 5; ++i) {
    entries.push_back({"cifar-10-batches-py/data_batch_" + std::to_string(i), batch()});
  }
  entries.push_back({"cifar-10-batches-py/test_batch", batch()});
  entries.push_back({"cifar-10-batches-py/batches.meta",
                     pickled::names("label_names", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})});
  entries.push_back({"cifar-10-batches-py/readme.html", "<p>"});
  return entries;
}

}  // namespace deepmoe
