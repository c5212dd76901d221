#include "data/decoded_cache.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

using namespace deepmoe;

TEST_CASE("an image is found once it has been kept") {
  DecodedCache cache(3, 4);
  CHECK(cache.find(1) == nullptr);
  const std::vector<std::byte> image{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  cache.keep(1, image);
  REQUIRE(cache.find(1) != nullptr);
  CHECK(std::memcmp(cache.find(1), image.data(), 4) == 0);
  CHECK(cache.find(0) == nullptr);
  CHECK(cache.find(2) == nullptr);
}

TEST_CASE("an image of another size is not kept") {
  DecodedCache cache(1, 4);
  cache.keep(0, std::vector<std::byte>(5));
  CHECK(cache.find(0) == nullptr);
}

TEST_CASE("threads that keep the same images never see half of one") {
  constexpr std::int64_t count = 300;
  constexpr std::size_t bytes = 512;
  DecodedCache cache(count, bytes);
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        for (std::int64_t i = 0; i < count; ++i) {
          const std::vector<std::byte> image(bytes, static_cast<std::byte>(i));
          if (const std::byte* kept = cache.find(i)) {
            torn += std::memcmp(kept, image.data(), bytes) != 0;
          } else {
            cache.keep(i, image);
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(torn == 0);
  for (std::int64_t i = 0; i < count; ++i) CHECK(cache.find(i) != nullptr);
}
