#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/temporary_folder.hpp"
#include "capi/host_tensor.hpp"
#include "capi/owned.hpp"

using namespace deepmoe::capi_test;
using deepmoe::TemporaryFolder;

namespace {

Owned<dmoe_tensors> new_set() {
  Owned<dmoe_tensors> tensors;
  check_succeeds([&](dmoe_error** error) { return dmoe_tensors_create(tensors.out(), error); });
  return tensors;
}

void add(dmoe_tensors* tensors, const char* name, const std::vector<float>& values,
         const std::vector<int64_t>& shape) {
  check_succeeds([&](dmoe_error** error) {
    return dmoe_tensors_add_f32(tensors, name, values.data(), shape.data(),
                                static_cast<int64_t>(shape.size()), error);
  });
}

}  // namespace

TEST_CASE_FIXTURE(NoLeaks, "values and shape are read back") {
  Owned<dmoe_tensors> tensors = new_set();
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  add(tensors, "a", values, {2, 3});
  add(tensors, "scalar", {9}, {});
  CHECK(dmoe_tensors_count(tensors) == 2);
  CHECK(std::string(dmoe_tensors_name(tensors, 1)) == "scalar");

  int64_t shape[3] = {-1, -1, -1}, rank = -1, needed = -1;
  CHECK(dmoe_tensors_shape(tensors, "a", shape, 3, &rank, nullptr) == DMOE_OK);
  CHECK(rank == 2);
  CHECK(shape[0] == 2);
  CHECK(shape[1] == 3);
  CHECK(shape[2] == -1);
  CHECK(dmoe_tensors_shape(tensors, "scalar", nullptr, 0, &rank, nullptr) == DMOE_OK);
  CHECK(rank == 0);

  std::vector<float> read(6);
  CHECK(dmoe_tensors_read_f32(tensors, "a", read.data(), 6, &needed, nullptr) == DMOE_OK);
  CHECK(read == values);
  CHECK(needed == 6);
}

TEST_CASE_FIXTURE(NoLeaks, "too small a buffer is refused and the needed number told") {
  Owned<dmoe_tensors> tensors = new_set();
  add(tensors, "a", {1, 2, 3, 4, 5, 6}, {2, 3});
  float buffer[6] = {-1, -1, -1, -1, -1, -1};
  int64_t needed = -1, shape = -1, rank = -1;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "6 elements", [&](dmoe_error** error) {
    return dmoe_tensors_read_f32(tensors, "a", buffer, 5, &needed, error);
  });
  CHECK(needed == 6);
  CHECK(buffer[0] == -1);
  needed = -1;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "6 elements", [&](dmoe_error** error) {
    return dmoe_tensors_read_f32(tensors, "a", nullptr, 100, &needed, error);
  });
  CHECK(needed == 6);
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "2 dimensions",
              [&](dmoe_error** error) { return dmoe_tensors_shape(tensors, "a", &shape, 1, &rank, error); });
  CHECK(rank == 2);
  CHECK(shape == -1);
}

TEST_CASE_FIXTURE(NoLeaks, "an unknown name is an error that suggests the nearest one") {
  Owned<dmoe_tensors> tensors = new_set();
  add(tensors, "layer1.weight", {1}, {1});
  DLManagedTensor* tensor = nullptr;
  check_fails(DMOE_ERROR_NOT_FOUND, "'layer1.weight'",
              [&](dmoe_error** error) { return dmoe_tensors_get(tensors, "layer1.weigth", &tensor, error); });
  CHECK(tensor == nullptr);
}

