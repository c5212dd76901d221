#include "engine/product_chains.hpp"

#include <optional>
#include <utility>

namespace deepmoe {
namespace {

class Finding {
 public:
  explicit Finding(const Architecture& architecture) : architecture_(architecture) {
    found_.chain_of.assign(architecture.nodes.size(), -1);
    find_readers();
    find_chains();
  }

  ProductChains result() { return std::move(found_); }

 private:
  const Node& node(std::int32_t index) const { return architecture_.nodes[static_cast<std::size_t>(index)]; }

  void find_readers() {
    readers_.assign(architecture_.nodes.size(), {});
    for (std::int32_t index = 0; index < static_cast<std::int32_t>(architecture_.nodes.size()); ++index) {
      for (const std::int32_t input : node(index).inputs)
        readers_[static_cast<std::size_t>(input)].push_back(index);
    }
    is_output_.assign(architecture_.nodes.size(), false);
    for (const std::int32_t output :
         {architecture_.logits, architecture_.embedding, architecture_.embedding_logits}) {
      if (output >= 0) is_output_[static_cast<std::size_t>(output)] = true;
    }
  }

  /// The only reader of a node's output, when it has one.
  std::optional<std::int32_t> only_reader(std::int32_t index) const {
    const auto& readers = readers_[static_cast<std::size_t>(index)];
    if (readers.size() != 1 || is_output_[static_cast<std::size_t>(index)]) return std::nullopt;
    return readers.front();
  }

  void find_chains() {
    // Up to a sum first, so that each sum can choose between the products that end there.
    for (std::int32_t index = 0; index < static_cast<std::int32_t>(architecture_.nodes.size()); ++index) {
      if (is_product(node(index))) found_.chains.push_back(affine_chain(index));
    }
    for (std::size_t chain = 0; chain < found_.chains.size(); ++chain) {
      for (const std::int32_t member : found_.chains[chain].nodes)
        found_.chain_of[static_cast<std::size_t>(member)] = static_cast<std::int32_t>(chain);
    }
    for (std::int32_t index = 0; index < static_cast<std::int32_t>(architecture_.nodes.size()); ++index) {
      if (is<Add>(node(index))) give_sum(index);
    }
    for (ProductChain& chain : found_.chains) {
      const std::optional<std::int32_t> reader = only_reader(chain.nodes.back());
      if (reader && is_activation(node(*reader))) take(chain, *reader);
    }
  }

  void take(ProductChain& chain, std::int32_t index) {
    found_.chain_of[static_cast<std::size_t>(index)] =
        static_cast<std::int32_t>(&chain - found_.chains.data());
    chain.nodes.push_back(index);
  }

  ProductChain affine_chain(std::int32_t product) const {
    ProductChain chain{{product}};
    bool gated = false;
    for (std::int32_t last = product;;) {
      const std::optional<std::int32_t> reader = only_reader(last);
      if (!reader) return chain;
      const bool first_gate = is<Gate>(node(*reader)) && node(*reader).inputs[0] == last &&
                              node(*reader).inputs[1] != last && !gated;
      if (!first_gate && !is<BatchNorm>(node(*reader)) && !is<Dropout>(node(*reader))) return chain;
      gated = gated || first_gate;
      chain.nodes.push_back(last = *reader);
    }
  }

  /// A sum goes to the gated one of the two products that it adds, since only the other's channels are all
  /// computed; else to the later one.
  void give_sum(std::int32_t add) {
    std::int32_t best = -1;
    for (const std::int32_t input : node(add).inputs) {
      const std::int32_t chain = found_.chain_of[static_cast<std::size_t>(input)];
      if (chain < 0 || node(add).inputs[0] == node(add).inputs[1]) continue;
      const ProductChain& candidate = found_.chains[static_cast<std::size_t>(chain)];
      if (candidate.nodes.back() != input || only_reader(input) != add) continue;
      const auto rank = [&](std::int32_t of) {
        const ProductChain& ranked = found_.chains[static_cast<std::size_t>(of)];
        return std::pair(gate_of(ranked) >= 0, ranked.nodes.back());
      };
      if (best < 0 || rank(best) < rank(chain)) best = chain;
    }
    if (best < 0) return;
    ProductChain& chain = found_.chains[static_cast<std::size_t>(best)];
    chain.add = add;
    take(chain, add);
  }

  /// The gate node among a chain's nodes, or -1.
  std::int32_t gate_of(const ProductChain& chain) const {
    for (const std::int32_t member : chain.nodes) {
      if (is<Gate>(node(member))) return member;
    }
    return -1;
  }

  const Architecture& architecture_;
  std::vector<std::vector<std::int32_t>> readers_;
  std::vector<bool> is_output_;
  ProductChains found_;
};

}  // namespace

ProductChains find_product_chains(const Architecture& architecture) { return Finding(architecture).result(); }

}  // namespace deepmoe
