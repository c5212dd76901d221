#include "data/data.hpp"

namespace deepmoe {

LoaderOptions evaluation_loader_options(const Options& options) {
  LoaderOptions loader_options;
  loader_options.batch_size = options.integer("batch_size");
  loader_options.num_workers = options.integer("num_workers");
  loader_options.prefetch = options.integer("prefetch");
  return loader_options;
}

LoaderOptions training_loader_options(const Dataset& dataset, const Options& options, std::int64_t epoch,
                                      const Shard& shard) {
  LoaderOptions loader_options = evaluation_loader_options(options);
  loader_options.shuffle = true;
  loader_options.shard = shard;
  const std::int64_t size = shard.size(dataset.size());
  loader_options.drop_last = size > loader_options.batch_size && size % loader_options.batch_size == 1;
  loader_options.seed = static_cast<std::uint64_t>(options.integer("seed"));
  loader_options.epoch = epoch;
  return loader_options;
}

std::int64_t count_batches(std::int64_t samples, const LoaderOptions& options) {
  const std::int64_t size = options.shard.size(samples), whole = size / options.batch_size;
  return options.drop_last || size % options.batch_size == 0 ? whole : whole + 1;
}

}  // namespace deepmoe
