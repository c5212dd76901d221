#pragma once

/// The door of src/data: data sets, augmentation and the loader that runs ahead of the training step.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "options/options.hpp"

namespace deepmoe {

enum class PixelType { u8, f32 };

/// One image somewhere in memory, with strides in elements, so that planar and interleaved ones need no copy.
struct ImageView {
  const void* data = nullptr;
  PixelType type = PixelType::u8;
  std::int64_t channels = 0, height = 0, width = 0;
  std::int64_t channel_stride = 0, row_stride = 0, column_stride = 0;
};

struct ImageExtent {
  std::int64_t height = 0, width = 0;
  bool operator==(const ImageExtent&) const = default;
};

/// Whole pixels of an image.
struct Rectangle {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  bool operator==(const Rectangle&) const = default;
};

/// What is needed of an image: the pixels that may be read, at least one, and how many of them, along each side, will
/// become one; where that is 2 or more, a smaller version of the image will do.
struct PartRequest {
  Rectangle pixels;
  double reduction = 1.0;
};
using ChoosePart = std::function<PartRequest(ImageExtent whole)>;

/// A part of an image, or of a version of it that is 2, 4 or 8 times smaller.
struct ImagePart {
  ImageView view;
  std::int64_t top = 0, left = 0;  ///< where the view lies in the (reduced) image
  std::int64_t reduction = 1;      ///< pixels of the image, along each side, for one of the view
};

/// Per channel, on the scale where a pixel of 255 is 1: value = (pixel / 255 - mean) / deviation.
struct Normalization {
  std::array<float, 3> mean{0.0F, 0.0F, 0.0F};
  std::array<float, 3> deviation{1.0F, 1.0F, 1.0F};
};

/// Labelled images with random access. Implementations are immutable: any number of threads may read one.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  virtual std::int64_t num_classes() const = 0;
  /// num_classes() names.
  virtual const std::vector<std::string>& class_names() const = 0;
  virtual std::int64_t label(std::int64_t index) const = 0;
  /// Image `index`: a view into the data set or into `scratch`, valid until either changes. Errors name the file.
  virtual ImageView image(std::int64_t index, std::vector<std::byte>& scratch) const = 0;
  /// The part of image `index` that `choose` asks for once it knows the image's size. A data set that decodes files may
  /// save itself the rest of the image, and may give a reduced one.
  virtual ImagePart image_part(std::int64_t index, const ChoosePart& choose, std::vector<std::byte>& scratch) const;
  /// The side of the images when all are squares of one size, else 0.
  virtual std::int64_t image_size() const = 0;
  virtual Normalization normalization() const = 0;
  /// For messages, e.g. "folder /data/cifar10 (train)".
  virtual std::string description() const = 0;
};

/// Training and validation halves of what the options name: dataset (synthetic, cifar10, cifar100, folder), data_dir,
/// num_classes, image_size, seed, the synthetic_* options, validation_share and train_images. The splits are "train",
/// "test" (val/ is taken for it where a folder has that) and "val": the images of the training half that
/// validation_share holds out of "train" or, where it is 0, "test". Errors: not_found (folder, with what was looked for), format (file and reason).
std::shared_ptr<const Dataset> open_dataset(const Options& options, const std::string& split);

/// Host arrays without a copy: `images` is (size, channels, height, width), or (size, height, width, channels) when
/// `channels_last`; `owner` keeps the memory alive. f32 images count as already normalised. A label outside
/// 0..num_classes-1 is an Error(invalid_argument).
std::shared_ptr<const Dataset> array_dataset(const void* images, PixelType type, const std::int64_t* labels,
                                             std::int64_t size, std::int64_t channels, std::int64_t height,
                                             std::int64_t width, bool channels_last, std::int64_t num_classes,
                                             std::shared_ptr<const void> owner);

/// The images of some classes, with the labels that they have in `dataset`; there may be none. An unknown class is an
/// Error(invalid_argument).
std::shared_ptr<const Dataset> select_classes(std::shared_ptr<const Dataset> dataset,
                                              const std::vector<std::int64_t>& classes);

/// A share (0..1) of the images, evenly spread, so that of images in the order of their classes each class gives its
/// share; and the others. The same images whatever the machine.
std::shared_ptr<const Dataset> spread_share(std::shared_ptr<const Dataset> dataset, double share);
std::shared_ptr<const Dataset> without_spread_share(std::shared_ptr<const Dataset> dataset, double share);

/// `count` images, evenly spread, or all where there are not so many.
std::shared_ptr<const Dataset> spread_images(std::shared_ptr<const Dataset> dataset, std::int64_t count);

/// The first `count` images, or all where there are not so many. A negative count is an Error(invalid_argument).
std::shared_ptr<const Dataset> first_images(std::shared_ptr<const Dataset> dataset, std::int64_t count);