TEST_CASE_FIXTURE(NoLeaks, "names are unique and shapes sensible") {
  Owned<dmoe_tensors> tensors = new_set();
  add(tensors, "a", {1}, {1});
  const float value = 1.0F;
  const int64_t negative[1] = {-1}, huge[3] = {int64_t{1} << 40, int64_t{1} << 40, 4};
  for (const auto& [name, shape, rank, part] :
       {std::tuple<const char*, const int64_t*, int64_t, const char*>{"a", nullptr, 0, "already"},
        {"", nullptr, 0, "empty"},
        {"b", nullptr, 1, "shape"},
        {"b", negative, 1, "-1"},
        {"b", huge, 3, "too large"},
        {"b", negative, -1, "rank"},
        {"b", negative, 65, "rank"}}) {
    check_fails(DMOE_ERROR_INVALID_ARGUMENT, part, [&, n = name, s = shape, r = rank](dmoe_error** error) {
      return dmoe_tensors_add_f32(tensors, n, &value, s, r, error);
    });
  }
  CHECK(dmoe_tensors_count(tensors) == 1);
}

TEST_CASE_FIXTURE(NoLeaks, "a tensor that is handed out shares memory and outlives its set") {
  Owned<dmoe_tensors> tensors = new_set();
  add(tensors, "a", {1, 2, 3, 4, 5, 6}, {2, 3});
  DLManagedTensor *first = nullptr, *second = nullptr;
  REQUIRE(dmoe_tensors_get(tensors, "a", &first, nullptr) == DMOE_OK);
  REQUIRE(dmoe_tensors_get(tensors, "a", &second, nullptr) == DMOE_OK);
  CHECK(first->dl_tensor.data == second->dl_tensor.data);
  CHECK(first->dl_tensor.ndim == 2);
  CHECK(first->dl_tensor.shape[1] == 3);
  CHECK(first->dl_tensor.strides[0] == 3);
  CHECK(first->dl_tensor.strides[1] == 1);
  CHECK(first->dl_tensor.dtype.code == kDLFloat);
  CHECK(first->dl_tensor.dtype.bits == 32);
  CHECK(first->dl_tensor.device.device_type == kDLCPU);
  tensors.reset();
  static_cast<float*>(first->dl_tensor.data)[5] = 60;
  CHECK(static_cast<float*>(second->dl_tensor.data)[5] == 60);
  first->deleter(first);
  CHECK(static_cast<float*>(second->dl_tensor.data)[0] == 1);
  std::thread([second] { second->deleter(second); }).join();
}

TEST_CASE_FIXTURE(NoLeaks, "a tensor that is added keeps its memory and is deleted once") {
  std::vector<float> values = {1, 2, 3, 4};
  HostTensor host(values.data(), f32_type, {4});
  Owned<dmoe_tensors> tensors = new_set();
  check_succeeds([&](dmoe_error** error) { return dmoe_tensors_add(tensors, "a", &host.managed, error); });
  DLManagedTensor* back = nullptr;
  REQUIRE(dmoe_tensors_get(tensors, "a", &back, nullptr) == DMOE_OK);
  CHECK(back->dl_tensor.data == values.data());
  tensors.reset();
  CHECK(host.deletions == 0);  // still lent
  back->deleter(back);
  CHECK(host.deletions == 1);
}

