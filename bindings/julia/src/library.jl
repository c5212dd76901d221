# Finds the shared library, when the package is loaded: DEEPMOE_LIBRARY names its file; else pkg-config knows its folder; else
# the system's loader is asked. libdeepmoe is taken before libdeepmoe_runtime, which serves networks only.

"A C function, whose address is asked for at its first call."
mutable struct Entry
    name::Symbol
    address::Ptr{Cvoid}
    Entry(name::Symbol) = new(name, C_NULL)
end

const library = Ref{Ptr{Cvoid}}(C_NULL)

function address(entry::Entry)
    if entry.address == C_NULL
        found = dlsym(library[], entry.name; throw_error = false)
        found === nothing &&
            error("the library that was found has no $(entry.name); libdeepmoe_runtime serves networks only")
        entry.address = found
    end
    return entry.address
end

function candidates()
    haskey(ENV, "DEEPMOE_LIBRARY") && return [ENV["DEEPMOE_LIBRARY"]]
    found = String[]
    for (package, name) in (("deepmoe", "libdeepmoe"), ("deepmoe-runtime", "libdeepmoe_runtime"))
        folder = try
            readchomp(pipeline(`pkg-config --variable=libdir $package`; stderr = devnull))
        catch
            ""
        end
        isempty(folder) || push!(found, joinpath(folder, "$name.$dlext"))
        push!(found, "$name.$dlext")
    end
    return found
end

function __init__()
    for file in candidates()
        handle = dlopen(file, RTLD_NOW | RTLD_LOCAL; throw_error = false)
        handle === nothing && continue
        library[] = handle
        found = dmoe_abi_version()
        found == DMOE_ABI_VERSION ||
            error("this package was made for version $DMOE_ABI_VERSION of the library's interface; $file has $found")
        return
    end
    error("libdeepmoe cannot be loaded. Set DEEPMOE_LIBRARY to the file libdeepmoe.$dlext (or libdeepmoe_runtime.$dlext), or " *
          "PKG_CONFIG_PATH to the folder of deepmoe.pc. Tried: $(join(candidates(), ", "))")
end

"Whether the library that was found trains; libdeepmoe_runtime serves networks only."
has_training() = dlsym(library[], :dmoe_model_create; throw_error = false) !== nothing

"\"major.minor.patch\" of the library."
version() = VersionNumber(unsafe_string(dmoe_version()))

"How many objects of a kind (`DMOE_KIND_*`) exist in this process."
live_objects(kind = DMOE_KIND_ALL) = dmoe_live_objects(kind)
