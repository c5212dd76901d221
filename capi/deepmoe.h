/*
 * deepmoe.h: data sets, models and training; includes deepmoe_runtime.h, whose conventions hold here too.
 *
 * The shortest whole program:
 *
 *   dmoe_options* options;
 *   dmoe_dataset *train, *test;
 *   dmoe_model* model;
 *   dmoe_trainer* trainer;
 *
 *   dmoe_options_create(&options, NULL);
 *   dmoe_options_set(options, "dataset", "synthetic", NULL);
 *   dmoe_dataset_open(options, "train", &train, NULL);
 *   dmoe_dataset_open(options, "test", &test, NULL);
 *   dmoe_model_create(options, train, &model, NULL);
 *   dmoe_trainer_create(model, options, &trainer, NULL);
 *   dmoe_trainer_fit(trainer, train, test, NULL, NULL, NULL, NULL);
 *   dmoe_model_save(model, "network.safetensors", NULL);
 */
#ifndef DEEPMOE_H
#define DEEPMOE_H

#include "deepmoe_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dmoe_dataset dmoe_dataset;
typedef struct dmoe_loader dmoe_loader;
typedef struct dmoe_model dmoe_model;
typedef struct dmoe_trainer dmoe_trainer;
typedef struct dmoe_report dmoe_report;

/* ---- Data sets ----------------------------------------------------------------------------------------- */

/* Labelled images with random access. Immutable; any number of threads may read one. */

/* The split of the data set that the options `dataset`, `data_dir`, ... name: "train", "test" (val/ is taken
 * for it where a folder has that) or "val", the images that option `validation_share` holds out of "train" or,
 * where that is 0, "test". Errors: NOT_FOUND saying what was looked for where, FORMAT naming the file.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_dataset_open(const dmoe_options* options, const char* split, dmoe_dataset** dataset,
                                   dmoe_error** error);

/* Called once when the library no longer needs the memory that was lent; its return value is ignored. */
typedef int32_t (*dmoe_release_callback)(void* user_data);

/* Images of the host program, without a copy: `images` holds size x 3 x height x width floats that are
 * already normalised, `labels` holds `size` numbers in 0..num_classes-1. The labels are copied; the images
 * must stay unchanged until `release` (may be NULL) is called, or, without it, until the data set and
 * everything made from it are released and no call that reads it is under way. `release` may be called from
 * any thread. On failure it is not called. Since 0.1.0. */
DMOE_API int32_t dmoe_dataset_create_f32(const float* images, const int64_t* labels, int64_t size,
                                         int64_t height, int64_t width, int64_t num_classes,
                                         dmoe_release_callback release, void* user_data,
                                         dmoe_dataset** dataset, dmoe_error** error);
/* The same for bytes 0..255 in DMOE_LAYOUT_NCHW or DMOE_LAYOUT_NHWC; `channels` is 1 or 3. They are
 * normalised on the way into a batch. Since 0.1.0. */
DMOE_API int32_t dmoe_dataset_create_u8(const uint8_t* images, const int64_t* labels, int64_t size,
                                        int64_t channels, int64_t height, int64_t width, int32_t layout,
                                        int64_t num_classes, dmoe_release_callback release, void* user_data,
                                        dmoe_dataset** dataset, dmoe_error** error);
/* The number of images; 0 for NULL. Since 0.1.0. */
DMOE_API int64_t dmoe_dataset_size(const dmoe_dataset* dataset);
/* 0 for NULL. Since 0.1.0. */
DMOE_API int64_t dmoe_dataset_num_classes(const dmoe_dataset* dataset);
/* {"description", "size", "num_classes", "class_names", "image_size", "mean", "deviation"} as JSON.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_dataset_describe(const dmoe_dataset* dataset, dmoe_string** json, dmoe_error** error);
/* Since 0.1.0. */
DMOE_API void dmoe_dataset_release(dmoe_dataset* dataset);

/* ---- Batches ------------------------------------------------------------------------------------------- */

