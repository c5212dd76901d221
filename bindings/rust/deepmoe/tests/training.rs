//! What the training library adds: data sets, models, trainers and their callbacks.
#![cfg(not(feature = "runtime"))]

mod common;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{Cases, folder, network};
use deepmoe::{Code, Dataset, EventKind, Images, Layout, Loader, Model, Options, Position, Report, Tensors, Trainer};
use serde_json::Value;

fn options(cases: &Cases) -> Options {
    Options::from_json(&cases.values["training"]["options"].to_string()).unwrap()
}

fn model(cases: &Cases) -> Model {
    Model::load(network(), Some(&options(cases))).unwrap()
}

fn dataset(cases: &Cases) -> Dataset {
    Dataset::from_floats(cases.floats.clone(), &cases.labels, cases.side, cases.side, cases.classes).unwrap()
}

#[test]
fn training_follows_the_cases() {
    let cases = Cases::read();
    let expected = &cases.values["training"];
    let mut trainer = Trainer::new(model(&cases), &options(&cases)).unwrap();
    for loss in expected["losses"].as_array().unwrap() {
        let value = trainer.step(&cases.images(), &cases.labels).unwrap();
        cases.expect_close(&[value as f32], loss);
    }
    let metrics: Value = serde_json::from_str(&trainer.metrics().unwrap()).unwrap();
    assert_eq!(metrics["step"], expected["losses"].as_array().unwrap().len());
    cases.expect_close(&trainer.model().logits(&cases.images()).unwrap(), &expected["logits"]);
    let model = trainer.into_model();
    let figures: Value =
        serde_json::from_str(&model.evaluate(&dataset(&cases), Some(&options(&cases)), None).unwrap()).unwrap();
    for (name, value) in expected["evaluation"].as_object().unwrap() {
        cases.expect_close(&[figures[name].as_f64().unwrap() as f32], value);
    }
}