TEST_CASE_FIXTURE(NoLeaks, "a tensor that is refused stays with the caller") {
  alignas(8) static char bytes[64] = {};
  Owned<dmoe_tensors> tensors = new_set();
  const auto refused = [&](HostTensor& host, int32_t status, const char* part) {
    check_fails(status, part,
                [&](dmoe_error** error) { return dmoe_tensors_add(tensors, "a", &host.managed, error); });
    CHECK(host.deletions == 0);
    CHECK(dmoe_tensors_count(tensors) == 0);
  };
  HostTensor transposed(bytes, f32_type, {2, 3});
  transposed.strides = {1, 2};
  transposed.managed.dl_tensor.strides = transposed.strides.data();
  refused(transposed, DMOE_ERROR_INVALID_ARGUMENT, "not contiguous");
  HostTensor complex(bytes, {kDLComplex, 64, 1}, {2});
  refused(complex, DMOE_ERROR_UNSUPPORTED, "type code 5");
  HostTensor lanes(bytes, {kDLFloat, 32, 4}, {2});
  refused(lanes, DMOE_ERROR_UNSUPPORTED, "lanes");
  HostTensor elsewhere(bytes, f32_type, {2});
  elsewhere.managed.dl_tensor.device.device_type = kDLVulkan;
  refused(elsewhere, DMOE_ERROR_UNSUPPORTED, "device of DLPack type 7");
  HostTensor gpu(bytes, f32_type, {2});
  gpu.managed.dl_tensor.device.device_type = kDLCUDA;
  refused(gpu, DMOE_ERROR_UNSUPPORTED, "not on the CPU");
  HostTensor negative(bytes, f32_type, {-2});
  refused(negative, DMOE_ERROR_INVALID_ARGUMENT, "negative extent");
  HostTensor huge(bytes, f32_type, {int64_t{1} << 40, int64_t{1} << 40, 0});
  refused(huge, DMOE_ERROR_INVALID_ARGUMENT, "too large");
  HostTensor misaligned(bytes + 1, f32_type, {2});
  refused(misaligned, DMOE_ERROR_INVALID_ARGUMENT, "aligned");
  HostTensor nothing(nullptr, f32_type, {2});
  refused(nothing, DMOE_ERROR_INVALID_ARGUMENT, "no data");
  HostTensor shapeless(bytes, f32_type, {2});
  shapeless.managed.dl_tensor.shape = nullptr;
  refused(shapeless, DMOE_ERROR_INVALID_ARGUMENT, "no shape");
  HostTensor deep(bytes, f32_type, {2});
  deep.managed.dl_tensor.ndim = 1000000;
  refused(deep, DMOE_ERROR_INVALID_ARGUMENT, "dimensions");
}

TEST_CASE_FIXTURE(NoLeaks, "contiguous strides and a byte offset are understood") {
  std::vector<float> values = {0, 1, 2, 3, 4, 5, 6, 7};
  HostTensor host(values.data(), f32_type, {2, 1, 3});
  host.strides = {3, 77, 1};  // the stride of an extent of 1 says nothing
  host.managed.dl_tensor.strides = host.strides.data();
  host.managed.dl_tensor.byte_offset = 2 * sizeof(float);
  host.managed.deleter = nullptr;
  Owned<dmoe_tensors> tensors = new_set();
  check_succeeds([&](dmoe_error** error) { return dmoe_tensors_add(tensors, "a", &host.managed, error); });
  std::vector<float> read(6);
  CHECK(dmoe_tensors_read_f32(tensors, "a", read.data(), 6, nullptr, nullptr) == DMOE_OK);
  CHECK(read == std::vector<float>{2, 3, 4, 5, 6, 7});
}

TEST_CASE_FIXTURE(NoLeaks, "a file gives back tensors of every type with metadata") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  alignas(16) static unsigned char bytes[16] = {1, 0, 1, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const DLDataType types[] = {{6, 8, 1},         {kDLUInt, 8, 1},  {kDLInt, 8, 1},    {kDLInt, 16, 1},
                              {kDLInt, 32, 1},   {kDLInt, 64, 1},  {kDLFloat, 16, 1}, {kDLBfloat, 16, 1},
                              {kDLFloat, 32, 1}, {kDLFloat, 64, 1}};
  std::vector<std::unique_ptr<HostTensor>> hosts;
  Owned<dmoe_tensors> tensors = new_set();
  for (const DLDataType& type : types) {
    const int64_t elements = type.code == 6 ? 4 : 16 / (type.bits / 8);
    hosts.push_back(std::make_unique<HostTensor>(bytes, type, std::vector<int64_t>{elements}));
    const std::string name = std::string("t").append(std::to_string(hosts.size()));
    check_succeeds([&](dmoe_error** error) {
      return dmoe_tensors_add(tensors, name.c_str(), &hosts.back()->managed, error);
    });
  }
  check_succeeds([&](dmoe_error** error) {
    return dmoe_tensors_save(tensors, path.c_str(), R"({"about": "types"})", error);
  });
  Owned<dmoe_tensors> file;
  check_succeeds([&](dmoe_error** error) { return dmoe_tensors_load(path.c_str(), file.out(), error); });
  CHECK(dmoe_tensors_count(file) == 10);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    DLManagedTensor* tensor = nullptr;
    const std::string name = std::string("t").append(std::to_string(i + 1));
    REQUIRE(dmoe_tensors_get(file, name.c_str(), &tensor, nullptr) == DMOE_OK);
    CHECK(tensor->dl_tensor.dtype.code == types[i].code);
    CHECK(tensor->dl_tensor.dtype.bits == types[i].bits);
    const std::size_t size = static_cast<std::size_t>(tensor->dl_tensor.shape[0]) * types[i].bits / 8;
    CHECK(size == (types[i].code == 6 ? 4 : 16));
    CHECK(std::memcmp(tensor->dl_tensor.data, bytes, size) == 0);
    tensor->deleter(tensor);
  }
  Owned<dmoe_string> metadata;
  check_succeeds([&](dmoe_error** error) { return dmoe_tensors_metadata(file, metadata.out(), error); });
  CHECK(take(metadata) == R"({"about":"types"})");
  float value = 0;
  check_fails(DMOE_ERROR_INVALID_ARGUMENT, "U8", [&](dmoe_error** error) {
    return dmoe_tensors_read_f32(file, "t2", &value, 1, nullptr, error);
  });
}