/* One pass over a data set, which the loader keeps alive, in batches that threads decode, augment and
 * normalise ahead of the caller: what dmoe_trainer_fit trains on, for a loop of the host's own. Options read:
 * image_size (0 takes the data set's own, or 224 where its images differ in size), batch_size, num_workers
 * and prefetch. With `training` 1 the order is shuffled and images are augmented as the options say
 * (crop_padding, random_resized_crop, flip, random_augment, color_jitter, random_erasing), which depends on
 * option seed, `epoch` (from 0) and the image alone; a last batch of one image is left out. With `training` 0
 * every image comes once, in order, resized and cropped in the middle. The pass begins at batch `first_batch`
 * (from 0), and what comes before is not decoded: a loop that goes on in the middle of an epoch gives the
 * steps done in it, as dmoe_trainer_position tells them. At most prefetch + 1 batches are in memory.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_loader_create(const dmoe_dataset* dataset, const dmoe_options* options,
                                    int32_t training, int64_t epoch, int64_t first_batch,
                                    dmoe_loader** loader, dmoe_error** error);
/* The number of batches in the whole pass, and the height and width of its images; 0 for NULL.
 * Since 0.1.0. */
DMOE_API int64_t dmoe_loader_num_batches(const dmoe_loader* loader);
/* Since 0.1.0. */
DMOE_API int64_t dmoe_loader_image_size(const dmoe_loader* loader);
/* The next batch: `size` images (size, 3, image_size, image_size) in `images` and their labels in `labels`,
 * not copied; they belong to the loader and stay valid until the next call with it or its release. After the
 * last batch `size` is 0 and both pointers are NULL. An image that can't be read is DMOE_ERROR_FORMAT or
 * another error that names it; the loader should then be released. One call at a time. Since 0.1.0. */
DMOE_API int32_t dmoe_loader_next(dmoe_loader* loader, const float** images, const int64_t** labels,
                                  int64_t* size, dmoe_error** error);
/* Cancels what is under way. Since 0.1.0. */
DMOE_API void dmoe_loader_release(dmoe_loader* loader);

/* ---- Models -------------------------------------------------------------------------------------------- */

/* A new model with random weights from option `seed`. `dataset` may be NULL; with it, num_classes and
 * image_size that the options leave open (0) are those of the data set (224 where its images differ in size),
 * and its normalisation and class names are remembered. Without it they count as 1000 and 224. Fewer classes
 * than the data set has are refused. Option `device`: "auto", "cpu", "cuda" or "cuda:N"; CUDA that cannot be
 * used is an UNSUPPORTED error that says what is missing. Since 0.1.0. */
DMOE_API int32_t dmoe_model_create(const dmoe_options* options, const dmoe_dataset* dataset,
                                   dmoe_model** model, dmoe_error** error);
/* Reads weights from a safetensors file. `options` may be NULL; values set in it complete a file without
 * metadata (model, gate_position, ...) and choose the device. Errors name the file, and the tensor that is
 * missing, surplus or of another shape. Since 0.1.0. */
DMOE_API int32_t dmoe_model_load(const char* path, const dmoe_options* options, dmoe_model** model,
                                 dmoe_error** error);
/* Writes weights, architecture, options, normalisation and class names to a safetensors file, replacing an
 * older one only when complete. Since 0.1.0. */
DMOE_API int32_t dmoe_model_save(const dmoe_model* model, const char* path, dmoe_error** error);
/* Since 0.1.0. */
DMOE_API void dmoe_model_release(dmoe_model* model);

/* {"model", "device", "num_classes", "image_size", "class_names", "normalization", "options", "architecture",
 * "cost"} as JSON. Since 0.1.0. */
DMOE_API int32_t dmoe_model_describe(const dmoe_model* model, dmoe_string** json, dmoe_error** error);
/* The model's network as dmoe_architecture_describe and dmoe_architecture_text describe one, for images of
 * its image_size. This holds for networks, too, that no options lead to, such as compacted ones.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_model_architecture_describe(const dmoe_model* model, dmoe_string** json,
                                                  dmoe_error** error);
/* Since 0.1.0. */
DMOE_API int32_t dmoe_model_architecture_text(const dmoe_model* model, dmoe_string** text,
                                              dmoe_error** error);

/* Evaluation-mode outputs for images (N, 3, H, W): float32 that are already normalised, or uint8, which are
 * normalised here. `images` is read in place during the call and stays the caller's. The set holds "logits"
 * (N, num_classes) and, in a gated network, "embedding" (N, embedding_dim), "embedding_logits" (N,
 * num_classes) and "gate.<layer>" (N, experts). Since 0.1.0. */
DMOE_API int32_t dmoe_model_forward(dmoe_model* model, const struct DLManagedTensor* images,
                                    dmoe_tensors** outputs, dmoe_error** error);
/* The same for plain arrays: `images` holds batch x 3 x height x width normalised floats; `logits` receives
 * batch x num_classes; `needed` may be NULL. Since 0.1.0. */
DMOE_API int32_t dmoe_model_forward_f32(dmoe_model* model, const float* images, int64_t batch, int64_t height,
                                        int64_t width, float* logits, int64_t capacity, int64_t* needed,
                                        dmoe_error** error);
