#include "options/table.hpp"

namespace deepmoe {
namespace {

using enum OptionType;

std::vector<OptionDeclaration> general_options() {
  constexpr std::string_view group = "general";
  return {
      {.name = "recipe",
       .type = text,
       .group = group,
       .default_value = "modern",
       .choices = {"modern", "seed", "paper"},
       .help =
           "Named set of options that every option not given otherwise takes its value from: modern (ours), "
           "seed (the defaults of the public Python code) or paper (the training that the paper describes)."},
      {.name = "seed",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 9007199254740992.0,
       .help = "Start of every random number: initial weights, data order, augmentation and the synthetic "
               "data set."},
      {.name = "device",
       .type = text,
       .group = group,
       .default_value = "auto",
       .help = "Where to compute: auto (the first usable GPU, else the CPU), cpu, cuda or cuda:N for GPU "
               "number N. "
               "Asking for a GPU that can't be used is an error."},
      {.name = "threads",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 4096,
       .help = "CPU threads that compute; 0 takes one for each core."},
      {.name = "deterministic",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help =
           "Whether to refuse GPU algorithms whose result differs from one run to the next, from then on in "
           "the "
           "whole process; on the CPU results never differ. CUDA then also needs the environment variable "
           "CUBLAS_WORKSPACE_CONFIG=:4096:8."},
  };
}

std::vector<OptionDeclaration> data_options() {
  constexpr std::string_view group = "data";
  return {
      {.name = "dataset",
       .type = text,
       .group = group,
       .default_value = "synthetic",
       .choices = {"synthetic", "cifar10", "cifar100", "folder"},
       .help = "Images to learn from: synthetic (generated, needs no files), cifar10 or cifar100 (as "
               "torchvision or "
               "the binary archives lay them out), or folder (train/ and val/ or test/, with a folder for "
               "each class); or PLUGIN:NAME, a data set of a plugin."},
      {.name = "data_dir",
       .type = text,
       .group = group,
       .default_value = "./data",
       .help = "Folder that holds the files of the data set."},
      {.name = "num_classes",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1000000,
       .help = "Number of classes that the network tells apart; 0 takes those of the data set."},
      {.name = "image_size",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 4096,
       .help = "Height and width in pixels that images are brought to; 0 takes the data set's own size, or "
               "224 for a "
               "folder whose images differ in size."},
      {.name = "validation_share",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1,
       .maximum_excluded = true,
       .help = "Share of the training images that are held out, evenly spread, and validate a training in "
               "the place "
               "of the test split, so that nothing is chosen by test images; 0 validates by the test split."},
      {.name = "train_images",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1000000000,
       .help =
           "Number of training images to learn from, evenly spread over those that are there; 0 takes all."},
      {.name = "num_workers",
       .type = integer,
       .group = group,
       .default_value = "4",
       .minimum = 0,
       .maximum = 256,
       .help =
           "Threads that decode and augment images ahead of training; 0 does it in the training thread. The "
           "result does not depend on it."},
      {.name = "prefetch",
       .type = integer,
       .group = group,
       .default_value = "4",
       .minimum = 1,
       .maximum = 1024,
       .help = "Batches that the workers keep ready ahead of training."},
      {.name = "synthetic_train_size",
       .type = integer,
       .group = group,
       .default_value = "4000",
       .minimum = 1,
       .maximum = 100000000,
       .help = "Number of images in the training split of the synthetic data set."},
      {.name = "synthetic_test_size",
       .type = integer,
       .group = group,
       .default_value = "1000",
       .minimum = 1,
       .maximum = 100000000,
       .help = "Number of images in the test split of the synthetic data set."},
      {.name = "crop_padding",
       .type = integer,
       .group = group,
       .default_value = "4",
       .minimum = 0,
       .maximum = 64,
       .help = "Pixels of border from which a training image is cropped at random; 0 turns random "
               "crops off."},
      {.name = "flip",
       .type = real,
       .group = group,
       .default_value = "0.5",
       .minimum = 0,
       .maximum = 1,
       .help = "Probability that a training image is mirrored left to right."},
      {.name = "mixup",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 100,
       .help = "Parameter of the beta distribution in whose proportion pairs of training images and their "
               "labels are blended; 0 turns it off. With cutmix too, each batch has one of them, by chance."},
      {.name = "cutmix",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 100,
       .help = "Parameter of the beta distribution for the area that one training image receives from "
               "another; 0 turns "
               "it off."},
      {.name = "random_augment",
       .type = integer,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 10,
       .help = "Number of random operations (rotation, shear, contrast and so on) on each training image, as "
               "RandAugment; 0 turns it off."},
      {.name = "random_augment_magnitude",
       .type = integer,
       .group = group,
       .default_value = "9",
       .minimum = 0,
       .maximum = 30,
       .help = "Strength of the operations of random_augment; 30 is the strongest."},
      {.name = "random_erasing",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1,
       .help = "Probability that a random rectangle of a training image (2 to 33 % of its area) is erased."},
      {.name = "random_resized_crop",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help = "Whether training images are cropped at random sizes (8 to 100 % of the area) and shapes (3/4 "
               "to 4/3 "
               "as wide as high), as is usual for ImageNet; crop_padding then has no effect."},
      {.name = "color_jitter",
       .type = real,
       .group = group,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1,
       .help = "Largest relative change of a training image's brightness, contrast and saturation; 0 turns "
               "it off."},
  };
}

std::vector<OptionDeclaration> model_options() {
  constexpr std::string_view group = "model";
  return {
      {.name = "model",
       .type = text,
       .group = group,
       .default_value = "resnet18_moe",
       .help = "Network to build, e.g. resnet18 (dense), resnet18_moe, resnet50_moe_a, resnet50_moe_b, "
               "vgg16_bn or "
               "vgg16_bn_moe; or PLUGIN:NAME, a backbone of a plugin."},
      {.name = "weights",
       .type = text,
       .group = group,
       .default_value = "",
       .help =
           "A safetensors file whose parameters the network starts from; empty starts from random weights."},
      {.name = "width",
       .type = real,
       .group = group,
       .default_value = "1",
       .minimum = 0,
       .maximum = 16,
       .minimum_excluded = true,
       .help = "Factor on the number of channels of every layer."},
      {.name = "wide",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help =
           "Whether to double the channels as the paper's wide networks do: in a ResNet everywhere, in a VGG "
           "everywhere but in the first convolution."},
      {.name = "variant",
       .type = text,
       .group = group,
       .default_value = "auto",
       .choices = {"auto", "imagenet", "cifar"},
       .help =
           "Stem and classifier: imagenet (for large images: 7x7 stride-2 stem and max pool, VGG with three "
           "linear "
           "layers), cifar (for small ones: 3x3 stem, one linear layer) or auto (cifar up to 64 pixels)."},
      {.name = "embedding_dim",
       .type = integer,
       .group = group,
       .default_value = "128",
       .minimum = 4,
       .maximum = 65536,
       .help = "Length of the vector that the embedding network makes of an image, from which the gates are "
               "computed."},
      {.name = "embedding_layers",
       .type = integer,
       .group = group,
       .default_value = "0",
       .choices = {"0", "4", "5"},
       .help = "Convolutions of the embedding network; 0 takes 4 for images up to 64 pixels and 5 for larger "
               "ones."},
      {.name = "gate_position",
       .type = text,
       .group = group,
       .default_value = "post_bn",
       .choices = {"post_bn", "pre_bn", "input"},
       .help =
           "Where gates multiply: post_bn (after batch norm, so that a zero gate is a zero channel), pre_bn "
           "(between convolution and batch norm, as the Python code) or input (the convolution's input "
           "channels, "
           "as the paper)."},
      {.name = "gate_bias",
       .type = boolean,
       .group = group,
       .default_value = "true",
       .help = "Whether the linear map that computes a layer's gates has a bias."},
      {.name = "embedding_norm",
       .type = text,
       .group = group,
       .default_value = "batch",
       .choices = {"batch", "none"},
       .help =
           "Normalisation of the embedding before the gates: batch (batch norm without parameters) or none."},
      {.name = "embedding_influence",
       .type = real,
       .group = group,
       .default_value = "0.1",
       .minimum = 0,
       .maximum = 1000,
       .help =
           "Factor on the embedding in the gate heads: small values let routing change slowly, 0 makes gates "
           "that are the same for all images."},
      {.name = "gate_init",
       .type = text,
       .group = group,
       .default_value = "unit",
       .choices = {"unit", "random"},
       .help = "How gates start: unit (every gate close to 1, so that a new network starts as the dense one) "
               "or random "
               "(as a linear layer of torch starts, which leaves about half of the experts silent)."},
      {.name = "zero_init_residual",
       .type = boolean,
       .group = group,
       .default_value = "false",
       .help =
           "Whether the last batch norm of each residual block starts with scale 0, so that blocks start as "
           "identities."},
  };
}

}  // namespace

std::vector<OptionDeclaration> network_options() {
  std::vector<OptionDeclaration> all = general_options();
  for (const auto& part : {data_options(), model_options()}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace deepmoe
