#include "arrays.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "handles.hpp"

namespace deepmoe::capi {
namespace {

constexpr std::int64_t longest_side = std::int64_t{1} << 20;
constexpr std::int64_t most_elements = std::int64_t{1} << 58;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> extents;
  for (const std::int64_t extent : shape) extents.push_back(std::to_string(extent));
  return concat('(', join(extents), ')');
}

}  // namespace

SharedTensor image_array(const float* images, std::int64_t batch, std::int64_t height, std::int64_t width) {
  require(images, "images");
  SharedTensor tensor;
  tensor.name = "images";
  tensor.shape = {batch, 3, height, width};
  tensor.data = const_cast<float*>(images);  // Only read: SharedTensor has no form for constant data.
  expect_images(tensor);
  return tensor;
}

SharedTensor label_array(const std::int64_t* labels, std::int64_t batch) {
  require(labels, "labels");
  SharedTensor tensor;
  tensor.name = "labels";
  tensor.type = DataType::i64;
  tensor.shape = {batch};
  tensor.data = const_cast<std::int64_t*>(labels);  // Only read, as above.
  return tensor;
}

void expect_images(const SharedTensor& images) {
  if (images.type != DataType::f32 && images.type != DataType::u8) {
    fail(ErrorCode::invalid_argument, "images have elements of type ", data_type_name(images.type),
         ", must be F32 (normalised) or U8");
  }
  const std::vector<std::int64_t>& shape = images.shape;
  if (shape.size() != 4 || shape[1] != 3) {
    fail(ErrorCode::invalid_argument, "images have shape ", shape_text(shape),
         ", must be (N, 3, height, width)");
  }
  if (shape[0] < 1 || shape[2] < 1 || shape[3] < 1 || shape[2] > longest_side || shape[3] > longest_side ||
      shape[0] > most_elements / (3 * shape[2] * shape[3])) {
    fail(ErrorCode::invalid_argument, "images have shape ", shape_text(shape),
         "; there must be at least one image, and sides must be 1 to ", longest_side);
  }
}

void expect_images(const SharedTensor& images, const Architecture& architecture) {
  expect_images(images);
  const std::int64_t smaller_side = std::min(images.shape[2], images.shape[3]);
  if (smaller_side < architecture.image_size)
    infer_shapes(architecture, smaller_side);  // says what is too small
}

}  // namespace deepmoe::capi
