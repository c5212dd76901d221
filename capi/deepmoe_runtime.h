/*
 * deepmoe_runtime.h: the part of libdeepmoe that needs no LibTorch.
 *
 * A program links exactly one of two libraries:
 *   libdeepmoe_runtime  the functions of this header: options, architectures, tensors in files, engines
 *   libdeepmoe          these and those of deepmoe.h: data sets, models, training (needs LibTorch)
 *
 * Conventions, for every function unless its comment says otherwise:
 *
 * Status. A function that can fail returns int32_t: DMOE_OK (0), one of DMOE_ERROR_*, or the non-zero value
 * that a callback returned, unchanged (choose values outside 1..99 to tell them from the library's).
 *
 * Errors. The last parameter of such a function is `dmoe_error** error`. It may be NULL. On failure it
 * receives a new dmoe_error that the caller releases (NULL if there is no memory left for one); on success it
 * is left alone. No error is kept anywhere else.
 *
 * Outputs. On failure outputs are untouched. Pointers must not be NULL unless "may be NULL" is said. NULL and
 * an object of another kind are answered with DMOE_ERROR_INVALID_ARGUMENT; the use of an object after its
 * release is a defect of the host, which is found only by luck.
 *
 * Ownership. Whatever is returned through `dmoe_x**` belongs to the caller, who calls dmoe_x_release. Release
 * functions accept NULL, return nothing and may be called from any thread, callbacks included. An object
 * keeps what it was made from alive, so the order of releases does not matter. `const char*` parameters are
 * zero-terminated UTF-8 and are copied.
 *
 * Threads. Different objects are independent. One object must not be used by two threads at the same time,
 * except that immutable ones (dmoe_string, dmoe_error, dmoe_dataset, dmoe_engine, dmoe_plugin, and
 * dmoe_tensors that nobody adds to) may be used by many.
 *
 * Callbacks. A callback's `user_data` parameter follows it and is handed back. Callbacks return int32_t;
 * non-zero asks the call to stop. A callback runs in a thread of the library's choice, never two of one call
 * at a time, and must not use the object whose call it serves, nor the model of a trainer that does; such a
 * use is answered with DMOE_ERROR_STATE. Exceptions and long jumps must not leave a callback.
 *
 * Buffers. A function that fills a caller's buffer takes its capacity in elements and tells the needed
 * number; too small a buffer, or NULL, is DMOE_ERROR_INVALID_ARGUMENT with the number told, so that the call
 * can be repeated.
 */
#ifndef DEEPMOE_RUNTIME_H
#define DEEPMOE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(DMOE_BUILDING)
#define DMOE_API __attribute__((visibility("default")))
#else
#define DMOE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status -------------------------------------------------------------------------------------------- */

#define DMOE_OK 0
#define DMOE_ERROR_INVALID_ARGUMENT 1 /* a value, name, shape or combination that the caller can correct */
#define DMOE_ERROR_NOT_FOUND 2        /* a file, folder, tensor or name that does not exist */
#define DMOE_ERROR_IO 3               /* the operating system refused to read or write */
#define DMOE_ERROR_FORMAT 4           /* a file or text that is not what it must be */
#define DMOE_ERROR_UNSUPPORTED 5      /* a valid wish that this version or this machine cannot fulfil */
#define DMOE_ERROR_OUT_OF_MEMORY 6
#define DMOE_ERROR_CANCELLED 7
#define DMOE_ERROR_NUMERIC 8 /* a loss or tensor became NaN or infinite */
#define DMOE_ERROR_STATE 9   /* the call is not allowed in the object's present state */
#define DMOE_ERROR_INTERNAL 10

/* Typed opaque objects. */
typedef struct dmoe_error dmoe_error;
typedef struct dmoe_string dmoe_string;
typedef struct dmoe_options dmoe_options;
typedef struct dmoe_tensors dmoe_tensors;
typedef struct dmoe_engine dmoe_engine;
typedef struct dmoe_plugin dmoe_plugin;

