# DLPack's tensor, which the headers only name.

struct DLManagedTensor
    data::Ptr{Cvoid}
    device_type::Int32
    device_id::Int32
    ndim::Int32
    code::UInt8
    bits::UInt8
    lanes::UInt16
    shape::Ptr{Int64}
    strides::Ptr{Int64}
    byte_offset::UInt64
    manager_ctx::Ptr{Cvoid}
    deleter::Ptr{Cvoid}
end