TEST_CASE_FIXTURE(NoLeaks, "saving refuses metadata that are no object of strings and keeps the old file") {
  const TemporaryFolder folder;
  const std::string path = folder.file("x.safetensors");
  Owned<dmoe_tensors> tensors = new_set();
  add(tensors, "a", {1}, {1});
  REQUIRE(dmoe_tensors_save(tensors, path.c_str(), nullptr, nullptr) == DMOE_OK);
  add(tensors, "b", {2}, {1});
  for (const char* metadata : {"[]", "{\"a\": 1}", "nonsense"}) {
    check_fails(DMOE_ERROR_FORMAT, "metadata_json", [&](dmoe_error** error) {
      return dmoe_tensors_save(tensors, path.c_str(), metadata, error);
    });
  }
  Owned<dmoe_tensors> file;
  REQUIRE(dmoe_tensors_load(path.c_str(), file.out(), nullptr) == DMOE_OK);
  CHECK(dmoe_tensors_count(file) == 1);
}

TEST_CASE_FIXTURE(NoLeaks, "a file that is absent or broken is an error that names it") {
  const TemporaryFolder folder;
  Owned<dmoe_tensors> tensors;
  check_fails(DMOE_ERROR_NOT_FOUND, "absent.safetensors", [&](dmoe_error** error) {
    return dmoe_tensors_load(folder.file("absent.safetensors").c_str(), tensors.out(), error);
  });
  std::ofstream(folder.file("broken.safetensors")) << "this is no tensor";
  check_fails(DMOE_ERROR_FORMAT, "broken.safetensors", [&](dmoe_error** error) {
    return dmoe_tensors_load(folder.file("broken.safetensors").c_str(), tensors.out(), error);
  });
  CHECK(static_cast<dmoe_tensors*>(tensors) == nullptr);
}

TEST_CASE_FIXTURE(NoLeaks, "tensors at odd offsets of a file are handed out aligned") {
  const TemporaryFolder folder;
  const std::string path = folder.file("odd.safetensors");
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  const uint64_t length = header.size();
  const float value = 2.5F;
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8);
  file << header << '\x07';
  file.write(reinterpret_cast<const char*>(&value), 4);
  file.close();
  Owned<dmoe_tensors> tensors;
  check_succeeds([&](dmoe_error** error) { return dmoe_tensors_load(path.c_str(), tensors.out(), error); });
  DLManagedTensor* tensor = nullptr;
  REQUIRE(dmoe_tensors_get(tensors, "b", &tensor, nullptr) == DMOE_OK);
  CHECK(reinterpret_cast<std::uintptr_t>(tensor->dl_tensor.data) % alignof(float) == 0);
  CHECK(*static_cast<float*>(tensor->dl_tensor.data) == value);
  tensor->deleter(tensor);
}