/* DLPack's struct; include <dlpack/dlpack.h> to make or read one. */
struct DLManagedTensor;

/* The name of a status, e.g. "invalid_argument"; "callback" for a value that is none of the library's. Never
 * NULL; lives as long as the program. Since 0.1.0. */
DMOE_API const char* dmoe_status_name(int32_t status);

/* DMOE_OK has no error; for a failed call, its status again. 0 for NULL. Since 0.1.0. */
DMOE_API int32_t dmoe_error_code(const dmoe_error* error);
/* What was wrong, with which value, and what to do. Lives as long as the error; "" for NULL. Since 0.1.0. */
DMOE_API const char* dmoe_error_message(const dmoe_error* error);
/* Since 0.1.0. */
DMOE_API void dmoe_error_release(dmoe_error* error);

/* ---- Version, log, leaks ------------------------------------------------------------------------------- */

/* Grows by one with every incompatible change; a binding compares it with the DMOE_ABI_VERSION it was made
 * for. */
#define DMOE_ABI_VERSION 1
/* Since 0.1.0. */
DMOE_API int32_t dmoe_abi_version(void);
/* "major.minor.patch" of the library. Lives as long as the program. Since 0.1.0. */
DMOE_API const char* dmoe_version(void);

#define DMOE_LOG_ERROR 0
#define DMOE_LOG_WARNING 1
#define DMOE_LOG_INFO 2
#define DMOE_LOG_DEBUG 3
/* Receives one message; its return value is ignored. May be called from any thread, one call at a time. It
 * must not call the library, except to read a status name. `message` is valid during the call. */
typedef int32_t (*dmoe_log_callback)(int32_t level, const char* message, void* user_data);
/* Replaces the receiver of the process's log messages; NULL restores the default, which prints warnings and
 * errors to standard error. May be called from any thread; from inside the callback it is a DMOE_ERROR_STATE.
 * Once it has returned, the former callback is not called any more. Since 0.1.0. */
DMOE_API int32_t dmoe_set_log_callback(dmoe_log_callback callback, void* user_data, dmoe_error** error);

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
/* How many objects of a kind exist in this process: 0 after a program that released everything. DLPack
 * tensors that the library gave away are not counted. -1 for an unknown kind. Any thread. Since 0.1.0. */
DMOE_API int64_t dmoe_live_objects(int32_t kind);

/* ---- Strings ------------------------------------------------------------------------------------------- */

/* Zero-terminated UTF-8; lives as long as the string; "" for NULL. Since 0.1.0. */
DMOE_API const char* dmoe_string_data(const dmoe_string* string);
/* Bytes without the terminating zero; 0 for NULL. Since 0.1.0. */
DMOE_API int64_t dmoe_string_size(const dmoe_string* string);
/* Since 0.1.0. */
DMOE_API void dmoe_string_release(dmoe_string* string);

/* ---- Options ------------------------------------------------------------------------------------------- */

/* Values for the options of the one table (docs/options.md). A value's precedence depends on where it came
 * from, not on the order of calls: default < recipe < file < environment < dmoe_options_set. Since 0.1.0. */
DMOE_API int32_t dmoe_options_create(dmoe_options** options, dmoe_error** error);
/* A copy that can be changed on its own. Since 0.1.0. */
DMOE_API int32_t dmoe_options_copy(const dmoe_options* options, dmoe_options** copy, dmoe_error** error);
/* Since 0.1.0. */
DMOE_API void dmoe_options_release(dmoe_options* options);

/* Sets one option from text: "0.1", "true", "10,20". Errors: NOT_FOUND for an unknown name, with the nearest
 * one; INVALID_ARGUMENT with the range or the choices; UNSUPPORTED for an option without effect in this
 * version. Since 0.1.0. */
DMOE_API int32_t dmoe_options_set(dmoe_options* options, const char* name, const char* value,
                                  dmoe_error** error);
/* Sets every member of a JSON object, with the precedence of dmoe_options_set. All or nothing. Errors: FORMAT
 * for what is no JSON object, and those of dmoe_options_set. Since 0.1.0. */
