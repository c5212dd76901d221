# Tests over the cases of all bindings (tests/bindings/cases.json).

using DeepMoE, JSON, Test

include("cases.jl")
@testset "DeepMoE" begin
    include("runtime.jl")
    if has_training()
        include("training.jl")
        include("memory.jl")
    end
    include("package.jl")
end
