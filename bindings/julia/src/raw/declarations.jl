# The C functions as they are, made from the headers by make_declarations.py. The headers' comments are the manual.
#
# What calls back lets the collector run meanwhile: the callback may come in another thread, and may allocate.

const DMOE_OK = Int32(0)
const DMOE_ERROR_INVALID_ARGUMENT = Int32(1)
const DMOE_ERROR_NOT_FOUND = Int32(2)
const DMOE_ERROR_IO = Int32(3)
const DMOE_ERROR_FORMAT = Int32(4)
const DMOE_ERROR_UNSUPPORTED = Int32(5)
const DMOE_ERROR_OUT_OF_MEMORY = Int32(6)
const DMOE_ERROR_CANCELLED = Int32(7)
const DMOE_ERROR_NUMERIC = Int32(8)
const DMOE_ERROR_STATE = Int32(9)
const DMOE_ERROR_INTERNAL = Int32(10)
const DMOE_ABI_VERSION = Int32(1)
const DMOE_LOG_ERROR = Int32(0)
const DMOE_LOG_WARNING = Int32(1)
const DMOE_LOG_INFO = Int32(2)
const DMOE_LOG_DEBUG = Int32(3)
const DMOE_KIND_ALL = Int32(0)
const DMOE_KIND_ERROR = Int32(1)
const DMOE_KIND_STRING = Int32(2)
const DMOE_KIND_OPTIONS = Int32(3)
const DMOE_KIND_TENSORS = Int32(4)
const DMOE_KIND_DATASET = Int32(5)
const DMOE_KIND_MODEL = Int32(6)
const DMOE_KIND_TRAINER = Int32(7)
const DMOE_KIND_ENGINE = Int32(8)
const DMOE_KIND_LOADER = Int32(9)
const DMOE_KIND_REPORT = Int32(10)
const DMOE_KIND_PLUGIN = Int32(11)
const DMOE_LAYOUT_NCHW = Int32(0)
const DMOE_LAYOUT_NHWC = Int32(1)
const DMOE_EVENT_START = Int32(1)
const DMOE_EVENT_STEP = Int32(2)
const DMOE_EVENT_EPOCH = Int32(3)
const DMOE_EVENT_SAVED = Int32(4)
const DMOE_EVENT_VALIDATION = Int32(5)
const DMOE_EVENT_FETCH = Int32(6)

struct dmoe_error end
struct dmoe_string end
struct dmoe_options end
struct dmoe_tensors end
struct dmoe_engine end
struct dmoe_plugin end
struct dmoe_dataset end
struct dmoe_loader end
struct dmoe_model end
struct dmoe_trainer end
struct dmoe_report end

const at_dmoe_status_name = Entry(:dmoe_status_name)
dmoe_status_name(status) =
    @ccall $(address(at_dmoe_status_name))(status::Int32)::Cstring

const at_dmoe_error_code = Entry(:dmoe_error_code)
dmoe_error_code(error) =
    @ccall $(address(at_dmoe_error_code))(error::Ptr{dmoe_error})::Int32

const at_dmoe_error_message = Entry(:dmoe_error_message)
dmoe_error_message(error) =
    @ccall $(address(at_dmoe_error_message))(error::Ptr{dmoe_error})::Cstring

const at_dmoe_error_release = Entry(:dmoe_error_release)
dmoe_error_release(error) =
    @ccall $(address(at_dmoe_error_release))(error::Ptr{dmoe_error})::Cvoid

const at_dmoe_abi_version = Entry(:dmoe_abi_version)
dmoe_abi_version() =
    @ccall $(address(at_dmoe_abi_version))()::Int32

const at_dmoe_version = Entry(:dmoe_version)
dmoe_version() =
    @ccall $(address(at_dmoe_version))()::Cstring