DMOE_API int32_t dmoe_options_set_json(dmoe_options* options, const char* json, dmoe_error** error);
/* Reads a configuration file, such as a run's config.json, with the precedence of a file. Since 0.1.0. */
DMOE_API int32_t dmoe_options_load_file(dmoe_options* options, const char* path, dmoe_error** error);
/* Reads DEEPMOE_<NAME> for every option. Not safe while another thread changes the environment.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_options_read_environment(dmoe_options* options, dmoe_error** error);
/* One value as the text that dmoe_options_set would take. Since 0.1.0. */
DMOE_API int32_t dmoe_options_get(const dmoe_options* options, const char* name, dmoe_string** value,
                                  dmoe_error** error);
/* Every option with its resolved value, as a JSON object. Since 0.1.0. */
DMOE_API int32_t dmoe_options_to_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error);
/* The table itself as JSON: {"options": [{"name", "type", "group", "default", "minimum", "maximum",
 * "choices", "available", "help", "recipes"}]}. Since 0.1.0. */
DMOE_API int32_t dmoe_options_schema(dmoe_string** json, dmoe_error** error);

/* ---- Architectures ------------------------------------------------------------------------------------- */

/* The names that option `model` takes, as a JSON array. Since 0.1.0. */
DMOE_API int32_t dmoe_architecture_names(dmoe_string** json, dmoe_error** error);
/* The network that the options describe, as data: {"format", "model", "nodes", "outputs", ...}. An unset
 * image_size counts as 224 and an unset num_classes as 1000. Since 0.1.0. */
DMOE_API int32_t dmoe_architecture_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error);
/* The same with shapes, parameters and multiply-accumulates of each node and in all, as JSON.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_architecture_describe(const dmoe_options* options, dmoe_string** json,
                                            dmoe_error** error);
/* The same as a table for people. Since 0.1.0. */
DMOE_API int32_t dmoe_architecture_text(const dmoe_options* options, dmoe_string** text, dmoe_error** error);

/* ---- Plugins ------------------------------------------------------------------------------------------- */

/* Shared libraries that add data sets, observers, backbones and gate metrics; deepmoe_plugin.h says how to
 * make one. They run their own code in this process: load none that you would not run. */

/* Loads the file `path`, which is relative to the current folder unless absolute; nothing is searched. From
 * then on option `dataset` takes its data sets, and option `model` its backbones, as PLUGIN:NAME. Option
 * `plugin` loads files too, and besides has their observers take part in dmoe_trainer_fit and their gate
 * metrics in evaluations. A file that is loaded already is the same plugin; it stays loaded until the process
 * ends, also after the release of the object. Errors, which name the file: NOT_FOUND; FORMAT for what is no
 * plugin or has a wrong table; UNSUPPORTED for a plugin that is too new or too old, in its words;
 * INVALID_ARGUMENT when another plugin of that name is loaded. Any thread. Since 0.1.0. */
DMOE_API int32_t dmoe_plugin_load(const char* path, dmoe_plugin** plugin, dmoe_error** error);
/* What it offers, as JSON: {"file", "name", "summary", "version", "host_version", "datasets", "observers",
 * "backbones", "gate_metrics"}; the last four are lists of {"name", "summary"}. `version` is that of
 * deepmoe_plugin.h which the plugin was built against, `host_version` that of this library. Since 0.1.0. */
DMOE_API int32_t dmoe_plugin_describe(const dmoe_plugin* plugin, dmoe_string** json, dmoe_error** error);
/* The library stays loaded. Since 0.1.0. */
DMOE_API void dmoe_plugin_release(dmoe_plugin* plugin);

/* ---- Tensors ------------------------------------------------------------------------------------------- */

/* Named tensors: a safetensors file, a model's weights, or the outputs of a network. */

