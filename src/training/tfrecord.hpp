#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deepmoe {

/// The CRC-32C (Castagnoli) of `bytes`: polynomial 0x1EDC6F41, reflected (RFC 3720, section 12.1).
std::uint32_t crc32c(std::string_view bytes);

/// `data` as one record of a TFRecord file: its length, a checksum of the length, the data, a checksum of the
/// data, all little-endian. Checksums are masked CRC-32Cs, as TensorFlow defines them for this format.
std::string tfrecord(std::string_view data);

}  // namespace deepmoe