/// Decodes a JPEG or PNG file (by content, not by name) into interleaved RGB bytes in `scratch`.
ImageView decode_image_file(const std::string& path, std::vector<std::byte>& scratch);
/// The same for the part of the image that `choose` asks for: of a JPEG file no more is decoded and kept than that, at
/// the smallest scale (1/2, 1/4 or 1/8) that has pixels enough. Damage in the rest may go unnoticed.
ImagePart decode_image_part(const std::string& path, const ChoosePart& choose, std::vector<std::byte>& scratch);

/// What happens to an image on its way into a batch of image_size x image_size.
struct Transform {
  std::int64_t image_size = 32;
  std::int64_t crop_padding = 0;  ///< random crop from an image padded with zeros (after normalisation) on each side
  double flip_probability = 0.0;
  Normalization normalization;
  /// A crop of 8 to 100 % of the image's area, 3/4 to 4/3 as wide as high; instead of crop_padding's.
  bool random_resized_crop = false;
  std::int64_t random_augment = 0;  ///< operations of RandAugment; needs bytes, as color_jitter does
  std::int64_t random_augment_magnitude = 9;
  double color_jitter = 0.0;    ///< largest relative change of brightness, contrast and saturation
  double random_erasing = 0.0;  ///< probability that a rectangle of 2 to 33 % of the area is set to 0
};
/// Evaluation's transform: resize and centre crop where sizes differ, never random.
Transform evaluation_transform(const Dataset& dataset, std::int64_t image_size);
/// Training's: options crop_padding, random_resized_crop, flip, random_augment, random_augment_magnitude, color_jitter
/// and random_erasing, which take effect in this order.
Transform training_transform(const Dataset& dataset, std::int64_t image_size, const Options& options);

/// Applies `transform` to one image, writing 3 planes of floats to `output`. Randomness comes from `sample_seed`
/// alone. Grey images (1 channel) are spread over the 3 planes.
void apply_transform(const Transform& transform, const ImageView& image, std::uint64_t sample_seed, float* output);
/// The same for an image that is still to be read: `read` hands over the part of it that it is asked for.
void apply_transform(const Transform& transform, const std::function<ImagePart(const ChoosePart&)>& read,
                     std::uint64_t sample_seed, float* output);

/// One batch; owned by the loader's ring and reused once handed back by the next call of next().
struct Batch {
  std::int64_t size = 0;
  const float* images = nullptr;          ///< (size, 3, image_size, image_size)
  const std::int64_t* labels = nullptr;   ///< (size)
  const std::int64_t* indices = nullptr;  ///< (size), positions in the data set
};

/// The part of a pass that one of several processes reads: every `count`-th image of the pass's order, so that the
/// batches of all processes together are those of one process whose batches are `count` times as large.
struct Shard {
  std::int64_t index = 0, count = 1;
  bool equal = false;  ///< whether up to count - 1 images are left out, so that all shards have as many

  /// Images in this shard of `samples`.
  std::int64_t size(std::int64_t samples) const {
    return equal ? samples / count : (samples - index + count - 1) / count;
  }
};

/// Memory for so many bytes, aligned as operator new does, until its last owner is gone. Called by any thread.
using AllocateMemory = std::function<std::shared_ptr<void>(std::size_t bytes)>;

struct LoaderOptions {
  std::int64_t batch_size = 64;
  bool shuffle = false;
  bool drop_last = false;
  std::uint64_t seed = 0;         ///< order and augmentation depend on seed, epoch and index alone, not on workers
  std::int64_t epoch = 0;
  std::int64_t first_batch = 0;   ///< where the pass begins; nothing that comes before is decoded
  std::int64_t num_workers = 0;   ///< 0: everything happens in next()
  std::int64_t prefetch = 4;      ///< batches ready ahead of the step, per loader
  Shard shard = {};
  AllocateMemory allocate = {};   ///< where images and labels of batches lie; empty: on the heap
};

/// How a data set, or a shard of it, is read in training: shuffled, by options batch_size, seed, num_workers and
/// prefetch. A last batch of one image, which has no batch statistics, is dropped unless it is the only one.
LoaderOptions training_loader_options(const Dataset& dataset, const Options& options, std::int64_t epoch,
                                      const Shard& shard = {});
/// In evaluation: every image once, in the data set's order.
LoaderOptions evaluation_loader_options(const Options& options);
/// The batches of a whole pass over `samples` images, or over the shard of them that `options` name.
std::int64_t count_batches(std::int64_t samples, const LoaderOptions& options);

/// One pass over a data set in batches, decoded and augmented by worker threads ahead of the caller. One thread calls
/// next(); destroying it early cancels what is under way.
class Loader {
 public:
  Loader(std::shared_ptr<const Dataset> dataset, Transform transform, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Of a whole pass, whatever first_batch is.
  std::int64_t num_batches() const;
  /// False at the end. Rethrows a worker's error.
  bool next(Batch& batch);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace deepmoe