/* A JPEG or PNG file as the model wants it: decoded, resized, cropped and normalised as in evaluation; one
 * tensor "input" (1, 3, image_size, image_size). Since 0.1.0. */
DMOE_API int32_t dmoe_model_read_image(const dmoe_model* model, const char* path, dmoe_tensors** image,
                                       dmoe_error** error);
/* The weights by their state_dict names, sharing memory with the model: they change as it trains.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_model_state(const dmoe_model* model, dmoe_tensors** state, dmoe_error** error);
/* Copies weights in by name; every entry must be there. On failure the model is as before. Since 0.1.0. */
DMOE_API int32_t dmoe_model_load_state(dmoe_model* model, const dmoe_tensors* state, dmoe_error** error);

/* A dense copy of a model for evaluation: gates are left out, as if each were 1, batch norms go into the
 * convolutions before them, and weights are stored channels last. What the network would cost in LibTorch
 * without gates; its results have no use but for a dense model, whose own they are up to rounding.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_model_fold(const dmoe_model* model, dmoe_model** folded, dmoe_error** error);

/* Compiles the model as it is now for inference on the CPU; the model stays as it is, also while it is
 * trained, and what it learns later does not reach the engine. `settings_json` as in dmoe_engine_create.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_engine_create_from_model(const dmoe_model* model, const char* settings_json,
                                               dmoe_engine** engine, dmoe_error** error);

/* Writes the network in evaluation mode as an ONNX model (opset 17), replacing an older file only when
 * complete. Input "input" (batch, 3, height, width) takes float32 images that are already normalised; output
 * "logits" is (batch, num_classes). Gates are computed in it from each image. Batch size, height and width
 * are open, but a network with VGG's 7x7 pool is written for one image size. `settings_json` may be NULL or
 * hold {"gates": true, "image_size": 224}: `gates` adds the outputs "embedding", "embedding_logits" and
 * "gate.<layer>" of dmoe_model_forward; `image_size` (0: as above) fixes height and width. The file's
 * metadata_props hold the normalisation, class names and options. Errors: INVALID_ARGUMENT for settings that
 * do not fit the network, UNSUPPORTED for a network that exceeds the format's 2 GiB, IO. Since 0.1.0. */
DMOE_API int32_t dmoe_model_export_onnx(const dmoe_model* model, const char* path, const char* settings_json,
                                        dmoe_error** error);

/* Reads what Python's torch.save wrote of a state_dict (also below "state_dict", "model_state_dict" or
 * "model" of a larger dictionary, and with the prefix "module." of DataParallel, which is taken off) and
 * writes it to the safetensors file `output`. Nothing in the file is executed: what is not tensors, numbers,
 * texts, lists and dictionaries is refused by name. Where `options` (may be NULL) set `model`, names and
 * shapes are checked against that network, options that the tensors tell (num_classes, ...) need not be set,
 * and the file is one of dmoe_model_save: float32, with the network's description. Else the bare tensors are
 * written in their own types. `settings_json` may be NULL or hold {"mean": [3 numbers], "deviation": [3
 * numbers]}, the normalisation of the network's images; it needs a model. Errors: NOT_FOUND, IO, and FORMAT
 * naming file and entry. Since 0.1.0. */
DMOE_API int32_t dmoe_convert_pytorch(const char* path, const char* output, const dmoe_options* options,
                                      const char* settings_json, dmoe_error** error);

/* Events of long calls. `json` is an object, valid during the call:
 * - START: {"model", "device", "epochs", "steps_per_epoch", "epochs_done", "steps_done", "train_size",
 *   "validation_size", "out"}; a run that goes on has done some epochs, and steps of the one under way
 * - STEP: {"epoch", "step", "steps", "lr", "images_per_second"}, and now and then, when they have been read
 *   back without stopping the device, {"loss", "accuracy"}
 * - EPOCH: a line of metrics.jsonl: {"epoch", "epochs", "lr", "train_loss", "train_acc", "val_loss",
 * "val_acc", "density", "active_macs", "dense_macs", "seconds", ...} and, for a gated network, what the gates
 * do: "layers" as from dmoe_model_evaluate, "experts", "dead_experts", "always_on_experts",
 * "effective_experts", "dead_layers", "gate_loss". They are those of the validation images, without any those
 * of the training steps
 * - SAVED: {"kind": "best" | "last" | "checkpoint", "path"}
 * - VALIDATION: {"done", "samples"}
 * - FETCH: {"stage": "download" | "check" | "unpack", "done", "total"} in bytes of the archive; "total" is
 * null while it is not known. Many a second while bytes flow, and about one a second while none do. */
