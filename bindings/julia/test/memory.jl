# Nothing is left behind, whichever thread lets go of it, and nothing is copied.

function collected(count)
    for _ in 1:100
        GC.gc()
        live_objects() <= count && return true
        sleep(0.01)
    end
    return false
end

resident_bytes() = parse(Int, split(read("/proc/self/statm", String))[2]) * 4096

@testset "a thousand lives leave nothing" begin
    options, images, labels, before = training_options(), IMAGES[:, :, :, 1:2], LABELS[1:2], 0
    for life in 1:1000
        model = Model(NETWORK, options)
        trainer, dataset, engine = Trainer(model, options), Dataset(images, labels; num_classes = CLASSES), compile(model)
        step!(trainer, images, labels; loss = false)
        engine(images)
        @assert fails(() -> fit!(trainer, dataset; callback = (event, json) -> DeepMoE.Stop(99)), 99)
        life % 10 == 0 || foreach(close, (trainer, dataset, engine, model)) # The others are left to the collector.
        if life == 200 && isfile("/proc/self/statm")
            GC.gc()
            before = resident_bytes()
        end
    end
    close(options)
    @test collected(0) && DeepMoE.lent_count() == 0
    @test before == 0 || resident_bytes() - before < 32 * 2^20
end

@testset "other threads release" begin
    foreach(wait, [Threads.@spawn(close($(Engine(NETWORK)))) for _ in 1:8])
    @test collected(0)
end

@testset "nothing is copied" begin
    folder = mktempdir()
    recorder, record = joinpath(folder, "recorder.so"), joinpath(folder, "record")
    found = DeepMoE.dlpath(DeepMoE.library[])
    capi = joinpath(SHARED, "..", "..", "capi")
    source = joinpath(SHARED, "record_addresses.c")
    run(`cc -shared -fPIC -I $capi $source -o $recorder -Wl,--no-as-needed $found -Wl,-rpath,$(dirname(found))`)
    program = addenv(`$(Base.julia_cmd()) --project=$(Base.active_project()) $(joinpath(@__DIR__, "recorded.jl"))`,
                     "DEEPMOE_LIBRARY" => recorder, "DEEPMOE_RECORD" => record)
    @test readlines(program) == readlines(record)
end
