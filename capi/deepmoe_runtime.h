/*
 * deepmoe_runtime.h: the part of libdeepmoe that needs no LibTorch.
 *
 * A program links exactly one of two libraries:
 *   libdeepmoe_runtime  the functions of this header: options, architectures, tensors in files
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
 * except that immutable ones (dmoe_string, dmoe_error, dmoe_dataset, and dmoe_tensors that nobody adds to)
 * may be read by many.
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

/* DLPack's struct; include <dlpack/dlpack.h> to make or read one. */
struct DLManagedTensor;

/* The name of a status, e.g. "invalid_argument"; "callback" for a value that is none of the library's. Never
 * NULL; lives as long as the program. */
DMOE_API const char* dmoe_status_name(int32_t status);

/* DMOE_OK has no error; for a failed call, its status again. 0 for NULL. */
DMOE_API int32_t dmoe_error_code(const dmoe_error* error);
/* What was wrong, with which value, and what to do. Lives as long as the error; "" for NULL. */
DMOE_API const char* dmoe_error_message(const dmoe_error* error);
DMOE_API void dmoe_error_release(dmoe_error* error);

/* ---- Version, log, leaks ------------------------------------------------------------------------------- */

/* Grows by one with every incompatible change; a binding compares it with the DMOE_ABI_VERSION it was made
 * for. */
#define DMOE_ABI_VERSION 1
DMOE_API int32_t dmoe_abi_version(void);
/* "major.minor.patch" of the library. Lives as long as the program. */
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
 * Once it has returned, the former callback is not called any more. */
DMOE_API int32_t dmoe_set_log_callback(dmoe_log_callback callback, void* user_data, dmoe_error** error);

#define DMOE_KIND_ALL 0
#define DMOE_KIND_ERROR 1
#define DMOE_KIND_STRING 2
#define DMOE_KIND_OPTIONS 3
#define DMOE_KIND_TENSORS 4
#define DMOE_KIND_DATASET 5
#define DMOE_KIND_MODEL 6
#define DMOE_KIND_TRAINER 7
/* How many objects of a kind exist in this process: 0 after a program that released everything. DLPack
 * tensors that the library gave away are not counted. -1 for an unknown kind. Any thread. */
DMOE_API int64_t dmoe_live_objects(int32_t kind);

/* ---- Strings ------------------------------------------------------------------------------------------- */

/* Zero-terminated UTF-8; lives as long as the string; "" for NULL. */
DMOE_API const char* dmoe_string_data(const dmoe_string* string);
/* Bytes without the terminating zero; 0 for NULL. */
DMOE_API int64_t dmoe_string_size(const dmoe_string* string);
DMOE_API void dmoe_string_release(dmoe_string* string);

/* ---- Options ------------------------------------------------------------------------------------------- */

/* Values for the options of the one table (docs/options.md). A value's precedence depends on where it came
 * from, not on the order of calls: default < recipe < file < environment < dmoe_options_set. */
DMOE_API int32_t dmoe_options_create(dmoe_options** options, dmoe_error** error);
/* A copy that can be changed on its own. */
DMOE_API int32_t dmoe_options_copy(const dmoe_options* options, dmoe_options** copy, dmoe_error** error);
DMOE_API void dmoe_options_release(dmoe_options* options);

/* Sets one option from text: "0.1", "true", "10,20". Errors: NOT_FOUND for an unknown name, with the nearest
 * one; INVALID_ARGUMENT with the range or the choices; UNSUPPORTED for an option without effect in this
 * version. */
DMOE_API int32_t dmoe_options_set(dmoe_options* options, const char* name, const char* value,
                                  dmoe_error** error);
/* Sets every member of a JSON object, with the precedence of dmoe_options_set. All or nothing. Errors: FORMAT
 * for what is no JSON object, and those of dmoe_options_set. */
DMOE_API int32_t dmoe_options_set_json(dmoe_options* options, const char* json, dmoe_error** error);
/* Reads a configuration file, such as a run's config.json, with the precedence of a file. */
DMOE_API int32_t dmoe_options_load_file(dmoe_options* options, const char* path, dmoe_error** error);
/* Reads DEEPMOE_<NAME> for every option. Not safe while another thread changes the environment. */
DMOE_API int32_t dmoe_options_read_environment(dmoe_options* options, dmoe_error** error);
/* One value as the text that dmoe_options_set would take. */
DMOE_API int32_t dmoe_options_get(const dmoe_options* options, const char* name, dmoe_string** value,
                                  dmoe_error** error);
/* Every option with its resolved value, as a JSON object. */
DMOE_API int32_t dmoe_options_to_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error);
/* The table itself as JSON: {"options": [{"name", "type", "group", "default", "minimum", "maximum",
 * "choices", "available", "help", "recipes"}]}. */