#define DMOE_EVENT_START 1
#define DMOE_EVENT_STEP 2
#define DMOE_EVENT_EPOCH 3
#define DMOE_EVENT_SAVED 4
#define DMOE_EVENT_VALIDATION 5
#define DMOE_EVENT_FETCH 6
typedef int32_t (*dmoe_event_callback)(int32_t event, const char* json, void* user_data);

/* Evaluates on every image, never augmenting. Options read: batch_size, num_workers, prefetch, amp, and those
 * of the loss; `options` may be NULL, which means the options that the model was made with; `callback`
 * (VALIDATION events) may be NULL. `json` receives {"samples", "loss", "accuracy", "top5_accuracy",
 * "density", "layers", "dense_macs", "active_macs", "seconds", "images_per_second"}; MACs are means per
 * image. Each of the layers with gates has {"name", "experts", "density", "dead_experts" (active for no
 * image), "always_on_experts" (active for every image), "effective_experts" (exp of the entropy of the
 * experts' mean gates divided by their sum), "mean_gate", "gate_loss"}; a gated network has "experts",
 * "dead_experts", "always_on_experts" and "effective_experts" (sums over the layers), "dead_layers" and
 * "gate_loss", too. Since 0.1.0. */
DMOE_API int32_t dmoe_model_evaluate(dmoe_model* model, const dmoe_dataset* dataset,
                                     const dmoe_options* options, dmoe_event_callback callback,
                                     void* user_data, dmoe_string** json, dmoe_error** error);

/* The same by an engine, on its threads: the figures are the model's own up to rounding, and inactive experts
 * cost no time. `options` may be NULL, which means the defaults. The callback must not use the engine.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_engine_evaluate(const dmoe_engine* engine, const dmoe_dataset* dataset,
                                      const dmoe_options* options, dmoe_event_callback callback,
                                      void* user_data, dmoe_string** json, dmoe_error** error);

/* Makes a smaller model without the experts that no image of `calibration` uses. For these images its results
 * are the model's own up to rounding. It can be used, saved, trained and compacted as any other. Experts stay
 * where others need their channels, as in the sum of a residual block. `settings_json` may be NULL or hold
 * {"min_utilisation": 0.01, "classes": [3, "cat"]}: `min_utilisation` (0..1; 0 when absent) removes experts,
 * too, that fewer than this share of the images use, which changes results; `classes` (numbers or names; all
 * when absent or empty) counts images of these classes only. `options` and `callback` are those of
 * dmoe_model_evaluate, which is done twice: for the model, then for the compacted one. `report` may be NULL;
 * it receives {"samples", "classes", "min_utilisation", "layers": [{"name", "experts", "inactive", "kept",
 * "silent", "reason", "utilisation"}], "before" and "after": {"experts", "parameters", "dense_macs",
 * "active_macs", "density", "accuracy", "top5_accuracy", "loss"}}: `reason` says why inactive experts were
 * kept, `silent` whether one of those kept stands for removed ones. Errors: INVALID_ARGUMENT for a dense
 * network, an unknown class, classes without images and settings out of range; NUMERIC for gates that are
 * NaN. Since 0.1.0. */
DMOE_API int32_t dmoe_model_compact(dmoe_model* model, const dmoe_dataset* calibration,
                                    const char* settings_json, const dmoe_options* options,
                                    dmoe_event_callback callback, void* user_data, dmoe_model** compacted,
                                    dmoe_string** report, dmoe_error** error);

/* ---- Published data sets ------------------------------------------------------------------------------- */