/* An empty set to add to. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_create(dmoe_tensors** tensors, dmoe_error** error);
/* Opens a safetensors file. It is mapped, not read, and must not be truncated or written to while the set or
 * a tensor of it lives (replacing it by another file is fine). Errors: NOT_FOUND, IO, FORMAT naming file and
 * reason. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_load(const char* path, dmoe_tensors** tensors, dmoe_error** error);
/* Writes a safetensors file, replacing an older one only when complete. `metadata_json` (an object of
 * strings) may be NULL. Tensors must be on the CPU. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_save(const dmoe_tensors* tensors, const char* path, const char* metadata_json,
                                   dmoe_error** error);
/* Since 0.1.0. */
DMOE_API void dmoe_tensors_release(dmoe_tensors* tensors);
/* The number of tensors; 0 for NULL. Since 0.1.0. */
DMOE_API int64_t dmoe_tensors_count(const dmoe_tensors* tensors);
/* The name of tensor `index` (0..count-1). Lives as long as the set; NULL when out of range. Since 0.1.0. */
DMOE_API const char* dmoe_tensors_name(const dmoe_tensors* tensors, int64_t index);
/* The file's metadata as a JSON object of strings; "{}" for sets that are no file. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_metadata(const dmoe_tensors* tensors, dmoe_string** json, dmoe_error** error);
/* Hands out a tensor without copying; it keeps its memory alive, also after the set is released, and is freed
 * by its own deleter, from any thread. Its content must be left unchanged when it comes from a file. Errors:
 * NOT_FOUND, with the nearest name. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_get(const dmoe_tensors* tensors, const char* name,
                                  struct DLManagedTensor** tensor, dmoe_error** error);
/* Copies a float32 tensor on the CPU into `values` (capacity elements, row-major); `needed` (may be NULL)
 * receives its number of elements, also when `values` is NULL or too small. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_read_f32(const dmoe_tensors* tensors, const char* name, float* values,
                                       int64_t capacity, int64_t* needed, dmoe_error** error);
/* Writes the shape of a tensor (capacity elements): `rank` (may be NULL) receives the number of dimensions,
 * also when `shape` is NULL or too small. A scalar has 0 dimensions and needs no buffer. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_shape(const dmoe_tensors* tensors, const char* name, int64_t* shape,
                                    int64_t capacity, int64_t* rank, dmoe_error** error);
/* Adds a tensor under a new name, taking it over: on success its deleter (may be NULL) is called when the set
 * and all that was handed out of it are gone; on failure it stays the caller's. It must be contiguous,
 * aligned to its elements and on the CPU. Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_add(dmoe_tensors* tensors, const char* name, struct DLManagedTensor* tensor,
                                  dmoe_error** error);
/* Adds a copy of `values` under a new name; its shape is shape[0..rank-1]. `shape` may be NULL for a scalar
 * (rank 0). Since 0.1.0. */
DMOE_API int32_t dmoe_tensors_add_f32(dmoe_tensors* tensors, const char* name, const float* values,
                                      const int64_t* shape, int64_t rank, dmoe_error** error);

/* ---- Engines ------------------------------------------------------------------------------------------- */

/* A trained network compiled for inference on the CPU, which does no work for inactive experts. Results are
 * those of dmoe_model_forward up to rounding. An engine is immutable: any number of threads may run and
 * describe one at the same time. A run uses the calling thread and `threads` - 1 more. Working memory is
 * taken at the first run of a batch size and kept for later ones, once for each of the runs that are under
 * way at the same time. */

/* Reads a safetensors file that dmoe_model_save or a training wrote; the file is not needed afterwards.
 * `settings_json` may be NULL or hold
 * {"image_size": 0, "threads": 1, "precision": "fp32", "skip": true, "profile": false}:
 * - image_size: images are image_size x image_size; 0: as the file says.
 * - threads: what one run uses, no more than there are processors; 0: one for each processor.
 * - precision: "bf16" keeps the weights of gated convolutions and of the classifier in bfloat16, half the
 * memory, on any processor. All is computed in float32, and the embedding network and the gates' heads stay
 * float32 entirely: the same experts are active. Logits differ from those of "fp32" by some 0.5 % of the
 * largest one.
 * - skip: false computes every channel, and gates only multiply: what skipping is measured against.
 * - profile: measures each step's time for dmoe_engine_describe.
 * Errors: NOT_FOUND, IO and FORMAT naming file and reason; INVALID_ARGUMENT for a file without a description
 * of its network, an image_size that the network does not accept and settings out of range; NOT_FOUND for an
 * unknown setting. Since 0.1.0. */
