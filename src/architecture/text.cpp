#include <algorithm>
#include <array>
#include <iomanip>

#include "architecture/architecture.hpp"
#include "base/base.hpp"

namespace deepmoe {
namespace {

/// 1234567 as "1,234,567".
std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

/// Zero is left blank: most nodes have no parameters and no MACs.
std::string grouped_or_blank(std::int64_t number) { return number == 0 ? std::string() : grouped(number); }

std::string operation_text(const Operation& operation) {
  const auto window = [](std::int64_t kernel, std::int64_t stride) {
    return stride == 1 ? concat(" ", kernel, "x", kernel) : concat(" ", kernel, "x", kernel, "/", stride);
  };
  std::string text(operation_name(operation));
  if (const auto* convolution = std::get_if<Convolution>(&operation)) {
    text += window(convolution->kernel, convolution->stride);
  } else if (const auto* pool = std::get_if<MaxPool>(&operation)) {
    text += window(pool->kernel, pool->stride);
  } else if (const auto* gate = std::get_if<Gate>(&operation); gate != nullptr && gate->active_limit > 0) {
    text += concat(" top ", gate->active_limit);
  }
  return text;
}

std::string shape_text(const Shape& shape) {
  if (!shape.is_image()) return concat(shape.channels);
  return concat(shape.channels, "x", shape.height, "x", shape.width);
}

/// Gates are numbered; a convolution names the gates of its inputs and outputs by number.
std::string gate_text(const NodeCost& cost) {
  std::string text;
  if (cost.input_gate >= 0) text = concat("in #", cost.input_gate);
  if (cost.output_gate >= 0) text += concat(text.empty() ? "" : ", ", "out #", cost.output_gate);
  return text;
}

constexpr std::size_t column_count = 6;
using Row = std::array<std::string, column_count>;

std::string table(const std::vector<Row>& rows) {
  constexpr std::array<bool, column_count> right = {false, false, true, true, true, false};
  std::array<std::size_t, column_count> widths{};
  for (const Row& row : rows) {
    for (std::size_t column = 0; column < column_count; ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < column_count; ++column) {
      const std::string blank(widths[column] - row[column].size(), ' ');
      line += right[column] ? blank + row[column] : row[column] + blank;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

void write_totals(std::ostringstream& out, const Cost& cost, bool gated) {
  const auto line = [&](std::string_view name, std::int64_t parameters, std::int64_t macs) {
    const auto percent = [](std::int64_t part, std::int64_t whole) {
      return whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0;
    };
    out << std::left << std::setw(10) << name << std::right << std::setw(18) << grouped(parameters)
        << std::setw(7) << percent(parameters, cost.parameters) << " %" << std::setw(22) << grouped(macs)
        << std::setw(7) << percent(macs, cost.dense_macs) << " %\n";
  };
  out << std::fixed << std::setprecision(1);
  out << std::setw(28) << "parameters" << std::setw(31) << "dense MACs"
      << "\n";
  line("trunk", cost.trunk_parameters, cost.trunk_macs);
  if (gated) {
    line("gating", cost.gating_parameters, cost.gating_macs);
    line("embedding", cost.embedding_parameters, cost.embedding_macs);
  }
  line("total", cost.parameters, cost.dense_macs);
}

}  // namespace

std::string to_text(const Architecture& architecture) {
  const std::vector<Shape> shapes = infer_shapes(architecture);
  const Cost total = cost(architecture);
  std::vector<Row> rows = {{"node", "operation", "output", "parameters", "dense MACs", "gate"}};
  std::int64_t experts = 0;
  int position = 0;
  for (std::size_t i = 0; i < architecture.nodes.size(); ++i) {
    const Node& node = architecture.nodes[i];
    const bool is_gate = std::holds_alternative<Gate>(node.operation);
    if (is_gate) experts += shapes[i].channels;
    rows.push_back({node.name, operation_text(node.operation), shape_text(shapes[i]),
                    grouped_or_blank(total.nodes[i].parameters), grouped_or_blank(total.nodes[i].dense_macs),
                    is_gate ? concat("#", position++) : gate_text(total.nodes[i])});
  }
  std::ostringstream out;
  out << architecture.model << ": " << architecture.num_classes() << " classes, images "
      << shape_text(shapes.front());
  if (architecture.gated()) out << ", " << position << " gates over " << grouped(experts) << " experts";
  out << "\n\n" << table(rows) << "\n";
  if (position > 0) {
    out << "gate: #n is a gate's number; `in #n` and `out #n` tell whose inactive experts spare a node its\n"
           "input and output channels.\n\n";
  }
  write_totals(out, total, architecture.gated());
  return out.str();
}

}  // namespace deepmoe
