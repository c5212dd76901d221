typedef struct { int32_t device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code; uint8_t bits; uint16_t lanes; } DLDataType;
typedef struct {
  void* data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t* shape; int64_t* strides; uint64_t byte_offset;
} DLTensor;
struct DLManagedTensor { DLTensor dl_tensor; void* manager_ctx; void (*deleter)(struct DLManagedTensor* self); };
#define DMOE_OK 0
#define DMOE_ERROR_INVALID_ARGUMENT 1
#define DMOE_ERROR_NOT_FOUND 2
#define DMOE_ERROR_IO 3
#define DMOE_ERROR_FORMAT 4
#define DMOE_ERROR_UNSUPPORTED 5
#define DMOE_ERROR_OUT_OF_MEMORY 6
#define DMOE_ERROR_CANCELLED 7
#define DMOE_ERROR_NUMERIC 8
#define DMOE_ERROR_STATE 9
#define DMOE_ERROR_INTERNAL 10
typedef struct dmoe_error dmoe_error;
typedef struct dmoe_string dmoe_string;
typedef struct dmoe_options dmoe_options;
typedef struct dmoe_tensors dmoe_tensors;
typedef struct dmoe_engine dmoe_engine;
typedef struct dmoe_plugin dmoe_plugin;
struct DLManagedTensor;
const char* dmoe_status_name(int32_t status);
int32_t dmoe_error_code(const dmoe_error* error);
const char* dmoe_error_message(const dmoe_error* error);
void dmoe_error_release(dmoe_error* error);
#define DMOE_ABI_VERSION 1
int32_t dmoe_abi_version(void);
const char* dmoe_version(void);
#define DMOE_LOG_ERROR 0
#define DMOE_LOG_WARNING 1
#define DMOE_LOG_INFO 2
#define DMOE_LOG_DEBUG 3
typedef int32_t (*dmoe_log_callback)(int32_t level, const char* message, void* user_data);
int32_t dmoe_set_log_callback(dmoe_log_callback callback, void* user_data, dmoe_error** error);
#define DMOE_KIND_ALL 0
#define DMOE_KIND_ERROR 1
#define DMOE_KIND_STRING 2
#define DMOE_KIND_OPTIONS 3
#define DMOE_KIND_TENSORS 4
#define DMOE_KIND_DATASET 5
#define DMOE_KIND_MODEL 6
#define DMOE_KIND_TRAINER 7
#define DMOE_KIND_ENGINE 8
#define DMOE_KIND_LOADER 9
#define DMOE_KIND_REPORT 10
#define DMOE_KIND_PLUGIN 11
int64_t dmoe_live_objects(int32_t kind);
const char* dmoe_string_data(const dmoe_string* string);
int64_t dmoe_string_size(const dmoe_string* string);
void dmoe_string_release(dmoe_string* string);
int32_t dmoe_options_create(dmoe_options** options, dmoe_error** error);
int32_t dmoe_options_copy(const dmoe_options* options, dmoe_options** copy, dmoe_error** error);
void dmoe_options_release(dmoe_options* options);
int32_t dmoe_options_set(dmoe_options* options, const char* name, const char* value,
dmoe_error** error);
int32_t dmoe_options_set_json(dmoe_options* options, const char* json, dmoe_error** error);
int32_t dmoe_options_load_file(dmoe_options* options, const char* path, dmoe_error** error);
int32_t dmoe_options_read_environment(dmoe_options* options, dmoe_error** error);
int32_t dmoe_options_get(const dmoe_options* options, const char* name, dmoe_string** value,
dmoe_error** error);
int32_t dmoe_options_to_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error);
int32_t dmoe_options_schema(dmoe_string** json, dmoe_error** error);
int32_t dmoe_architecture_names(dmoe_string** json, dmoe_error** error);
int32_t dmoe_architecture_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error);
int32_t dmoe_architecture_describe(const dmoe_options* options, dmoe_string** json,
dmoe_error** error);
int32_t dmoe_architecture_text(const dmoe_options* options, dmoe_string** text, dmoe_error** error);
int32_t dmoe_plugin_load(const char* path, dmoe_plugin** plugin, dmoe_error** error);
int32_t dmoe_plugin_describe(const dmoe_plugin* plugin, dmoe_string** json, dmoe_error** error);
void dmoe_plugin_release(dmoe_plugin* plugin);
int32_t dmoe_tensors_create(dmoe_tensors** tensors, dmoe_error** error);
int32_t dmoe_tensors_load(const char* path, dmoe_tensors** tensors, dmoe_error** error);
int32_t dmoe_tensors_save(const dmoe_tensors* tensors, const char* path, const char* metadata_json,
dmoe_error** error);
void dmoe_tensors_release(dmoe_tensors* tensors);
int64_t dmoe_tensors_count(const dmoe_tensors* tensors);
const char* dmoe_tensors_name(const dmoe_tensors* tensors, int64_t index);
int32_t dmoe_tensors_metadata(const dmoe_tensors* tensors, dmoe_string** json, dmoe_error** error);
int32_t dmoe_tensors_get(const dmoe_tensors* tensors, const char* name,
struct DLManagedTensor** tensor, dmoe_error** error);
int32_t dmoe_tensors_read_f32(const dmoe_tensors* tensors, const char* name, float* values,
int64_t capacity, int64_t* needed, dmoe_error** error);
int32_t dmoe_tensors_shape(const dmoe_tensors* tensors, const char* name, int64_t* shape,
int64_t capacity, int64_t* rank, dmoe_error** error);
int32_t dmoe_tensors_add(dmoe_tensors* tensors, const char* name, struct DLManagedTensor* tensor,
dmoe_error** error);
int32_t dmoe_tensors_add_f32(dmoe_tensors* tensors, const char* name, const float* values,
const int64_t* shape, int64_t rank, dmoe_error** error);
int32_t dmoe_engine_create(const char* path, const char* settings_json, dmoe_engine** engine,
dmoe_error** error);
void dmoe_engine_release(dmoe_engine* engine);
int32_t dmoe_engine_run(const dmoe_engine* engine, const float* images, int64_t batch,
int64_t height, int64_t width, float* logits, int64_t capacity,
int64_t* needed, int64_t* active_macs, dmoe_error** error);
#define DMOE_LAYOUT_NCHW 0
#define DMOE_LAYOUT_NHWC 1
int32_t dmoe_engine_run_u8(const dmoe_engine* engine, const uint8_t* images, int64_t batch,
int64_t height, int64_t width, int32_t layout, float* logits,
int64_t capacity, int64_t* needed, int64_t* active_macs,
dmoe_error** error);
int32_t dmoe_engine_run_outputs(const dmoe_engine* engine, const float* images, int64_t batch,
int64_t height, int64_t width, const float* given_gates,
float* logits, int64_t logits_capacity, float* embedding,
int64_t embedding_capacity, float* embedding_logits,
int64_t embedding_logits_capacity, float* gates,
int64_t gates_capacity, int64_t* needed, int64_t* active_macs,
dmoe_error** error);
int32_t dmoe_engine_describe(const dmoe_engine* engine, dmoe_string** json, dmoe_error** error);
typedef struct dmoe_dataset dmoe_dataset;
typedef struct dmoe_loader dmoe_loader;
typedef struct dmoe_model dmoe_model;
typedef struct dmoe_trainer dmoe_trainer;
typedef struct dmoe_report dmoe_report;
int32_t dmoe_dataset_open(const dmoe_options* options, const char* split, dmoe_dataset** dataset,
dmoe_error** error);
typedef int32_t (*dmoe_release_callback)(void* user_data);
int32_t dmoe_dataset_create_f32(const float* images, const int64_t* labels, int64_t size,
int64_t height, int64_t width, int64_t num_classes,
dmoe_release_callback release, void* user_data,
dmoe_dataset** dataset, dmoe_error** error);
int32_t dmoe_dataset_create_u8(const uint8_t* images, const int64_t* labels, int64_t size,
int64_t channels, int64_t height, int64_t width, int32_t layout,
int64_t num_classes, dmoe_release_callback release, void* user_data,
dmoe_dataset** dataset, dmoe_error** error);
int64_t dmoe_dataset_size(const dmoe_dataset* dataset);
int64_t dmoe_dataset_num_classes(const dmoe_dataset* dataset);
int32_t dmoe_dataset_describe(const dmoe_dataset* dataset, dmoe_string** json, dmoe_error** error);
void dmoe_dataset_release(dmoe_dataset* dataset);
int32_t dmoe_loader_create(const dmoe_dataset* dataset, const dmoe_options* options,
int32_t training, int64_t epoch, int64_t first_batch,
dmoe_loader** loader, dmoe_error** error);
int64_t dmoe_loader_num_batches(const dmoe_loader* loader);
int64_t dmoe_loader_image_size(const dmoe_loader* loader);
int32_t dmoe_loader_next(dmoe_loader* loader, const float** images, const int64_t** labels,
int64_t* size, dmoe_error** error);
void dmoe_loader_release(dmoe_loader* loader);
int32_t dmoe_model_create(const dmoe_options* options, const dmoe_dataset* dataset,
dmoe_model** model, dmoe_error** error);
int32_t dmoe_model_load(const char* path, const dmoe_options* options, dmoe_model** model,
dmoe_error** error);
int32_t dmoe_model_save(const dmoe_model* model, const char* path, dmoe_error** error);
void dmoe_model_release(dmoe_model* model);
int32_t dmoe_model_describe(const dmoe_model* model, dmoe_string** json, dmoe_error** error);
int32_t dmoe_model_architecture_describe(const dmoe_model* model, dmoe_string** json,
dmoe_error** error);
int32_t dmoe_model_architecture_text(const dmoe_model* model, dmoe_string** text,
dmoe_error** error);
int32_t dmoe_model_forward(dmoe_model* model, const struct DLManagedTensor* images,
dmoe_tensors** outputs, dmoe_error** error);
int32_t dmoe_model_forward_f32(dmoe_model* model, const float* images, int64_t batch, int64_t height,
int64_t width, float* logits, int64_t capacity, int64_t* needed,
dmoe_error** error);
int32_t dmoe_model_read_image(const dmoe_model* model, const char* path, dmoe_tensors** image,
dmoe_error** error);
int32_t dmoe_model_state(const dmoe_model* model, dmoe_tensors** state, dmoe_error** error);
int32_t dmoe_model_load_state(dmoe_model* model, const dmoe_tensors* state, dmoe_error** error);
int32_t dmoe_model_fold(const dmoe_model* model, dmoe_model** folded, dmoe_error** error);
int32_t dmoe_engine_create_from_model(const dmoe_model* model, const char* settings_json,
dmoe_engine** engine, dmoe_error** error);
int32_t dmoe_model_export_onnx(const dmoe_model* model, const char* path, const char* settings_json,
dmoe_error** error);
int32_t dmoe_convert_pytorch(const char* path, const char* output, const dmoe_options* options,
const char* settings_json, dmoe_error** error);
#define DMOE_EVENT_START 1
#define DMOE_EVENT_STEP 2
#define DMOE_EVENT_EPOCH 3
#define DMOE_EVENT_SAVED 4
#define DMOE_EVENT_VALIDATION 5
#define DMOE_EVENT_FETCH 6
typedef int32_t (*dmoe_event_callback)(int32_t event, const char* json, void* user_data);
int32_t dmoe_model_evaluate(dmoe_model* model, const dmoe_dataset* dataset,
const dmoe_options* options, dmoe_event_callback callback,
void* user_data, dmoe_string** json, dmoe_error** error);
int32_t dmoe_engine_evaluate(const dmoe_engine* engine, const dmoe_dataset* dataset,
const dmoe_options* options, dmoe_event_callback callback,
void* user_data, dmoe_string** json, dmoe_error** error);
int32_t dmoe_model_compact(dmoe_model* model, const dmoe_dataset* calibration,
const char* settings_json, const dmoe_options* options,
dmoe_event_callback callback, void* user_data, dmoe_model** compacted,
dmoe_string** report, dmoe_error** error);
int32_t dmoe_fetch_dataset(const char* dataset, const char* data_dir, const char* settings_json,
dmoe_event_callback callback, void* user_data, dmoe_string** json,
dmoe_error** error);
int32_t dmoe_report_create(const dmoe_engine* engine, const dmoe_dataset* dataset,
const char* settings_json, dmoe_event_callback callback, void* user_data,
dmoe_report** report, dmoe_error** error);
int32_t dmoe_report_create_from_model(const dmoe_model* model, const dmoe_dataset* dataset,
const char* settings_json, dmoe_event_callback callback,
void* user_data, dmoe_report** report, dmoe_error** error);
int32_t dmoe_report_create_from_trainer(const dmoe_trainer* trainer, const dmoe_dataset* dataset,
const char* settings_json, dmoe_event_callback callback,
void* user_data, dmoe_report** report, dmoe_error** error);
int32_t dmoe_report_compare(const dmoe_report* report, const dmoe_report* reference,
dmoe_report** compared, dmoe_error** error);
void dmoe_report_release(dmoe_report* report);
int32_t dmoe_report_json(const dmoe_report* report, dmoe_string** json, dmoe_error** error);
const char* dmoe_report_layer(const dmoe_report* report, int64_t number);
int32_t dmoe_report_matrix(const dmoe_report* report, const char* name, const char* layer,
double* values, int64_t capacity, int64_t* shape, dmoe_error** error);
int32_t dmoe_report_write(const dmoe_report* report, const char* folder, dmoe_error** error);
int32_t dmoe_process_place(const dmoe_options* options, int64_t* rank, int64_t* size,
dmoe_error** error);
int32_t dmoe_trainer_create(dmoe_model* model, const dmoe_options* options, dmoe_trainer** trainer,
dmoe_error** error);
void dmoe_trainer_release(dmoe_trainer* trainer);
int32_t dmoe_trainer_begin_epoch(dmoe_trainer* trainer, int64_t epoch, int64_t steps_per_epoch,
dmoe_error** error);
int32_t dmoe_trainer_step(dmoe_trainer* trainer, const struct DLManagedTensor* images,
const struct DLManagedTensor* labels, double* loss, dmoe_error** error);
int32_t dmoe_trainer_step_f32(dmoe_trainer* trainer, const float* images, const int64_t* labels,
int64_t batch, int64_t height, int64_t width, double* loss,
dmoe_error** error);
int32_t dmoe_trainer_metrics(dmoe_trainer* trainer, dmoe_string** json, dmoe_error** error);
int32_t dmoe_trainer_position(dmoe_trainer* trainer, int64_t* step, int64_t* epoch,
int64_t* step_in_epoch, dmoe_error** error);
int32_t dmoe_trainer_save_state(dmoe_trainer* trainer, const char* path, dmoe_error** error);
int32_t dmoe_trainer_load_state(dmoe_trainer* trainer, const char* path, dmoe_error** error);
int32_t dmoe_trainer_use_average(dmoe_trainer* trainer, int32_t averaged, dmoe_error** error);
int32_t dmoe_trainer_fit(dmoe_trainer* trainer, const dmoe_dataset* train,
const dmoe_dataset* validation, dmoe_event_callback callback,
void* user_data, dmoe_string** summary, dmoe_error** error);
int32_t dmoe_diagnose(dmoe_string** json, dmoe_error** error);