/* Makes sure that the folder `data_dir`, which is made where it is absent, holds the published data set
 * `dataset` ("cifar10" or "cifar100"), so that dmoe_dataset_open finds it. A data set that can be read is
 * left alone, and no connection made. Else the archive is downloaded from its publisher, its MD5 and SHA-256
 * are compared with the published ones, and it is unpacked; an archive that lies in `data_dir` under its own
 * name (cifar-10-python.tar.gz, cifar-100-python.tar.gz) is taken instead of a download, and stays. The
 * folder of the data set appears in one step, when everything in it is right and on the disk. Until then
 * there are <archive>.part, from whose end a later call goes on, and a temporary folder, which ends with the
 * call.
 *
 * `settings_json` may be NULL or hold {"url": "https://...", "sha256": "64 digits"}: `url` (http or https;
 * also through redirections) is where the archive is instead; `sha256` is that of the archive there, if it is
 * packed otherwise (tar, plain or with gzip, bzip2, xz or zstd), and takes the place of the published sums.
 * Proxies and exceptions from them come from the environment: http_proxy, https_proxy, all_proxy, no_proxy;
 * so does SSL_CERT_FILE, a file of certificate authorities.
 *
 * `callback` (FETCH events) may be NULL; when it returns non-zero, the call ends with that value and keeps
 * what was downloaded. `json` may be NULL; it receives {"dataset", "data_dir", "fetched", "train_size",
 * "test_size", "downloaded_bytes", "resumed_bytes"}: `fetched` is false when all was there; the bytes are
 * those of the archive from this call and from earlier ones.
 *
 * Any thread, and any number of them; of two calls for one data set and folder at the same time, of one
 * process or two, the second is answered with STATE. Errors, each of which says what to do: NOT_FOUND when
 * the server has no such file; IO for a network, proxy, server or certificate that fails, after 4 attempts
 * where another may help, and for a full disk; FORMAT for another checksum (what was downloaded is then
 * removed), or an archive that is damaged, does not hold the data set, holds links, devices or paths that
 * lead out of the folder, or exceeds 1 GiB; STATE when the data set's folder is there but cannot be read,
 * which is never removed; INVALID_ARGUMENT. Since 0.1.0. */
DMOE_API int32_t dmoe_fetch_dataset(const char* dataset, const char* data_dir, const char* settings_json,
                                    dmoe_event_callback callback, void* user_data, dmoe_string** json,
                                    dmoe_error** error);

/* ---- Reports ------------------------------------------------------------------------------------------- */

/* What the experts of a gated network do on a data set: figures of its gates, embedding and predictions. A
 * report is immutable: any number of threads may read one. It needs neither network nor data set any more. */

/* Runs every image of `dataset` through `engine` once, never augmenting. Memory does not grow with the number
 * of images: figures are counted, but for the embeddings of a scatter plot, which are a random sample.
 * `settings_json` may be NULL or hold
 * {"threshold": 0, "thresholds": [], "top": 5, "embeddings": 2000, "batch_size": 64, "num_workers": 0,
 * "weights": "", "compact_command": ""}:
 * - threshold: an expert counts as active when its gate is above it (0 or more).
 * - thresholds: for each, the network is run again with gates up to it taken as 0; gives accuracy against
 * MACs.
 * - top: the k of top-k accuracy; at most the number of classes.
 * - embeddings: the size of that sample.
 * - batch_size, num_workers: as the options of these names.
 * - weights: the safetensors file that the network came from. The report names it, takes the curves of the
 * training from a metrics.csv beside it, if that is a run's, and dmoe_report_compare reads the weights from
 * it.
 * - compact_command: the command line that the report gives for removing dead experts.
 * `callback` (VALIDATION events) may be NULL. The engine must stay alive during the call. Errors:
 * INVALID_ARGUMENT for a dense network, a data set without images or with more classes than the network, and
 * settings out of range; NOT_FOUND for an unknown setting; NUMERIC, naming the layer, for gates that are NaN
 * or infinite. Since 0.1.0. */
DMOE_API int32_t dmoe_report_create(const dmoe_engine* engine, const dmoe_dataset* dataset,
                                    const char* settings_json, dmoe_event_callback callback, void* user_data,
                                    dmoe_report** report, dmoe_error** error);
/* The same of a model as it is now, on the CPU, by an engine that is made of it; the model may be used and
 * trained again as soon as the first image runs. `settings_json` may hold two more:
 * - threads: how many the engine uses; otherwise as the model's option of this name.
 * - split: which half of the data set the images are, for the compact_command that is made from the model's
 * options where none is given ("test"). Since 0.1.0. */
DMOE_API int32_t dmoe_report_create_from_model(const dmoe_model* model, const dmoe_dataset* dataset,
                                               const char* settings_json, dmoe_event_callback callback,
                                               void* user_data, dmoe_report** report, dmoe_error** error);
/* The same of the model that a trainer trains, between two of its steps. The curves are those of the run in
 * the trainer's option `out`, unless "weights" are given. With option `ema`, dmoe_trainer_use_average chooses
 * which weights the model has. Since 0.1.0. */
DMOE_API int32_t dmoe_report_create_from_trainer(const dmoe_trainer* trainer, const dmoe_dataset* dataset,
                                                 const char* settings_json, dmoe_event_callback callback,
                                                 void* user_data, dmoe_report** report, dmoe_error** error);