DMOE_API int32_t dmoe_engine_create(const char* path, const char* settings_json, dmoe_engine** engine,
                                    dmoe_error** error);
/* No call with it may be under way. Since 0.1.0. */
DMOE_API void dmoe_engine_release(dmoe_engine* engine);

/* Logits (batch x num_classes) for `images`: batch x 3 x height x width floats that are already normalised;
 * height and width must be the engine's image_size. `needed` (may be NULL) receives the number of logits,
 * also when the buffer is too small or NULL. `active_macs` (may be NULL) receives the multiply-accumulates of
 * this call, those of inactive experts left out. Since 0.1.0. */
DMOE_API int32_t dmoe_engine_run(const dmoe_engine* engine, const float* images, int64_t batch,
                                 int64_t height, int64_t width, float* logits, int64_t capacity,
                                 int64_t* needed, int64_t* active_macs, dmoe_error** error);
#define DMOE_LAYOUT_NCHW 0
#define DMOE_LAYOUT_NHWC 1
/* The same for bytes 0..255, (batch, 3, height, width) or (batch, height, width, 3), which are normalised
 * here as in training. Since 0.1.0. */
DMOE_API int32_t dmoe_engine_run_u8(const dmoe_engine* engine, const uint8_t* images, int64_t batch,
                                    int64_t height, int64_t width, int32_t layout, float* logits,
                                    int64_t capacity, int64_t* needed, int64_t* active_macs,
                                    dmoe_error** error);
/* dmoe_engine_run with everything that a run can give. A buffer that is NULL is not wanted; at least one must
 * be there, and each that is must be large enough. They hold `batch` rows of num_classes (logits),
 * embedding_dim (embedding), num_classes (embedding_logits) and `experts` numbers (gates of all layers, in
 * network order); the latter three are empty for a dense network. `needed` may be NULL or have room for four
 * numbers, the elements of each buffer in this order, which are told also when a buffer is too small or none
 * is there. `given_gates` may be NULL; otherwise its batch x experts numbers, finite and not negative, take
 * the place of the gates that the network computes (it still computes them): for measurements, and for asking
 * what other experts would say. Since 0.1.0. */
DMOE_API int32_t dmoe_engine_run_outputs(const dmoe_engine* engine, const float* images, int64_t batch,
                                         int64_t height, int64_t width, const float* given_gates,
                                         float* logits, int64_t logits_capacity, float* embedding,
                                         int64_t embedding_capacity, float* embedding_logits,
                                         int64_t embedding_logits_capacity, float* gates,
                                         int64_t gates_capacity, int64_t* needed, int64_t* active_macs,
                                         dmoe_error** error);
/* {"model", "image_size", "image_channels", "num_classes", "embedding_dim", "experts", "gates": [{"name",
 * "experts"}], "class_names", "normalization": {"mean", "deviation"}, "precision", "threads", "skip",
 * "target", "dense_macs", "active_macs", "weight_bytes", "working_bytes_per_image", "images_run", "steps":
 * [{"name", "kind", "kernel", "dense_macs", "active_macs", "weight_bytes", "input_gate", "output_gate",
 * "mean_microseconds"}]} as JSON. `target` is the instruction set in use. The gates of a step (names, or
 * null) are those that spare its work. MACs and times are of one image: active_macs is the mean of all runs
 * so far, absent before the first; mean_microseconds is there with the setting `profile`. Since 0.1.0. */
DMOE_API int32_t dmoe_engine_describe(const dmoe_engine* engine, dmoe_string** json, dmoe_error** error);

#ifdef __cplusplus
}
#endif

#endif /* DEEPMOE_RUNTIME_H */
