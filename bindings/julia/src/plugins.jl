# Plugins: shared libraries that add data sets, observers, backbones and gate metrics.

"""
    Plugin("./libsample.so")

Loads a plugin, whose data sets and backbones options `dataset` and `model` then take as `PLUGIN:NAME`. It stays loaded until the
process ends. Option `plugin` does the same, and besides has observers and gate metrics take part. A plugin runs its own
code in this process.
"""
mutable struct Plugin <: Handle
    pointer::Ptr{dmoe_plugin}
    Plugin(pointer::Ptr{dmoe_plugin}) = finalizer(close, new(pointer))
end
release(::Plugin) = dmoe_plugin_release

Plugin(path::AbstractString) = Plugin(made(dmoe_plugin, dmoe_plugin_load, path))

"What a plugin offers, and the versions of plugin and library, as JSON."
describe(plugin::Plugin) = text(dmoe_plugin_describe, plugin)