const at_dmoe_set_log_callback = Entry(:dmoe_set_log_callback)
dmoe_set_log_callback(callback, user_data, error) =
    @ccall $(address(at_dmoe_set_log_callback))(callback::Ptr{Cvoid}, user_data::Ptr{Cvoid}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_live_objects = Entry(:dmoe_live_objects)
dmoe_live_objects(kind) =
    @ccall $(address(at_dmoe_live_objects))(kind::Int32)::Int64

const at_dmoe_string_data = Entry(:dmoe_string_data)
dmoe_string_data(string) =
    @ccall $(address(at_dmoe_string_data))(string::Ptr{dmoe_string})::Cstring

const at_dmoe_string_size = Entry(:dmoe_string_size)
dmoe_string_size(string) =
    @ccall $(address(at_dmoe_string_size))(string::Ptr{dmoe_string})::Int64

const at_dmoe_string_release = Entry(:dmoe_string_release)
dmoe_string_release(string) =
    @ccall $(address(at_dmoe_string_release))(string::Ptr{dmoe_string})::Cvoid

const at_dmoe_options_create = Entry(:dmoe_options_create)
dmoe_options_create(options, error) =
    @ccall $(address(at_dmoe_options_create))(options::Ptr{Ptr{dmoe_options}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_copy = Entry(:dmoe_options_copy)
dmoe_options_copy(options, copy, error) =
    @ccall $(address(at_dmoe_options_copy))(options::Ptr{dmoe_options}, copy::Ptr{Ptr{dmoe_options}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_release = Entry(:dmoe_options_release)
dmoe_options_release(options) =
    @ccall $(address(at_dmoe_options_release))(options::Ptr{dmoe_options})::Cvoid

const at_dmoe_options_set = Entry(:dmoe_options_set)
dmoe_options_set(options, name, value, error) =
    @ccall $(address(at_dmoe_options_set))(options::Ptr{dmoe_options}, name::Cstring, value::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_set_json = Entry(:dmoe_options_set_json)
dmoe_options_set_json(options, json, error) =
    @ccall $(address(at_dmoe_options_set_json))(options::Ptr{dmoe_options}, json::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_load_file = Entry(:dmoe_options_load_file)
dmoe_options_load_file(options, path, error) =
    @ccall $(address(at_dmoe_options_load_file))(options::Ptr{dmoe_options}, path::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_read_environment = Entry(:dmoe_options_read_environment)
dmoe_options_read_environment(options, error) =
    @ccall $(address(at_dmoe_options_read_environment))(options::Ptr{dmoe_options}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_get = Entry(:dmoe_options_get)
dmoe_options_get(options, name, value, error) =
    @ccall $(address(at_dmoe_options_get))(options::Ptr{dmoe_options}, name::Cstring, value::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_to_json = Entry(:dmoe_options_to_json)
dmoe_options_to_json(options, json, error) =
    @ccall $(address(at_dmoe_options_to_json))(options::Ptr{dmoe_options}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_options_schema = Entry(:dmoe_options_schema)
dmoe_options_schema(json, error) =
    @ccall $(address(at_dmoe_options_schema))(json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_architecture_names = Entry(:dmoe_architecture_names)
dmoe_architecture_names(json, error) =
    @ccall $(address(at_dmoe_architecture_names))(json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_architecture_json = Entry(:dmoe_architecture_json)
dmoe_architecture_json(options, json, error) =
    @ccall $(address(at_dmoe_architecture_json))(options::Ptr{dmoe_options}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_architecture_describe = Entry(:dmoe_architecture_describe)
dmoe_architecture_describe(options, json, error) =
    @ccall $(address(at_dmoe_architecture_describe))(options::Ptr{dmoe_options}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_architecture_text = Entry(:dmoe_architecture_text)
dmoe_architecture_text(options, text, error) =
    @ccall $(address(at_dmoe_architecture_text))(options::Ptr{dmoe_options}, text::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_plugin_load = Entry(:dmoe_plugin_load)
dmoe_plugin_load(path, plugin, error) =
    @ccall $(address(at_dmoe_plugin_load))(path::Cstring, plugin::Ptr{Ptr{dmoe_plugin}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_plugin_describe = Entry(:dmoe_plugin_describe)
dmoe_plugin_describe(plugin, json, error) =
    @ccall $(address(at_dmoe_plugin_describe))(plugin::Ptr{dmoe_plugin}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_plugin_release = Entry(:dmoe_plugin_release)
dmoe_plugin_release(plugin) =
    @ccall $(address(at_dmoe_plugin_release))(plugin::Ptr{dmoe_plugin})::Cvoid

const at_dmoe_tensors_create = Entry(:dmoe_tensors_create)
dmoe_tensors_create(tensors, error) =
    @ccall $(address(at_dmoe_tensors_create))(tensors::Ptr{Ptr{dmoe_tensors}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_load = Entry(:dmoe_tensors_load)
dmoe_tensors_load(path, tensors, error) =
    @ccall $(address(at_dmoe_tensors_load))(path::Cstring, tensors::Ptr{Ptr{dmoe_tensors}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_save = Entry(:dmoe_tensors_save)
dmoe_tensors_save(tensors, path, metadata_json, error) =
    @ccall $(address(at_dmoe_tensors_save))(tensors::Ptr{dmoe_tensors}, path::Cstring, metadata_json::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_release = Entry(:dmoe_tensors_release)
dmoe_tensors_release(tensors) =
    @ccall $(address(at_dmoe_tensors_release))(tensors::Ptr{dmoe_tensors})::Cvoid

const at_dmoe_tensors_count = Entry(:dmoe_tensors_count)
dmoe_tensors_count(tensors) =
    @ccall $(address(at_dmoe_tensors_count))(tensors::Ptr{dmoe_tensors})::Int64

const at_dmoe_tensors_name = Entry(:dmoe_tensors_name)
dmoe_tensors_name(tensors, index) =
    @ccall $(address(at_dmoe_tensors_name))(tensors::Ptr{dmoe_tensors}, index::Int64)::Cstring

const at_dmoe_tensors_metadata = Entry(:dmoe_tensors_metadata)
dmoe_tensors_metadata(tensors, json, error) =
    @ccall $(address(at_dmoe_tensors_metadata))(tensors::Ptr{dmoe_tensors}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_get = Entry(:dmoe_tensors_get)
dmoe_tensors_get(tensors, name, tensor, error) =
    @ccall $(address(at_dmoe_tensors_get))(tensors::Ptr{dmoe_tensors}, name::Cstring, tensor::Ptr{Ptr{DLManagedTensor}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_read_f32 = Entry(:dmoe_tensors_read_f32)
dmoe_tensors_read_f32(tensors, name, values, capacity, needed, error) =
    @ccall $(address(at_dmoe_tensors_read_f32))(tensors::Ptr{dmoe_tensors}, name::Cstring, values::Ptr{Float32}, capacity::Int64, needed::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_shape = Entry(:dmoe_tensors_shape)
dmoe_tensors_shape(tensors, name, shape, capacity, rank, error) =
    @ccall $(address(at_dmoe_tensors_shape))(tensors::Ptr{dmoe_tensors}, name::Cstring, shape::Ptr{Int64}, capacity::Int64, rank::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_add = Entry(:dmoe_tensors_add)
dmoe_tensors_add(tensors, name, tensor, error) =
    @ccall $(address(at_dmoe_tensors_add))(tensors::Ptr{dmoe_tensors}, name::Cstring, tensor::Ptr{DLManagedTensor}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_tensors_add_f32 = Entry(:dmoe_tensors_add_f32)
dmoe_tensors_add_f32(tensors, name, values, shape, rank, error) =
    @ccall $(address(at_dmoe_tensors_add_f32))(tensors::Ptr{dmoe_tensors}, name::Cstring, values::Ptr{Float32}, shape::Ptr{Int64}, rank::Int64, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_engine_create = Entry(:dmoe_engine_create)
dmoe_engine_create(path, settings_json, engine, error) =
    @ccall $(address(at_dmoe_engine_create))(path::Cstring, settings_json::Cstring, engine::Ptr{Ptr{dmoe_engine}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_engine_release = Entry(:dmoe_engine_release)
dmoe_engine_release(engine) =
    @ccall $(address(at_dmoe_engine_release))(engine::Ptr{dmoe_engine})::Cvoid

const at_dmoe_engine_run = Entry(:dmoe_engine_run)
dmoe_engine_run(engine, images, batch, height, width, logits, capacity, needed, active_macs, error) =
    @ccall $(address(at_dmoe_engine_run))(engine::Ptr{dmoe_engine}, images::Ptr{Float32}, batch::Int64, height::Int64, width::Int64, logits::Ptr{Float32}, capacity::Int64, needed::Ptr{Int64}, active_macs::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_engine_run_u8 = Entry(:dmoe_engine_run_u8)
dmoe_engine_run_u8(engine, images, batch, height, width, layout, logits, capacity, needed, active_macs, error) =
    @ccall $(address(at_dmoe_engine_run_u8))(engine::Ptr{dmoe_engine}, images::Ptr{UInt8}, batch::Int64, height::Int64, width::Int64, layout::Int32, logits::Ptr{Float32}, capacity::Int64, needed::Ptr{Int64}, active_macs::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_engine_run_outputs = Entry(:dmoe_engine_run_outputs)
dmoe_engine_run_outputs(engine, images, batch, height, width, given_gates, logits, logits_capacity, embedding, embedding_capacity, embedding_logits, embedding_logits_capacity, gates, gates_capacity, needed, active_macs, error) =
    @ccall $(address(at_dmoe_engine_run_outputs))(engine::Ptr{dmoe_engine}, images::Ptr{Float32}, batch::Int64, height::Int64, width::Int64, given_gates::Ptr{Float32}, logits::Ptr{Float32}, logits_capacity::Int64, embedding::Ptr{Float32}, embedding_capacity::Int64, embedding_logits::Ptr{Float32}, embedding_logits_capacity::Int64, gates::Ptr{Float32}, gates_capacity::Int64, needed::Ptr{Int64}, active_macs::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_engine_describe = Entry(:dmoe_engine_describe)
dmoe_engine_describe(engine, json, error) =
    @ccall $(address(at_dmoe_engine_describe))(engine::Ptr{dmoe_engine}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_dataset_open = Entry(:dmoe_dataset_open)
dmoe_dataset_open(options, split, dataset, error) =
    @ccall $(address(at_dmoe_dataset_open))(options::Ptr{dmoe_options}, split::Cstring, dataset::Ptr{Ptr{dmoe_dataset}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_dataset_create_f32 = Entry(:dmoe_dataset_create_f32)
dmoe_dataset_create_f32(images, labels, size, height, width, num_classes, release, user_data, dataset, error) =
    @ccall $(address(at_dmoe_dataset_create_f32))(images::Ptr{Float32}, labels::Ptr{Int64}, size::Int64, height::Int64, width::Int64, num_classes::Int64, release::Ptr{Cvoid}, user_data::Ptr{Cvoid}, dataset::Ptr{Ptr{dmoe_dataset}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_dataset_create_u8 = Entry(:dmoe_dataset_create_u8)
dmoe_dataset_create_u8(images, labels, size, channels, height, width, layout, num_classes, release, user_data, dataset, error) =
    @ccall $(address(at_dmoe_dataset_create_u8))(images::Ptr{UInt8}, labels::Ptr{Int64}, size::Int64, channels::Int64, height::Int64, width::Int64, layout::Int32, num_classes::Int64, release::Ptr{Cvoid}, user_data::Ptr{Cvoid}, dataset::Ptr{Ptr{dmoe_dataset}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_dataset_size = Entry(:dmoe_dataset_size)
dmoe_dataset_size(dataset) =
    @ccall $(address(at_dmoe_dataset_size))(dataset::Ptr{dmoe_dataset})::Int64

const at_dmoe_dataset_num_classes = Entry(:dmoe_dataset_num_classes)
dmoe_dataset_num_classes(dataset) =
    @ccall $(address(at_dmoe_dataset_num_classes))(dataset::Ptr{dmoe_dataset})::Int64

const at_dmoe_dataset_describe = Entry(:dmoe_dataset_describe)
dmoe_dataset_describe(dataset, json, error) =
    @ccall $(address(at_dmoe_dataset_describe))(dataset::Ptr{dmoe_dataset}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_dataset_release = Entry(:dmoe_dataset_release)
dmoe_dataset_release(dataset) =
    @ccall $(address(at_dmoe_dataset_release))(dataset::Ptr{dmoe_dataset})::Cvoid

const at_dmoe_loader_create = Entry(:dmoe_loader_create)
dmoe_loader_create(dataset, options, training, epoch, first_batch, loader, error) =
    @ccall $(address(at_dmoe_loader_create))(dataset::Ptr{dmoe_dataset}, options::Ptr{dmoe_options}, training::Int32, epoch::Int64, first_batch::Int64, loader::Ptr{Ptr{dmoe_loader}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_loader_num_batches = Entry(:dmoe_loader_num_batches)
dmoe_loader_num_batches(loader) =
    @ccall $(address(at_dmoe_loader_num_batches))(loader::Ptr{dmoe_loader})::Int64

const at_dmoe_loader_image_size = Entry(:dmoe_loader_image_size)
dmoe_loader_image_size(loader) =
    @ccall $(address(at_dmoe_loader_image_size))(loader::Ptr{dmoe_loader})::Int64

const at_dmoe_loader_next = Entry(:dmoe_loader_next)
dmoe_loader_next(loader, images, labels, size, error) =
    @ccall $(address(at_dmoe_loader_next))(loader::Ptr{dmoe_loader}, images::Ptr{Ptr{Float32}}, labels::Ptr{Ptr{Int64}}, size::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_loader_release = Entry(:dmoe_loader_release)
dmoe_loader_release(loader) =
    @ccall $(address(at_dmoe_loader_release))(loader::Ptr{dmoe_loader})::Cvoid

const at_dmoe_model_create = Entry(:dmoe_model_create)
dmoe_model_create(options, dataset, model, error) =
    @ccall $(address(at_dmoe_model_create))(options::Ptr{dmoe_options}, dataset::Ptr{dmoe_dataset}, model::Ptr{Ptr{dmoe_model}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_load = Entry(:dmoe_model_load)
dmoe_model_load(path, options, model, error) =
    @ccall $(address(at_dmoe_model_load))(path::Cstring, options::Ptr{dmoe_options}, model::Ptr{Ptr{dmoe_model}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_save = Entry(:dmoe_model_save)
dmoe_model_save(model, path, error) =
    @ccall $(address(at_dmoe_model_save))(model::Ptr{dmoe_model}, path::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_release = Entry(:dmoe_model_release)
dmoe_model_release(model) =
    @ccall $(address(at_dmoe_model_release))(model::Ptr{dmoe_model})::Cvoid

const at_dmoe_model_describe = Entry(:dmoe_model_describe)
dmoe_model_describe(model, json, error) =
    @ccall $(address(at_dmoe_model_describe))(model::Ptr{dmoe_model}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_architecture_describe = Entry(:dmoe_model_architecture_describe)
dmoe_model_architecture_describe(model, json, error) =
    @ccall $(address(at_dmoe_model_architecture_describe))(model::Ptr{dmoe_model}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_architecture_text = Entry(:dmoe_model_architecture_text)
dmoe_model_architecture_text(model, text, error) =
    @ccall $(address(at_dmoe_model_architecture_text))(model::Ptr{dmoe_model}, text::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_forward = Entry(:dmoe_model_forward)
dmoe_model_forward(model, images, outputs, error) =
    @ccall $(address(at_dmoe_model_forward))(model::Ptr{dmoe_model}, images::Ptr{DLManagedTensor}, outputs::Ptr{Ptr{dmoe_tensors}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_forward_f32 = Entry(:dmoe_model_forward_f32)
dmoe_model_forward_f32(model, images, batch, height, width, logits, capacity, needed, error) =
    @ccall $(address(at_dmoe_model_forward_f32))(model::Ptr{dmoe_model}, images::Ptr{Float32}, batch::Int64, height::Int64, width::Int64, logits::Ptr{Float32}, capacity::Int64, needed::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_read_image = Entry(:dmoe_model_read_image)
dmoe_model_read_image(model, path, image, error) =
    @ccall $(address(at_dmoe_model_read_image))(model::Ptr{dmoe_model}, path::Cstring, image::Ptr{Ptr{dmoe_tensors}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_state = Entry(:dmoe_model_state)
dmoe_model_state(model, state, error) =
    @ccall $(address(at_dmoe_model_state))(model::Ptr{dmoe_model}, state::Ptr{Ptr{dmoe_tensors}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_load_state = Entry(:dmoe_model_load_state)
dmoe_model_load_state(model, state, error) =
    @ccall $(address(at_dmoe_model_load_state))(model::Ptr{dmoe_model}, state::Ptr{dmoe_tensors}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_fold = Entry(:dmoe_model_fold)
dmoe_model_fold(model, folded, error) =
    @ccall $(address(at_dmoe_model_fold))(model::Ptr{dmoe_model}, folded::Ptr{Ptr{dmoe_model}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_engine_create_from_model = Entry(:dmoe_engine_create_from_model)
dmoe_engine_create_from_model(model, settings_json, engine, error) =
    @ccall $(address(at_dmoe_engine_create_from_model))(model::Ptr{dmoe_model}, settings_json::Cstring, engine::Ptr{Ptr{dmoe_engine}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_export_onnx = Entry(:dmoe_model_export_onnx)
dmoe_model_export_onnx(model, path, settings_json, error) =
    @ccall $(address(at_dmoe_model_export_onnx))(model::Ptr{dmoe_model}, path::Cstring, settings_json::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_convert_pytorch = Entry(:dmoe_convert_pytorch)
dmoe_convert_pytorch(path, output, options, settings_json, error) =
    @ccall $(address(at_dmoe_convert_pytorch))(path::Cstring, output::Cstring, options::Ptr{dmoe_options}, settings_json::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_model_evaluate = Entry(:dmoe_model_evaluate)
function dmoe_model_evaluate(model, dataset, options, callback, user_data, json, error)
    entry = address(at_dmoe_model_evaluate)
    kept_model = Base.cconvert(Ptr{dmoe_model}, model)
    kept_dataset = Base.cconvert(Ptr{dmoe_dataset}, dataset)
    kept_options = Base.cconvert(Ptr{dmoe_options}, options)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_json = Base.cconvert(Ptr{Ptr{dmoe_string}}, json)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_model kept_dataset kept_options kept_callback kept_user_data kept_json kept_error begin
        to_model = Base.unsafe_convert(Ptr{dmoe_model}, kept_model)
        to_dataset = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_dataset)
        to_options = Base.unsafe_convert(Ptr{dmoe_options}, kept_options)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_json = Base.unsafe_convert(Ptr{Ptr{dmoe_string}}, kept_json)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_model::Ptr{dmoe_model}, to_dataset::Ptr{dmoe_dataset}, to_options::Ptr{dmoe_options}, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_json::Ptr{Ptr{dmoe_string}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_engine_evaluate = Entry(:dmoe_engine_evaluate)
function dmoe_engine_evaluate(engine, dataset, options, callback, user_data, json, error)
    entry = address(at_dmoe_engine_evaluate)
    kept_engine = Base.cconvert(Ptr{dmoe_engine}, engine)
    kept_dataset = Base.cconvert(Ptr{dmoe_dataset}, dataset)
    kept_options = Base.cconvert(Ptr{dmoe_options}, options)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_json = Base.cconvert(Ptr{Ptr{dmoe_string}}, json)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_engine kept_dataset kept_options kept_callback kept_user_data kept_json kept_error begin
        to_engine = Base.unsafe_convert(Ptr{dmoe_engine}, kept_engine)
        to_dataset = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_dataset)
        to_options = Base.unsafe_convert(Ptr{dmoe_options}, kept_options)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_json = Base.unsafe_convert(Ptr{Ptr{dmoe_string}}, kept_json)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_engine::Ptr{dmoe_engine}, to_dataset::Ptr{dmoe_dataset}, to_options::Ptr{dmoe_options}, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_json::Ptr{Ptr{dmoe_string}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_model_compact = Entry(:dmoe_model_compact)
function dmoe_model_compact(model, calibration, settings_json, options, callback, user_data, compacted, report, error)
    entry = address(at_dmoe_model_compact)
    kept_model = Base.cconvert(Ptr{dmoe_model}, model)
    kept_calibration = Base.cconvert(Ptr{dmoe_dataset}, calibration)
    kept_settings_json = Base.cconvert(Cstring, settings_json)
    kept_options = Base.cconvert(Ptr{dmoe_options}, options)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_compacted = Base.cconvert(Ptr{Ptr{dmoe_model}}, compacted)
    kept_report = Base.cconvert(Ptr{Ptr{dmoe_string}}, report)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_model kept_calibration kept_settings_json kept_options kept_callback kept_user_data kept_compacted kept_report kept_error begin
        to_model = Base.unsafe_convert(Ptr{dmoe_model}, kept_model)
        to_calibration = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_calibration)
        to_settings_json = Base.unsafe_convert(Cstring, kept_settings_json)
        to_options = Base.unsafe_convert(Ptr{dmoe_options}, kept_options)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_compacted = Base.unsafe_convert(Ptr{Ptr{dmoe_model}}, kept_compacted)
        to_report = Base.unsafe_convert(Ptr{Ptr{dmoe_string}}, kept_report)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_model::Ptr{dmoe_model}, to_calibration::Ptr{dmoe_dataset}, to_settings_json::Cstring, to_options::Ptr{dmoe_options}, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_compacted::Ptr{Ptr{dmoe_model}}, to_report::Ptr{Ptr{dmoe_string}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_fetch_dataset = Entry(:dmoe_fetch_dataset)
function dmoe_fetch_dataset(dataset, data_dir, settings_json, callback, user_data, json, error)
    entry = address(at_dmoe_fetch_dataset)
    kept_dataset = Base.cconvert(Cstring, dataset)
    kept_data_dir = Base.cconvert(Cstring, data_dir)
    kept_settings_json = Base.cconvert(Cstring, settings_json)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_json = Base.cconvert(Ptr{Ptr{dmoe_string}}, json)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_dataset kept_data_dir kept_settings_json kept_callback kept_user_data kept_json kept_error begin
        to_dataset = Base.unsafe_convert(Cstring, kept_dataset)
        to_data_dir = Base.unsafe_convert(Cstring, kept_data_dir)
        to_settings_json = Base.unsafe_convert(Cstring, kept_settings_json)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_json = Base.unsafe_convert(Ptr{Ptr{dmoe_string}}, kept_json)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_dataset::Cstring, to_data_dir::Cstring, to_settings_json::Cstring, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_json::Ptr{Ptr{dmoe_string}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_report_create = Entry(:dmoe_report_create)
function dmoe_report_create(engine, dataset, settings_json, callback, user_data, report, error)
    entry = address(at_dmoe_report_create)
    kept_engine = Base.cconvert(Ptr{dmoe_engine}, engine)
    kept_dataset = Base.cconvert(Ptr{dmoe_dataset}, dataset)
    kept_settings_json = Base.cconvert(Cstring, settings_json)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_report = Base.cconvert(Ptr{Ptr{dmoe_report}}, report)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_engine kept_dataset kept_settings_json kept_callback kept_user_data kept_report kept_error begin
        to_engine = Base.unsafe_convert(Ptr{dmoe_engine}, kept_engine)
        to_dataset = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_dataset)
        to_settings_json = Base.unsafe_convert(Cstring, kept_settings_json)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_report = Base.unsafe_convert(Ptr{Ptr{dmoe_report}}, kept_report)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_engine::Ptr{dmoe_engine}, to_dataset::Ptr{dmoe_dataset}, to_settings_json::Cstring, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_report::Ptr{Ptr{dmoe_report}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_report_create_from_model = Entry(:dmoe_report_create_from_model)
function dmoe_report_create_from_model(model, dataset, settings_json, callback, user_data, report, error)
    entry = address(at_dmoe_report_create_from_model)
    kept_model = Base.cconvert(Ptr{dmoe_model}, model)
    kept_dataset = Base.cconvert(Ptr{dmoe_dataset}, dataset)
    kept_settings_json = Base.cconvert(Cstring, settings_json)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_report = Base.cconvert(Ptr{Ptr{dmoe_report}}, report)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_model kept_dataset kept_settings_json kept_callback kept_user_data kept_report kept_error begin
        to_model = Base.unsafe_convert(Ptr{dmoe_model}, kept_model)
        to_dataset = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_dataset)
        to_settings_json = Base.unsafe_convert(Cstring, kept_settings_json)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_report = Base.unsafe_convert(Ptr{Ptr{dmoe_report}}, kept_report)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_model::Ptr{dmoe_model}, to_dataset::Ptr{dmoe_dataset}, to_settings_json::Cstring, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_report::Ptr{Ptr{dmoe_report}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_report_create_from_trainer = Entry(:dmoe_report_create_from_trainer)
function dmoe_report_create_from_trainer(trainer, dataset, settings_json, callback, user_data, report, error)
    entry = address(at_dmoe_report_create_from_trainer)
    kept_trainer = Base.cconvert(Ptr{dmoe_trainer}, trainer)
    kept_dataset = Base.cconvert(Ptr{dmoe_dataset}, dataset)
    kept_settings_json = Base.cconvert(Cstring, settings_json)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_report = Base.cconvert(Ptr{Ptr{dmoe_report}}, report)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_trainer kept_dataset kept_settings_json kept_callback kept_user_data kept_report kept_error begin
        to_trainer = Base.unsafe_convert(Ptr{dmoe_trainer}, kept_trainer)
        to_dataset = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_dataset)
        to_settings_json = Base.unsafe_convert(Cstring, kept_settings_json)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_report = Base.unsafe_convert(Ptr{Ptr{dmoe_report}}, kept_report)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_trainer::Ptr{dmoe_trainer}, to_dataset::Ptr{dmoe_dataset}, to_settings_json::Cstring, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_report::Ptr{Ptr{dmoe_report}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_report_compare = Entry(:dmoe_report_compare)
dmoe_report_compare(report, reference, compared, error) =
    @ccall $(address(at_dmoe_report_compare))(report::Ptr{dmoe_report}, reference::Ptr{dmoe_report}, compared::Ptr{Ptr{dmoe_report}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_report_release = Entry(:dmoe_report_release)
dmoe_report_release(report) =
    @ccall $(address(at_dmoe_report_release))(report::Ptr{dmoe_report})::Cvoid

const at_dmoe_report_json = Entry(:dmoe_report_json)
dmoe_report_json(report, json, error) =
    @ccall $(address(at_dmoe_report_json))(report::Ptr{dmoe_report}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_report_layer = Entry(:dmoe_report_layer)
dmoe_report_layer(report, number) =
    @ccall $(address(at_dmoe_report_layer))(report::Ptr{dmoe_report}, number::Int64)::Cstring

const at_dmoe_report_matrix = Entry(:dmoe_report_matrix)
dmoe_report_matrix(report, name, layer, values, capacity, shape, error) =
    @ccall $(address(at_dmoe_report_matrix))(report::Ptr{dmoe_report}, name::Cstring, layer::Cstring, values::Ptr{Float64}, capacity::Int64, shape::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_report_write = Entry(:dmoe_report_write)
dmoe_report_write(report, folder, error) =
    @ccall $(address(at_dmoe_report_write))(report::Ptr{dmoe_report}, folder::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_process_place = Entry(:dmoe_process_place)
dmoe_process_place(options, rank, size, error) =
    @ccall $(address(at_dmoe_process_place))(options::Ptr{dmoe_options}, rank::Ptr{Int64}, size::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_create = Entry(:dmoe_trainer_create)
dmoe_trainer_create(model, options, trainer, error) =
    @ccall $(address(at_dmoe_trainer_create))(model::Ptr{dmoe_model}, options::Ptr{dmoe_options}, trainer::Ptr{Ptr{dmoe_trainer}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_release = Entry(:dmoe_trainer_release)
dmoe_trainer_release(trainer) =
    @ccall $(address(at_dmoe_trainer_release))(trainer::Ptr{dmoe_trainer})::Cvoid

const at_dmoe_trainer_begin_epoch = Entry(:dmoe_trainer_begin_epoch)
dmoe_trainer_begin_epoch(trainer, epoch, steps_per_epoch, error) =
    @ccall $(address(at_dmoe_trainer_begin_epoch))(trainer::Ptr{dmoe_trainer}, epoch::Int64, steps_per_epoch::Int64, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_step = Entry(:dmoe_trainer_step)
dmoe_trainer_step(trainer, images, labels, loss, error) =
    @ccall $(address(at_dmoe_trainer_step))(trainer::Ptr{dmoe_trainer}, images::Ptr{DLManagedTensor}, labels::Ptr{DLManagedTensor}, loss::Ptr{Float64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_step_f32 = Entry(:dmoe_trainer_step_f32)
dmoe_trainer_step_f32(trainer, images, labels, batch, height, width, loss, error) =
    @ccall $(address(at_dmoe_trainer_step_f32))(trainer::Ptr{dmoe_trainer}, images::Ptr{Float32}, labels::Ptr{Int64}, batch::Int64, height::Int64, width::Int64, loss::Ptr{Float64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_metrics = Entry(:dmoe_trainer_metrics)
dmoe_trainer_metrics(trainer, json, error) =
    @ccall $(address(at_dmoe_trainer_metrics))(trainer::Ptr{dmoe_trainer}, json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_position = Entry(:dmoe_trainer_position)
dmoe_trainer_position(trainer, step, epoch, step_in_epoch, error) =
    @ccall $(address(at_dmoe_trainer_position))(trainer::Ptr{dmoe_trainer}, step::Ptr{Int64}, epoch::Ptr{Int64}, step_in_epoch::Ptr{Int64}, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_save_state = Entry(:dmoe_trainer_save_state)
dmoe_trainer_save_state(trainer, path, error) =
    @ccall $(address(at_dmoe_trainer_save_state))(trainer::Ptr{dmoe_trainer}, path::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_load_state = Entry(:dmoe_trainer_load_state)
dmoe_trainer_load_state(trainer, path, error) =
    @ccall $(address(at_dmoe_trainer_load_state))(trainer::Ptr{dmoe_trainer}, path::Cstring, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_use_average = Entry(:dmoe_trainer_use_average)
dmoe_trainer_use_average(trainer, averaged, error) =
    @ccall $(address(at_dmoe_trainer_use_average))(trainer::Ptr{dmoe_trainer}, averaged::Int32, error::Ptr{Ptr{dmoe_error}})::Int32

const at_dmoe_trainer_fit = Entry(:dmoe_trainer_fit)
function dmoe_trainer_fit(trainer, train, validation, callback, user_data, summary, error)
    entry = address(at_dmoe_trainer_fit)
    kept_trainer = Base.cconvert(Ptr{dmoe_trainer}, trainer)
    kept_train = Base.cconvert(Ptr{dmoe_dataset}, train)
    kept_validation = Base.cconvert(Ptr{dmoe_dataset}, validation)
    kept_callback = Base.cconvert(Ptr{Cvoid}, callback)
    kept_user_data = Base.cconvert(Ptr{Cvoid}, user_data)
    kept_summary = Base.cconvert(Ptr{Ptr{dmoe_string}}, summary)
    kept_error = Base.cconvert(Ptr{Ptr{dmoe_error}}, error)
    GC.@preserve kept_trainer kept_train kept_validation kept_callback kept_user_data kept_summary kept_error begin
        to_trainer = Base.unsafe_convert(Ptr{dmoe_trainer}, kept_trainer)
        to_train = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_train)
        to_validation = Base.unsafe_convert(Ptr{dmoe_dataset}, kept_validation)
        to_callback = Base.unsafe_convert(Ptr{Cvoid}, kept_callback)
        to_user_data = Base.unsafe_convert(Ptr{Cvoid}, kept_user_data)
        to_summary = Base.unsafe_convert(Ptr{Ptr{dmoe_string}}, kept_summary)
        to_error = Base.unsafe_convert(Ptr{Ptr{dmoe_error}}, kept_error)
        collector = @ccall jl_gc_safe_enter()::Int8
        status = @ccall $entry(to_trainer::Ptr{dmoe_trainer}, to_train::Ptr{dmoe_dataset}, to_validation::Ptr{dmoe_dataset}, to_callback::Ptr{Cvoid}, to_user_data::Ptr{Cvoid}, to_summary::Ptr{Ptr{dmoe_string}}, to_error::Ptr{Ptr{dmoe_error}})::Int32
        @ccall jl_gc_safe_leave(collector::Int8)::Cvoid
        status
    end
end

const at_dmoe_diagnose = Entry(:dmoe_diagnose)
dmoe_diagnose(json, error) =
    @ccall $(address(at_dmoe_diagnose))(json::Ptr{Ptr{dmoe_string}}, error::Ptr{Ptr{dmoe_error}})::Int32
