# Calls over the border, and who owns what they give.

"""
    DeepMoEError

A failed call: `code` is a `DMOE_ERROR_*` or what a callback answered, `message` says what was wrong, with which value, and
what to do.
"""
struct DeepMoEError <: Exception
    code::Int32
    message::String
end

status_name(code) = unsafe_string(dmoe_status_name(code))

Base.showerror(io::IO, error::DeepMoEError) = print(io, "DeepMoEError (", status_name(error.code), "): ", error.message)

"Calls a function that takes an error at the end."
function check(call, arguments...)
    error = Ref{Ptr{dmoe_error}}(C_NULL)
    status = call(arguments..., error)
    status == DMOE_OK && return nothing
    error[] == C_NULL && throw(DeepMoEError(status, status_name(status)))
    failure = DeepMoEError(dmoe_error_code(error[]), unsafe_string(dmoe_error_message(error[])))
    dmoe_error_release(error[])
    throw(failure)
end

"Calls a function that gives an object before the error."
function made(::Type{T}, call, arguments...) where {T}
    object = Ref{Ptr{T}}(C_NULL)
    check(call, arguments..., object)
    return object[]
end

"Calls a function that gives text before the error."
text(call, arguments...) = taken(made(dmoe_string, call, arguments...))

"The text of a dmoe_string, which is released."
function taken(string::Ptr{dmoe_string})
    result = unsafe_string(Ptr{UInt8}(dmoe_string_data(string)), dmoe_string_size(string))
    dmoe_string_release(string)
    return result
end

"""
An object of the library. It is released by `close`, or when it is collected, from whichever thread does that.
"""
abstract type Handle end

"What releases an object of the kind."
function release end

function Base.close(object::Handle)
    pointer = object.pointer
    object.pointer = C_NULL
    pointer == C_NULL || release(object)(pointer)
    return nothing
end

Base.isopen(object::Handle) = object.pointer != C_NULL

# An object as an argument of a call is alive until the call returns.
Base.cconvert(::Type{<:Ptr}, object::Handle) = object
function Base.unsafe_convert(::Type{Ptr{T}}, object::Handle) where {T}
    isopen(object) || throw(ArgumentError("this $(nameof(typeof(object))) is closed"))
    return convert(Ptr{T}, object.pointer)
end

Base.show(io::IO, object::Handle) = print(io, nameof(typeof(object)), isopen(object) ? "(…)" : "(closed)")

"""
    Engine(arguments...; settings...) do engine ... end

The same for every type of object: it is closed at the end of the block.
"""
function (::Type{T})(work::Function, arguments...; settings...) where {T<:Handle}
    object = T(arguments...; settings...)
    try
        return work(object)
    finally
        close(object)
    end
end

or_null(object) = something(object, C_NULL)

# ---- Settings as JSON ------------------------------------------------------------------------------------------------

json_text(value::Union{Bool,Integer,AbstractFloat}) = string(value)
json_text(value::Union{AbstractString,Symbol}) = "\"" * json_escaped(string(value)) * "\""
json_text(values::Union{AbstractVector,Tuple}) = "[" * join(map(json_text, values), ", ") * "]"

function json_escaped(text)
    parts = map(collect(text)) do character
        character in ('"', '\\') ? "\\$character" :
        iscntrl(character) ? "\\u" * string(UInt32(character); base = 16, pad = 4) : string(character)
    end
    return join(parts)
end

json_object(values) = "{" * join((json_text(name) * ": " * json_text(value) for (name, value) in pairs(values)), ", ") * "}"

"JSON of keyword arguments; NULL where there are none."
settings_json(settings) = isempty(settings) ? C_NULL : json_object(settings)