DMOE_API int32_t dmoe_options_schema(dmoe_string** json, dmoe_error** error);

/* ---- Architectures ------------------------------------------------------------------------------------- */

/* The names that option `model` takes, as a JSON array. */
DMOE_API int32_t dmoe_architecture_names(dmoe_string** json, dmoe_error** error);
/* The network that the options describe, as data: {"format", "model", "nodes", "outputs", ...}. An unset
 * image_size counts as 224 and an unset num_classes as 1000. */
DMOE_API int32_t dmoe_architecture_json(const dmoe_options* options, dmoe_string** json, dmoe_error** error);
/* The same with shapes, parameters and multiply-accumulates of each node and in all, as JSON. */
DMOE_API int32_t dmoe_architecture_describe(const dmoe_options* options, dmoe_string** json,
                                            dmoe_error** error);
/* The same as a table for people. */
DMOE_API int32_t dmoe_architecture_text(const dmoe_options* options, dmoe_string** text, dmoe_error** error);

/* ---- Tensors ------------------------------------------------------------------------------------------- */

/* Named tensors: a safetensors file, a model's weights, or the outputs of a network. */

/* An empty set to add to. */
DMOE_API int32_t dmoe_tensors_create(dmoe_tensors** tensors, dmoe_error** error);
/* Opens a safetensors file. It is mapped, not read, and must not be truncated or written to while the set or
 * a tensor of it lives (replacing it by another file is fine). Errors: NOT_FOUND, IO, FORMAT naming file and
 * reason. */
DMOE_API int32_t dmoe_tensors_load(const char* path, dmoe_tensors** tensors, dmoe_error** error);
/* Writes a safetensors file, replacing an older one only when complete. `metadata_json` (an object of
 * strings) may be NULL. Tensors must be on the CPU. */
DMOE_API int32_t dmoe_tensors_save(const dmoe_tensors* tensors, const char* path, const char* metadata_json,
                                   dmoe_error** error);
DMOE_API void dmoe_tensors_release(dmoe_tensors* tensors);
/* The number of tensors; 0 for NULL. */
DMOE_API int64_t dmoe_tensors_count(const dmoe_tensors* tensors);
/* The name of tensor `index` (0..count-1). Lives as long as the set; NULL when out of range. */
DMOE_API const char* dmoe_tensors_name(const dmoe_tensors* tensors, int64_t index);
/* The file's metadata as a JSON object of strings; "{}" for sets that are no file. */
DMOE_API int32_t dmoe_tensors_metadata(const dmoe_tensors* tensors, dmoe_string** json, dmoe_error** error);
/* Hands out a tensor without copying; it keeps its memory alive, also after the set is released, and is freed
 * by its own deleter, from any thread. Its content must be left unchanged when it comes from a file. Errors:
 * NOT_FOUND, with the nearest name. */
DMOE_API int32_t dmoe_tensors_get(const dmoe_tensors* tensors, const char* name,
                                  struct DLManagedTensor** tensor, dmoe_error** error);
/* Copies a float32 tensor on the CPU into `values` (capacity elements, row-major); `needed` (may be NULL)
 * receives its number of elements, also when `values` is NULL or too small. */
DMOE_API int32_t dmoe_tensors_read_f32(const dmoe_tensors* tensors, const char* name, float* values,
                                       int64_t capacity, int64_t* needed, dmoe_error** error);
/* Writes the shape of a tensor (capacity elements): `rank` (may be NULL) receives the number of dimensions,
 * also when `shape` is NULL or too small. A scalar has 0 dimensions and needs no buffer. */
DMOE_API int32_t dmoe_tensors_shape(const dmoe_tensors* tensors, const char* name, int64_t* shape,
                                    int64_t capacity, int64_t* rank, dmoe_error** error);
/* Adds a tensor under a new name, taking it over: on success its deleter (may be NULL) is called when the set
 * and all that was handed out of it are gone; on failure it stays the caller's. It must be contiguous,
 * aligned to its elements and on the CPU. */
DMOE_API int32_t dmoe_tensors_add(dmoe_tensors* tensors, const char* name, struct DLManagedTensor* tensor,
                                  dmoe_error** error);
/* Adds a copy of `values` under a new name; its shape is shape[0..rank-1]. `shape` may be NULL for a scalar
 * (rank 0). */
DMOE_API int32_t dmoe_tensors_add_f32(dmoe_tensors* tensors, const char* name, const float* values,
                                      const int64_t* shape, int64_t rank, dmoe_error** error);

#ifdef __cplusplus
}
#endif

#endif /* DEEPMOE_RUNTIME_H */
