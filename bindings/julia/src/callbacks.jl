# Callbacks: what they throw is carried over the C frames and thrown again by the call.

"What happens in a long call; the JSON of each is described at DMOE_EVENT_START in deepmoe.h."
@enum Event::Int32 START = 1 STEP = 2 EPOCH = 3 SAVED = 4 VALIDATION = 5 FETCH = 6

"What a callback answers to end its call, which throws a `DeepMoEError` of this code."
struct Stop
    code::Int32
end

mutable struct Receiver
    callback::Any
    thrown::Any
end

const THROWN = typemin(Int32)

function receive_event(event::Int32, json::Cstring, user_data::Ptr{Cvoid})::Int32
    receiver = unsafe_pointer_to_objref(user_data)::Receiver
    receiver.thrown === nothing || return THROWN
    any(known -> Int32(known) == event, instances(Event)) || return DMOE_OK # One that a newer library tells.
    try
        answer = receiver.callback(Event(event), unsafe_string(json))
        return answer isa Stop ? answer.code : DMOE_OK
    catch error
        receiver.thrown = error
        return THROWN
    end
end

"""
Makes a C call that takes a callback, which may be `nothing`. The callback receives an [`Event`](@ref) and its JSON. It ends the
call by answering [`Stop`](@ref) or by throwing, which goes on in the call; the step under way is finished and everything
saved. It may come in another thread than the call's.
"""
function during(call, callback)
    callback === nothing && return call(C_NULL, C_NULL)
    receiver = Receiver(callback, nothing)
    receive = @cfunction(receive_event, Int32, (Int32, Cstring, Ptr{Cvoid}))
    try
        return GC.@preserve receiver call(receive, pointer_from_objref(receiver))
    catch
        receiver.thrown === nothing || throw(receiver.thrown)
        rethrow()
    end
end

mutable struct LogReceiver
    receive::Any
end

const log_receiver = Ref{Any}(nothing)
const log_lock = ReentrantLock()

function receive_log(level::Int32, message::Cstring, user_data::Ptr{Cvoid})::Int32
    try
        (unsafe_pointer_to_objref(user_data)::LogReceiver).receive(level, unsafe_string(message))
    catch
        # There is no call to throw it from.
    end
    return DMOE_OK
end

"""
    set_log_callback((level, message) -> ...)
    set_log_callback(nothing)

Replaces the receiver of the process's log messages; `level` is a `DMOE_LOG_*`. `nothing` restores the default, which prints
warnings and errors. The receiver must not call the library, and may come in any thread.
"""
function set_log_callback(receive)
    lock(log_lock) do
        if receive === nothing
            check(dmoe_set_log_callback, C_NULL, C_NULL)
            log_receiver[] = nothing
        else
            receiver = LogReceiver(receive)
            function_pointer = @cfunction(receive_log, Int32, (Int32, Cstring, Ptr{Cvoid}))
            GC.@preserve receiver check(dmoe_set_log_callback, function_pointer, pointer_from_objref(receiver))
            log_receiver[] = receiver # The former one is not called any more.
        end
    end
    return nothing
end