/* A copy of `report` that also says how far its network is from that of `reference`, an earlier state of it
 * on the same images: changes of utilisation and of P(active | class) for each layer and, where both reports
 * were given their "weights", of each parameter. Errors: INVALID_ARGUMENT, saying what differs, for reports
 * of different gates, classes, images or thresholds; those of reading the weights. Since 0.1.0. */
DMOE_API int32_t dmoe_report_compare(const dmoe_report* report, const dmoe_report* reference,
                                     dmoe_report** compared, dmoe_error** error);
/* Since 0.1.0. */
DMOE_API void dmoe_report_release(dmoe_report* report);
/* All figures but the matrices as JSON: {"format": "deepmoe-report", "version": 1, "model", "data",
 * "weights", "samples", "threshold", "num_classes", "class_names", "notes", "metrics": {"accuracy", "top",
 * "top_accuracy", "expected_calibration_error", "reliability": [{"from", "to", "samples", "confidence",
 * "accuracy"}]}, "macs": {"dense", "gating" (of embedding network and heads, contained in "dense"), "mean",
 * "deviation", "lowest", "highest", "quantile_05", "median", "quantile_95", "bin_width", "bins"} (of one
 * image), "experts", "density", "dead_experts", "always_on_experts", "redundant_experts" (whose activity
 * correlates by 0.95 or more with that of an earlier expert of the layer), "layers": [{"name", "experts",
 * "density", "dead_experts", "always_on_experts", "entropy" (nats, of the sums of the gates),
 * "effective_experts" (its exp), "coefficient_of_variation", "gini" (both of the uses), "saved_macs" (of an
 * image: what would be done in addition if all of the layer's experts were active), "head_macs" (of its gate
 * head), "pays" (saved_macs > head_macs), "redundant_experts", "redundant_pairs", "most_redundant":
 * [{"first", "second", "correlation"}], "utilisation", "mean_gate", "information" (three arrays, a number for
 * each expert; the last is the mutual information with the class in bits, corrected by Miller and Madow)}],
 * "removal": {"dead", "removable" (dead experts that compaction can take out), "parameters_before",
 * "parameters_after", "dense_macs_before", "dense_macs_after"}, "compact_command", "classes": [{"name",
 * "samples", "predicted", "precision", "recall", "f1"}], "class_order" (numbers of the classes that have
 * images, those routed alike beside each other), "embedding": {"seen", "sampled", "variance", "share"} (of
 * its first two principal components), "thresholds": [{"threshold", "samples", "accuracy", "density",
 * "active_macs"}], "run": [a row of metrics.csv for each epoch], "drift": null or {"reference", "before",
 * "after", "layers": [{"name", "mean", "largest" (of the change of utilisation), "died", "revived",
 * "class_activation"}], "parameters": [{"name", "norm_before", "norm_after", "distance", "relative",
 * "cosine"}]}}. A figure that is not defined is null; "notes" says why in words. Members may be added; what
 * changes or goes away raises the version. Since 0.1.0. */
DMOE_API int32_t dmoe_report_json(const dmoe_report* report, dmoe_string** json, dmoe_error** error);
/* The name of a gate, `number` counting from 0 in the order of the network; NULL beyond the last one and for
 * NULL. Lives as long as the report. Since 0.1.0. */
DMOE_API const char* dmoe_report_layer(const dmoe_report* report, int64_t number);
/* A matrix by rows into `values`, which takes `capacity` numbers. `shape` (may be NULL) receives rows and
 * columns, also when the buffer is too small or NULL. `name` is one of
 * - "confusion": classes x classes, images by label (row) and prediction (column);
 * - "class_similarity": cosine of the experts' utilisation between classes, in the order "class_order";
 * - "embedding": a row for each embedding of the sample: its first two principal components and its class;
 * and, for the gate that `layer` names (else `layer` may be NULL),
 * - "utilisation": 1 x experts, share of the images that each is active for;
 * - "class_activation": classes x experts, the same among the images of each class (0 for a class without
 * any);
 * - "co_activation": experts x experts, share of the images that both are active for.
 * Errors: NOT_FOUND for an unknown name or layer; STATE for components that are not defined, as those of one
 * image. Since 0.1.0. */
DMOE_API int32_t dmoe_report_matrix(const dmoe_report* report, const char* name, const char* layer,
                                    double* values, int64_t capacity, int64_t* shape, dmoe_error** error);
