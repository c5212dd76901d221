# What the experts of a gated network do on a data set.

"""
    Report(engine, dataset; callback = nothing, settings...)
    Report(model, dataset; ...)
    Report(trainer, dataset; ...)

Figures of gates, embedding and predictions over every image, of an engine, of a model as it is now, or of the model that a
trainer trains, of which it needs none any more. Settings: threshold, thresholds, top, embeddings, batch_size, num_workers,
weights, compact_command; of a model or trainer threads and split, too.
"""
mutable struct Report <: Handle
    pointer::Ptr{dmoe_report}
    Report(pointer::Ptr{dmoe_report}) = finalizer(close, new(pointer))
end
release(::Report) = dmoe_report_release

Report(engine::Engine, dataset::Dataset; callback = nothing, settings...) =
    during(callback) do receive, receiver
        Report(made(dmoe_report, dmoe_report_create, engine, dataset, settings_json(settings), receive, receiver))
    end

Report(model::Model, dataset::Dataset; callback = nothing, settings...) =
    during(callback) do receive, receiver
        Report(made(dmoe_report, dmoe_report_create_from_model, model, dataset, settings_json(settings), receive, receiver))
    end

Report(trainer::Trainer, dataset::Dataset; callback = nothing, settings...) =
    during(callback) do receive, receiver
        Report(made(dmoe_report, dmoe_report_create_from_trainer, trainer, dataset, settings_json(settings), receive, receiver))
    end

"The same report, which also says how the network differs from an earlier state."
compared_with(report::Report, reference::Report) = Report(made(dmoe_report, dmoe_report_compare, report, reference))

"All figures but the matrices, as JSON."
figures(report::Report) = text(dmoe_report_json, report)

"The names of the gates, in the order of the network."
function layers(report::Report)
    names = String[]
    while (name = dmoe_report_layer(report, length(names))) != C_NULL
        push!(names, unsafe_string(name))
    end
    return names
end

"""
    matrix(report, name, layer = nothing)

"confusion", "class_similarity", "embedding"; and of a layer "utilisation", "class_activation", "co_activation". What the header
calls a row is a column here.
"""
function matrix(report::Report, name::AbstractString, layer::Union{Nothing,AbstractString} = nothing)
    shape = Int64[-1, 0]
    try
        check(dmoe_report_matrix, report, name, or_null(layer), C_NULL, 0, shape)
    catch
        shape[1] < 0 && rethrow()
    end
    values = Matrix{Float64}(undef, shape[2], shape[1])
    check(dmoe_report_matrix, report, name, or_null(layer), values, length(values), C_NULL)
    return values
end

"Writes report.html, report.json and a CSV for each table."
write_report(report::Report, folder::AbstractString) = check(dmoe_report_write, report, folder)