#[test]
fn a_loop_of_the_programs_own() {
    let cases = Cases::read();
    let mut model = model(&cases);
    let mut trainer = Trainer::new(&mut model, &options(&cases)).unwrap();
    trainer.begin_epoch(0, 3).unwrap();
    let bytes = Images::bytes(&cases.bytes, cases.batch, cases.side, cases.side, Layout::Nchw).unwrap();
    assert!(trainer.step(&bytes, &cases.labels).unwrap().is_finite());
    trainer.step_without_loss(&cases.images(), &cases.labels).unwrap();
    assert_eq!(trainer.step(&cases.images(), &[0]).unwrap_err().code(), Code::InvalidArgument);
    let nhwc = Images::bytes(&cases.bytes, cases.batch, cases.side, cases.side, Layout::Nhwc).unwrap();
    assert_eq!(trainer.step(&nhwc, &cases.labels).unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(trainer.load_weights(&Tensors::new().unwrap()).unwrap_err().code(), Code::Format);
    drop(trainer);
    model.logits(&cases.images()).unwrap();
}

#[test]
fn a_loop_goes_on_where_it_was_saved() {
    let cases = Cases::read();
    let path = folder("a_loop_goes_on").join("state.safetensors");
    let mut first = Trainer::new(model(&cases), &options(&cases)).unwrap();
    first.step(&cases.images(), &cases.labels).unwrap();
    first.save_state(&path).unwrap();
    let expected = first.step(&cases.images(), &cases.labels).unwrap();
    assert_eq!(first.position().unwrap(), Position { step: 2, epoch: -1, step_in_epoch: 2 });
    let mut second = Trainer::new(model(&cases), &options(&cases)).unwrap();
    second.load_state(&path).unwrap();
    assert_eq!(second.position().unwrap().step, 1);
    assert_eq!(second.step(&cases.images(), &cases.labels).unwrap(), expected);
    assert_eq!(second.load_state(path.join("absent")).unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_loop_evaluates_the_averaged_weights() {
    let cases = Cases::read();
    let mut options = options(&cases);
    assert_eq!(
        Trainer::new(model(&cases), &options).unwrap().use_average(true).unwrap_err().code(),
        Code::InvalidArgument
    );
    options.set("ema", "0.5").unwrap();
    let mut trainer = Trainer::new(model(&cases), &options).unwrap();
    trainer.step(&cases.images(), &cases.labels).unwrap();
    let own = trainer.model().logits(&cases.images()).unwrap();
    trainer.use_average(true).unwrap();
    assert_ne!(trainer.model().logits(&cases.images()).unwrap(), own);
    assert_eq!(trainer.step(&cases.images(), &cases.labels).unwrap_err().code(), Code::State);
    trainer.use_average(false).unwrap();
    assert_eq!(trainer.model().logits(&cases.images()).unwrap(), own);
}

#[test]
fn forward_gives_gates_and_the_state_is_shared() {
    let cases = Cases::read();
    let model = model(&cases);
    let outputs = model.forward(&cases.images()).unwrap();
    cases.expect_close(outputs.get("logits").unwrap().values().unwrap(), &cases.values["engine"]["logits"]);
    let gates: Vec<&str> = outputs.names().filter(|name| name.starts_with("gate.")).collect();
    assert!(!gates.is_empty() && outputs.shape(gates[0]).unwrap()[0] == cases.batch as i64);
    let (first, second) = (model.state().unwrap(), model.state().unwrap());
    let address = |state: &Tensors| state.get("embedding_classifier.bias").unwrap().values::<f32>().unwrap().as_ptr();
    assert_eq!(address(&first), address(&second));
    let mut logits = vec![0.0; cases.batch * cases.classes];
    assert_eq!(model.logits_into(&cases.images(), &mut logits).unwrap(), logits.len());
    cases.expect_close(&logits, &cases.values["engine"]["logits"]);
}

#[test]
fn a_state_goes_from_model_to_model() {
    let cases = Cases::read();
    let mut trainer = Trainer::new(model(&cases), &options(&cases)).unwrap();
    trainer.step(&cases.images(), &cases.labels).unwrap();
    trainer.load_weights(&model(&cases).state().unwrap()).unwrap();
    cases.expect_close(&trainer.model().logits(&cases.images()).unwrap(), &cases.values["engine"]["logits"]);
}

#[test]
fn models_are_made_saved_compiled_folded_exported_and_compacted() {
    let (cases, folder) = (Cases::read(), folder("models"));
    let (model, dataset, expected) = (model(&cases), dataset(&cases), &cases.values["engine"]["logits"]);
    model.save(folder.join("a.safetensors")).unwrap();
    let engine = deepmoe::Engine::open(folder.join("a.safetensors"), None).unwrap();
    cases.expect_close(&engine.run(&cases.images()).unwrap(), expected);
    let engine = model.compile(Some(r#"{"threads": 1}"#)).unwrap();
    cases.expect_close(&engine.run(&cases.images()).unwrap(), expected);
    let figures: Value = serde_json::from_str(&engine.evaluate(&dataset, None, None).unwrap()).unwrap();
    assert_eq!(figures["samples"], cases.batch);
    assert!(model.fold().unwrap().describe().unwrap().contains("num_classes"));
    assert!(model.architecture_describe().unwrap().contains("totals"));
    assert!(model.architecture_text().unwrap().contains("conv"));
    model.export_onnx(folder.join("a.onnx"), Some(r#"{"gates": false}"#)).unwrap();
    assert!(std::fs::metadata(folder.join("a.onnx")).unwrap().len() > 1000);
    let (smaller, report) = model.compact(&dataset, Some(r#"{"min_utilisation": 0}"#), None, None).unwrap();
    cases.expect_close(&smaller.logits(&cases.images()).unwrap(), expected);
    assert!(report.contains("\"after\""));
    let error = model.compact(&dataset, Some(r#"{"classes": ["none"]}"#), None, None).err().unwrap();
    assert!(error.code() == Code::InvalidArgument && error.message().contains("none"));
    let small = Options::of(&[("model", "resnet18_moe"), ("width", "0.0625"), ("device", "cpu")]).unwrap();
    assert!(Model::new(&small, Some(&dataset)).unwrap().describe().unwrap().contains("\"num_classes\":3"));
}

#[test]
fn failures_name_the_file() {
    let cases = Cases::read();
    let not_found = |error: Option<deepmoe::Error>| {
        let error = error.unwrap();
        assert!(error.code() == Code::NotFound && error.message().contains("none"), "{error}");
    };
    not_found(model(&cases).read_image("none").err());
    not_found(Model::load("none", None).err());
    not_found(deepmoe::convert_pytorch("none", folder("convert").join("out"), None, None).err());
    not_found(Dataset::open(&Options::of(&[("dataset", "folder"), ("data_dir", "none")]).unwrap(), "train").err());
    let error = deepmoe::fetch_dataset("imagenet", folder("fetch"), None, None).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[test]
fn images_are_read() {
    // The smallest PNG: one white pixel.
    let png = [
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 58, 126,
        155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 248, 15, 0, 1, 1, 1, 0, 177, 56, 246, 20, 0, 0, 0, 0, 73,
        69, 78, 68, 174, 66, 96, 130,
    ];
    let file = folder("image").join("white.png");
    std::fs::write(&file, png).unwrap();
    let image = model(&Cases::read()).read_image(&file).unwrap();
    assert_eq!(image.get("input").unwrap().shape(), [1, 3, 32, 32]);
}

#[test]
fn data_sets_lend_and_give_back() {
    let cases = Cases::read();
    let set = dataset(&cases);
    assert_eq!((set.len(), set.num_classes(), set.is_empty()), (cases.batch, cases.classes, false));
    assert!(set.describe().unwrap().contains("\"size\":4"));
    let shape = [3, cases.side, cases.side];
    let images: std::sync::Arc<[u8]> = cases.bytes.clone().into();
    let set = Dataset::from_bytes(images.clone(), &cases.labels, shape, Layout::Nhwc, cases.classes).unwrap();
    assert_eq!(std::sync::Arc::strong_count(&images), 2);
    drop(set);
    assert_eq!(std::sync::Arc::strong_count(&images), 1);
    let refused = Dataset::from_bytes(images.clone(), &cases.labels, shape, Layout::Nhwc, 1);
    assert_eq!(refused.err().unwrap().code(), Code::InvalidArgument);
    let refused = Dataset::from_bytes(images.clone(), &cases.labels[1..], shape, Layout::Nhwc, 3);
    assert!(refused.err().unwrap().message().contains("images"));
    assert_eq!(std::sync::Arc::strong_count(&images), 1);
    assert!(!Dataset::open(&Options::of(&[("dataset", "synthetic")]).unwrap(), "test").unwrap().is_empty());
}

#[test]
fn batches_come_in_order_or_shuffled() {
    let cases = Cases::read();
    let (set, options) = (dataset(&cases), options(&cases));
    let mut loader = Loader::new(&set, &options, None).unwrap();
    drop(set); // The loader keeps it.
    assert_eq!((loader.num_batches(), loader.image_size()), (2, cases.side));
    let (mut engine_logits, mut labels) = (Vec::new(), Vec::new());
    let engine = model(&cases).compile(None).unwrap();
    while let Some(batch) = loader.next_batch().unwrap() {
        engine_logits.extend(engine.run(&batch.images).unwrap());
        labels.extend_from_slice(batch.labels);
    }
    cases.expect_close(&engine_logits, &cases.values["engine"]["logits"]);
    assert_eq!(labels, cases.labels);
    assert!(loader.next_batch().unwrap().is_none());
    let mut trainer = Trainer::new(model(&cases), &options).unwrap();
    let mut shuffled = Loader::new(&dataset(&cases), &options, Some(3)).unwrap();
    let mut labels = Vec::new();
    while let Some(batch) = shuffled.next_batch().unwrap() {
        trainer.step(&batch.images, batch.labels).unwrap();
        labels.extend_from_slice(batch.labels);
    }
    let mut rest = Loader::from_batch(&dataset(&cases), &options, Some(3), 1).unwrap();
    let batch = rest.next_batch().unwrap().unwrap();
    assert_eq!(batch.labels, &labels[labels.len() - batch.labels.len()..]);
    assert!(rest.next_batch().unwrap().is_none());
    labels.sort();
    let mut expected = cases.labels.clone();
    expected.sort();
    assert_eq!(labels, expected);
}

#[test]
fn fit_tells_its_events() {
    let cases = Cases::read();
    let mut options = options(&cases);
    options.set("epochs", 2).unwrap();
    let (mut epochs, set) = (Vec::new(), dataset(&cases));
    let mut trainer = Trainer::new(model(&cases), &options).unwrap();
    let summary = trainer.fit(
        &set,
        Some(&set),
        Some(&mut |event| {
            let data: Value = serde_json::from_str(event.json).unwrap();
            if event.kind == EventKind::Epoch {
                epochs.push(data["epoch"].clone());
            }
            ControlFlow::Continue(())
        }),
    );
    let summary: Value = serde_json::from_str(&summary.unwrap()).unwrap();
    assert_eq!(epochs, [1, 2]);
    assert!(summary["accuracy"].is_number());
}

#[test]
fn a_panic_of_a_callback_goes_on_in_the_call() {
    let cases = Cases::read();
    let set = dataset(&cases);
    let model = model(&cases);
    let mut trainer = Trainer::new(self::model(&cases), &options(&cases)).unwrap();
    let engine = model.compile(None).unwrap();
    type Call<'a> = &'a mut dyn FnMut(deepmoe::Callback<'_>) -> deepmoe::Result<String>;
    let calls: [Call<'_>; 4] = [
        &mut |callback| trainer.fit(&set, None, callback),
        &mut |callback| model.evaluate(&set, None, callback),
        &mut |callback| engine.evaluate(&set, None, callback),
        &mut |callback| model.compact(&set, None, None, callback).map(|(_, report)| report),
    ];
    for call in calls {
        let caught =
            catch_unwind(AssertUnwindSafe(|| call(Some(&mut |_| std::panic::panic_any("of the callback"))).map(drop)));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"of the callback"));
    }
    trainer.fit(&set, None, None).unwrap(); // It can be used as before.
}

#[test]
fn a_callback_ends_a_call() {
    let cases = Cases::read();
    let set = dataset(&cases);
    let mut trainer = Trainer::new(model(&cases), &options(&cases)).unwrap();
    let error = trainer.fit(&set, None, Some(&mut |_| ControlFlow::Break(1234))).unwrap_err();
    assert_eq!((error.code(), error.code().status(), error.code().name()), (Code::Callback(1234), 1234, "callback"));
    let error = trainer.model().evaluate(&set, None, Some(&mut |_| ControlFlow::Break(0))).unwrap_err();
    assert_eq!(error.code(), Code::Cancelled);
}

#[test]
fn a_trainer_may_go_to_another_thread() {
    let cases = Cases::read();
    let mut trainer = Trainer::new(model(&cases), &options(&cases)).unwrap();
    let set = dataset(&cases);
    let trainer = std::thread::scope(|scope| {
        scope.spawn(|| trainer.fit(&set, Some(&set), None).map(|_| trainer)).join().unwrap().unwrap()
    });
    trainer.model().logits(&cases.images()).unwrap();
}

#[test]
fn a_receiver_of_the_log_hears_of_a_run_and_may_panic() {
    use std::sync::{Arc, Mutex};

    let (cases, heard) = (Cases::read(), Arc::new(Mutex::new(Vec::new())));
    let sink = heard.clone();
    deepmoe::set_log_callback(move |level: deepmoe::LogLevel, message: &str| {
        sink.lock().unwrap().push((level, message.to_owned()));
        panic!("of the receiver");
    })
    .unwrap();
    let (set, mut options) = (dataset(&cases), options(&cases));
    options.set("epochs", 2).unwrap();
    Trainer::new(model(&cases), &options).unwrap().fit(&set, Some(&set), None).unwrap();
    deepmoe::reset_log_callback().unwrap();
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    assert!(heard.iter().any(|(level, message)| *level == deepmoe::LogLevel::Warning && message.contains("dead")));
}

#[test]
fn threads_may_have_what_the_header_says() {
    fn moved<T: Send>() {}
    fn shared<T: Sync>() {}
    moved::<(Dataset, Loader, Model, Trainer)>();
    shared::<Dataset>();
}

#[test]
fn the_machine_is_described() {
    assert!(deepmoe::diagnose().unwrap().contains("{"));
}

#[cfg(feature = "ndarray")]
#[test]
fn arrays_become_data_sets() {
    let cases = Cases::read();
    let shape = (cases.batch, 3, cases.side, cases.side);
    let array = ndarray::Array4::from_shape_vec(shape, cases.floats.clone()).unwrap();
    let logits = model(&cases).logits_array(array.view()).unwrap();
    cases.expect_close(logits.as_slice().unwrap(), &cases.values["engine"]["logits"]);
    let set = Dataset::from_array(array.clone(), &cases.labels, cases.classes).unwrap();
    assert_eq!(set.len(), cases.batch);
    assert!(Dataset::from_array(array.reversed_axes(), &cases.labels, cases.classes).is_err());
}

#[test]
fn a_report_tells_what_the_experts_do() {
    let cases = Cases::read();
    let (model, dataset) = (model(&cases), dataset(&cases));
    let engine = model.compile(Some(r#"{"threads": 1}"#)).unwrap();
    let mut seen = 0;
    let mut count = |_: deepmoe::Event<'_>| {
        seen += 1;
        ControlFlow::Continue(())
    };
    let report = Report::of_engine(&engine, &dataset, Some(r#"{"thresholds": [0.5]}"#), Some(&mut count)).unwrap();
    assert!(seen > 0);
    let figures: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(figures["samples"], cases.batch);
    let layer = &figures["layers"][0];
    assert_eq!(report.layers().len(), figures["layers"].as_array().unwrap().len());
    let utilisation = report.matrix("utilisation", layer["name"].as_str()).unwrap();
    assert_eq!((utilisation.rows, utilisation.columns as u64), (1, layer["experts"].as_u64().unwrap()));
    assert_eq!(report.matrix("confusion", None).unwrap().values.iter().sum::<f64>(), cases.batch as f64);
    assert_eq!(report.matrix("nothing", None).unwrap_err().code(), Code::NotFound);
    let path = folder("a_report").join("report");
    report.write(&path).unwrap();
    assert!(std::fs::read_to_string(path.join("report.html")).unwrap().starts_with("<!DOCTYPE html>"));

    let mut trainer = Trainer::new(model, &options(&cases)).unwrap();
    let before = Report::of_trainer(&trainer, &dataset, None, None).unwrap();
    trainer.step(&cases.images(), &cases.labels).unwrap();
    let after = Report::of_model(trainer.model(), &dataset, None, None).unwrap();
    let compared: Value = serde_json::from_str(&after.compared_with(&before).unwrap().json().unwrap()).unwrap();
    assert!(compared["drift"]["layers"].is_array());
}