/* Writes report.html (one file that needs nothing else), report.json and tables as CSV (RFC 4180): layers,
 * experts, redundancy, classes, confusion, class_activation, class_similarity, reliability, macs, embedding
 * and thresholds, and drift_layers and drift_parameters of a comparison. `folder` is made if need be; each
 * file replaces an older one only when complete. Since 0.1.0. */
DMOE_API int32_t dmoe_report_write(const dmoe_report* report, const char* folder, dmoe_error** error);

/* ---- Training ------------------------------------------------------------------------------------------ */

/* Processes that a launcher starts (torchrun, Open MPI's or MPICH's mpirun, srun) train one model together:
 * each calls the same functions with the same options, data sets and model, and takes its shard of every
 * batch, which then holds `batch_size` images a process. The first dmoe_trainer_create waits for the other
 * processes. Gradients are means over the processes (Li et al., PyTorch Distributed, VLDB 2020), so that 2
 * processes with batches of 32 train as one with batches of 64 does; batch norm takes its statistics from
 * each process's own images unless option `sync_batch_norm` is set, and process 0's running statistics are
 * those that count. Metrics and the validations of a run are of all processes; only process 0 writes to
 * `out`. Creating a trainer, beginning an epoch, steps, metrics, loading a state and runs are collective: a
 * process that does not take part, or is gone, ends the others' calls with IO within `distributed_timeout`
 * seconds, and one trainer at a time may make them. Process 0 is looked for at MASTER_ADDR:MASTER_PORT. Option
 * `distributed` off lets each process train by itself.
 *
 * Gives the number of this process, from 0, and of all of them: 0 and 1 where no launcher is seen, or with
 * `distributed` off. Any thread. Errors: INVALID_ARGUMENT for variables of a launcher that do not fit
 * together, naming them. Since 0.1.0. */
DMOE_API int32_t dmoe_process_place(const dmoe_options* options, int64_t* rank, int64_t* size,
                                    dmoe_error** error);

/* Optimizer, schedule and loss for one model, which the trainer keeps alive and which must not be used
 * elsewhere during the trainer's calls (such a use is answered with DMOE_ERROR_STATE). Options read: those of
 * the groups loss, optimizer, schedule, training, data and output. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_create(dmoe_model* model, const dmoe_options* options, dmoe_trainer** trainer,
                                     dmoe_error** error);
/* Since 0.1.0. */
DMOE_API void dmoe_trainer_release(dmoe_trainer* trainer);

