# Options, and the architectures that they describe.

"""
    Options(; model = "resnet18_moe", width = 0.25, ...)

Values for the options of the library (docs/options.md). A value's precedence depends on where it came from, not on the order of
calls: default < recipe < file < environment < `options[name] = value`. `options[name]` is the value as text.
"""
mutable struct Options <: Handle
    pointer::Ptr{dmoe_options}
    Options(pointer::Ptr{dmoe_options}) = finalizer(close, new(pointer))
end
release(::Options) = dmoe_options_release

function Options(; values...)
    options = Options(made(dmoe_options, dmoe_options_create))
    for (name, value) in values
        options[name] = value
    end
    return options
end

option_text(value) = string(value)
option_text(values::Union{AbstractVector,Tuple}) = join(values, ",")

function Base.setindex!(options::Options, value, name::Union{AbstractString,Symbol})
    check(dmoe_options_set, options, string(name), option_text(value))
    return value
end

Base.getindex(options::Options, name::Union{AbstractString,Symbol}) = text(dmoe_options_get, options, string(name))

"A copy that can be changed on its own."
Base.copy(options::Options) = Options(made(dmoe_options, dmoe_options_copy, options))

"Sets every member of a JSON object, or none when one is refused."
function set_json!(options::Options, json::AbstractString)
    check(dmoe_options_set_json, options, json)
    return options
end

"Reads a configuration file, such as a run's config.json, with the precedence of a file."
function load_file!(options::Options, path::AbstractString)
    check(dmoe_options_load_file, options, path)
    return options
end

"Reads `DEEPMOE_<NAME>` for every option. Not safe while another thread changes the environment."
function read_environment!(options::Options)
    check(dmoe_options_read_environment, options)
    return options
end

"Every option with its resolved value, as a JSON object."
to_json(options::Options) = text(dmoe_options_to_json, options)

"The table of options itself, as JSON."
options_schema() = text(dmoe_options_schema)

"The names that option `model` takes, as a JSON array."
architecture_names() = text(dmoe_architecture_names)

"The network that the options describe, as JSON. An unset image_size counts as 224, an unset num_classes as 1000."
architecture(options::Options) = text(dmoe_architecture_json, options)

"Shapes, parameters and multiply-accumulates of each node and in all, as JSON, of a network that options describe or of a model."
describe_architecture(options::Options) = text(dmoe_architecture_describe, options)

"The same as a table for people."
architecture_text(options::Options) = text(dmoe_architecture_text, options)