/* For a loop of the host's own: tells the schedule where training is, `epoch` counting from 0. Without it the
 * learning rate stays at option `lr`. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_begin_epoch(dmoe_trainer* trainer, int64_t epoch, int64_t steps_per_epoch,
                                          dmoe_error** error);
/* One step on images (N, 3, H, W; float32 normalised, or uint8) and labels (N; int64 in 0..num_classes-1),
 * both read in place during the call. With gradient_accumulation k the weights change at every k-th call.
 * `loss` may be NULL; otherwise it receives the step's loss, which on CUDA waits for the device. A loss that
 * is not finite is DMOE_ERROR_NUMERIC, found in this call if `loss` is given, else in dmoe_trainer_metrics.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_step(dmoe_trainer* trainer, const struct DLManagedTensor* images,
                                   const struct DLManagedTensor* labels, double* loss, dmoe_error** error);
/* The same for plain arrays of batch x 3 x height x width normalised floats and `batch` labels.
 * Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_step_f32(dmoe_trainer* trainer, const float* images, const int64_t* labels,
                                       int64_t batch, int64_t height, int64_t width, double* loss,
                                       dmoe_error** error);
/* {"step", "epoch", "lr", "lambda_val", "loss", "accuracy", "samples"} as JSON: means since the last call,
 * which are then reset; lr and lambda_val are those of the next step. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_metrics(dmoe_trainer* trainer, dmoe_string** json, dmoe_error** error);
/* Where the trainer is, for a loop of the host's own that goes on after dmoe_trainer_load_state: `step`
 * receives the number of steps done in all, `epoch` the one that was begun last (-1: none), `step_in_epoch`
 * the steps done since. Each may be NULL. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_position(dmoe_trainer* trainer, int64_t* step, int64_t* epoch,
                                       int64_t* step_in_epoch, dmoe_error** error);
/* Writes a checkpoint: all that the trainer's future steps depend on (weights and buffers, optimizer,
 * position in the schedule, gradients accumulated so far, generators, the sums of dmoe_trainer_metrics) in
 * one safetensors file, which replaces an older one only when complete and flushed to the disk: whatever
 * happens, one of the two is there whole. The file can be given to dmoe_model_load and dmoe_engine_create as
 * well. Errors: NOT_FOUND for a folder that is missing, IO (a full disk) naming the file. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_save_state(dmoe_trainer* trainer, const char* path, dmoe_error** error);
/* Brings trainer and model to where those were that wrote the file. The trainer must have been made with the
 * same network and the same options. On the CPU the steps that follow then give the same weights, bit for
 * bit, as if there had been no interruption, as long as the host hands over the same batches; do not call
 * dmoe_trainer_begin_epoch for the epoch under way. A dmoe_trainer_fit that follows at once goes on with the
 * run whose checkpoint it was. Options that may differ: those that shape the network (which itself is
 * compared) or its first weights, those of the group output, `device`, `threads`, `channels_last` (equal then
 * but for rounding), `data_dir`, `num_workers`, `prefetch`, `print_every`, `patience`, and `epochs`, which
 * may be any number not below the epochs begun; the schedule is that of the new number from there on. On
 * failure the trainer is as before. Errors: NOT_FOUND, IO, FORMAT (no checkpoint, or damaged), UNSUPPORTED
 * (written by a newer version), INVALID_ARGUMENT (another network, or an option that differs, which is
 * named). Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_load_state(dmoe_trainer* trainer, const char* path, dmoe_error** error);
/* With option `ema`, for a loop of the host's own: gives the model the averaged weights (`averaged` not 0),
 * to be evaluated, saved or turned into an engine, or its own back (0). While it has the averaged ones,
 * steps, dmoe_trainer_fit and saving or loading the state are answered with STATE. When the trainer is
 * released the model keeps what it has. Weights that were handed out by dmoe_model_state before are no longer
 * the model's until it has its own back. Errors: INVALID_ARGUMENT without option `ema`. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_use_average(dmoe_trainer* trainer, int32_t averaged, dmoe_error** error);
/* A whole run: option `epochs` passes over `train`, validation after each (`validation` may be NULL). Where
 * option `out` names a folder it receives
 * - config.json, metrics.csv, metrics.jsonl, with option `tensorboard` a file for TensorBoard, and at the end
 *   summary.json
 * - best.safetensors and, at the end, last.safetensors: weights; with `keep_best` above 1 those of the best
 *   epochs also as best/epoch-0012.safetensors
 * - checkpoints/last.safetensors, a checkpoint as of dmoe_trainer_save_state from which the run can go on:
 *   written at the start, after every epoch, every `checkpoint_minutes` minutes within one, and when the
 *   callback ends the run; every `checkpoint_epochs` epochs another that is kept,
 *   checkpoints/epoch-0012.safetensors
 * - with option `report`, what the experts of the best weights do to the validation images, in the folder
 * report (see dmoe_report_write)
 *
 * Option `resume` names such a folder, or one of its checkpoints: dmoe_trainer_create then loads that state,
 * as dmoe_trainer_load_state does, and fit goes on with that run, in the middle of an epoch, too; give it the
 * same data sets, and the folder as `out`. On the CPU metrics (times aside) and weights are those of a run
 * that was never stopped, bit for bit, whatever `num_workers` is. A run that is complete is done at once;
 * with more `epochs` it is prolonged.
 *
 * With option `dry_run` one step of everything is done, nothing is left behind, the model's weights included,
 * and `summary` receives {"dry_run": true, "model", "device", "epochs", "steps_per_epoch", "files": [{"name",
 * "bytes"}], ...}.
 *
 * With option `ema` the averaged weights are what is validated and saved as weights, and what the model has
 * afterwards.
 *
 * `callback` may be NULL; when it returns non-zero, the step under way is finished, everything is saved, and
 * the value is returned. `summary` may be NULL; it receives {"accuracy", "best_epoch", "density", "layers",
 * "dense_macs", "active_macs", "seconds_per_epoch", "files", ...}. A file that cannot be written (a full
 * disk) is an IO error that names it, and what it held before is still there. Since 0.1.0. */
DMOE_API int32_t dmoe_trainer_fit(dmoe_trainer* trainer, const dmoe_dataset* train,
                                  const dmoe_dataset* validation, dmoe_event_callback callback,
                                  void* user_data, dmoe_string** summary, dmoe_error** error);

/* ---- The machine --------------------------------------------------------------------------------------- */

/* What the library found here, as JSON: versions, where LibTorch is, CPU features, threads, and whether CUDA
 * can be used and, if not, what is missing. Since 0.1.0. */
DMOE_API int32_t dmoe_diagnose(dmoe_string** json, dmoe_error** error);

#ifdef __cplusplus
}
#endif

#endif /* DEEPMOE_H */
