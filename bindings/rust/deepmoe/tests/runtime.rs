//! What both libraries have.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Cases, folder, network};
use deepmoe::{Code, Engine, Images, Layout, LogLevel, Options, Tensors};
use serde_json::Value;

#[test]
fn the_library_is_the_one_this_was_made_for() {
    assert_eq!(deepmoe::abi_version(), deepmoe::sys::DMOE_ABI_VERSION);
    assert_eq!(deepmoe::version().split('.').count(), 3);
    assert_eq!(deepmoe::live_objects(1234), -1);
}

#[test]
fn refusals_have_code_name_and_words() {
    for refusal in Cases::read().values["refusals"].as_array().unwrap() {
        let text = |name: &str| refusal[name].as_str().unwrap();
        let error = Options::new().unwrap().set(text("option"), text("value")).err().unwrap();
        assert_eq!(i64::from(error.code().status()), refusal["code"].as_i64().unwrap());
        assert_eq!(error.code().to_string(), text("status"));
        assert!(error.message().contains(text("words")), "{error}");
    }
}

#[test]
fn options_are_set_copied_and_read() {
    let mut options = Options::from_json(r#"{"epochs": 3}"#).unwrap();
    let mut copy = options.try_clone().unwrap();
    copy.set("epochs", 4).unwrap();
    assert_eq!((options.get("epochs").unwrap(), copy.get("epochs").unwrap()), ("3".into(), "4".into()));
    let json: Value = serde_json::from_str(&options.to_json().unwrap()).unwrap();
    assert_eq!(json["epochs"], 3);
    options.read_environment().unwrap();
    assert_eq!(options.load_file("/nowhere").err().unwrap().code(), Code::NotFound);
    assert_eq!(options.set("epochs", "1\0").err().unwrap().code(), Code::InvalidArgument);
    assert!(deepmoe::options_schema().unwrap().contains("\"epochs\""));
}

#[test]
fn a_configuration_file_is_read() {
    let file = folder("options").join("config.json");
    std::fs::write(&file, r#"{"epochs": 7}"#).unwrap();
    let mut options = Options::new().unwrap();
    assert_eq!(options.load_file(&file).unwrap().get("epochs").unwrap(), "7");
}

#[test]
fn architectures_cost_what_the_case_says() {
    let cases = Cases::read();
    let case = &cases.values["architecture"];
    let options = Options::from_json(&case["options"].to_string()).unwrap();
    let description: Value = serde_json::from_str(&options.architecture_describe().unwrap()).unwrap();
    let totals = &description["totals"]["all"];
    assert_eq!((&totals["parameters"], &totals["dense_macs"]), (&case["parameters"], &case["dense_macs"]));
    assert!(options.architecture_json().unwrap().contains("nodes"));
    assert!(options.architecture_text().unwrap().contains("conv"));
    assert!(deepmoe::architecture_names().unwrap().contains("resnet18_moe"));
}

/// Elements whose owner counts its end.
struct Owner(Vec<f32>, Arc<AtomicUsize>);
impl AsRef<[f32]> for Owner {
    fn as_ref(&self) -> &[f32] {
        &self.0
    }
}
impl Drop for Owner {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn tensors_are_lent_both_ways_saved_and_mapped() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let owner = Owner(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], dropped.clone());
    let address = owner.0.as_ptr();
    let mut tensors = Tensors::new().unwrap();
    tensors.add::<f32, _>("a", owner, &[2, 3]).unwrap();
    assert_eq!(tensors.get("a").unwrap().values::<f32>().unwrap().as_ptr(), address);
    tensors.add_copy("scalar", &[5.0], &[]).unwrap();
    tensors.add("labels", vec![1i64, 2], &[2]).unwrap();
    let twice = tensors.add::<f32, _>("a", Owner(vec![1.0], dropped.clone()), &[1]);
    assert_eq!(twice.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    let misfit = tensors.add::<f32, _>("b", Owner(vec![1.0], dropped.clone()), &[2]);
    assert_eq!(misfit.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    assert_eq!(tensors.add_copy("b", &[1.0], &[-1]).unwrap_err().code(), Code::InvalidArgument);

    let file = folder("tensors").join("x.safetensors");
    tensors.save(&file, Some(r#"{"note": "of a test"}"#)).unwrap();
    drop(tensors);
    assert_eq!(dropped.load(Ordering::SeqCst), 3);
    let loaded = Tensors::load(&file).unwrap();
    assert_eq!(loaded.len(), 3);
    assert!(loaded.names().any(|name| name == "labels") && loaded.metadata().unwrap().contains("of a test"));
    assert_eq!(loaded.read("a").unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!((loaded.read("scalar").unwrap(), loaded.shape("scalar").unwrap()), (vec![5.0], vec![]));
    assert_eq!(loaded.get("labels").unwrap().values::<i64>().unwrap(), [1, 2]);
    let labels = loaded.get("labels").unwrap();
    assert_eq!(labels.values::<f32>().unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(loaded.read_into("a", &mut [0.0; 2]).unwrap_err().code(), Code::InvalidArgument);
    let error = loaded.get("scalars").err().unwrap();
    assert!(error.code() == Code::NotFound && error.message().contains("scalar"));
    assert_eq!(Tensors::load("/nowhere").err().unwrap().code(), Code::NotFound);
}

#[test]
fn the_engine_computes_the_cases() {
    let cases = Cases::read();
    let expected = &cases.values["engine"];
    let engine = Engine::open(network(), None).unwrap();
    cases.expect_close(&engine.run(&cases.images()).unwrap(), &expected["logits"]);
    let mut logits = vec![0.0; cases.batch * cases.classes];
    let macs = engine.run_into(&cases.images(), &mut logits).unwrap();
    cases.expect_close(&logits, &expected["logits"]);
    assert_eq!(macs, expected["active_macs"]);
    let bytes = Images::bytes(&cases.bytes, cases.batch, cases.side, cases.side, Layout::Nhwc).unwrap();
    let macs = engine.run_into(&bytes, &mut logits).unwrap();
    cases.expect_close(&logits, &expected["bytes_nhwc"]["logits"]);
    assert_eq!(macs, expected["bytes_nhwc"]["active_macs"]);

    let outputs = engine.run_outputs(&cases.images(), None).unwrap();
    cases.expect_close(&outputs.logits, &expected["logits"]);
    cases.expect_close(&outputs.embedding, &expected["embedding"]);
    cases.expect_close(&outputs.embedding_logits, &expected["embedding_logits"]);
    cases.expect_close(&outputs.gates, &expected["gates"]);
    let given: Vec<f32> =
        expected["given_gates"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
    let outputs = engine.run_outputs(&cases.images(), Some(&given)).unwrap();
    cases.expect_close(&outputs.logits, &expected["logits_with_given_gates"]);
    assert!(engine.describe().unwrap().contains("\"num_classes\""));
}

#[test]
fn the_engine_refuses_what_does_not_fit() {
    let cases = Cases::read();
    let engine = Engine::open(network(), None).unwrap();
    let invalid = |error: deepmoe::Error| assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    invalid(Images::floats(&cases.floats[1..], cases.batch, cases.side, cases.side).unwrap_err());
    invalid(Images::floats(&[], usize::MAX, usize::MAX, 2).unwrap_err());
    invalid(engine.run(&Images::floats(&[0.0; 3 * 17 * 16], 1, 17, 16).unwrap()).unwrap_err());
    invalid(engine.run_into(&cases.images(), &mut [0.0; 2]).unwrap_err());
    invalid(engine.run_outputs(&cases.images(), Some(&[1.0])).unwrap_err());
    let bytes = Images::bytes(&cases.bytes, cases.batch, cases.side, cases.side, Layout::Nchw).unwrap();
    invalid(engine.run_outputs(&bytes, None).unwrap_err());
    let error = Engine::open(network(), Some(r#"{"thread": 1}"#)).err().unwrap();
    assert!(error.code() == Code::NotFound && error.message().contains("threads"));
    assert_eq!(Engine::open("/nowhere", None).err().unwrap().code(), Code::NotFound);
}

#[test]
fn one_engine_runs_in_many_threads() {
    let (cases, engine) = (Cases::read(), Engine::open(network(), None).unwrap());
    let expected = engine.run(&cases.images()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(engine.run(&cases.images()).unwrap(), expected));
        }
    });
}

#[test]
fn threads_may_have_what_the_header_says() {
    fn moved<T: Send>() {}
    fn shared<T: Sync>() {}
    moved::<Options>();
    moved::<(Tensors, Engine)>();
    shared::<(Tensors, Engine)>();
}

#[test]
fn the_log_has_one_receiver() {
    let _alone = common::alone();
    deepmoe::set_log_callback(|_: LogLevel, _: &str| panic!("of the receiver")).unwrap();
    deepmoe::set_log_callback(|_: LogLevel, _: &str| ()).unwrap();
    deepmoe::reset_log_callback().unwrap();
}

#[cfg(feature = "ndarray")]
#[test]
fn arrays_share_their_memory() {
    let cases = Cases::read();
    let engine = Engine::open(network(), None).unwrap();
    let shape = (cases.batch, 3, cases.side, cases.side);
    let array = ndarray::Array4::from_shape_vec(shape, cases.floats.clone()).unwrap();
    let logits = engine.run_array(array.view()).unwrap();
    cases.expect_close(logits.as_slice().unwrap(), &cases.values["engine"]["logits"]);
    let shape = (cases.batch, cases.side, cases.side, 3);
    let bytes = ndarray::Array4::from_shape_vec(shape, cases.bytes.clone()).unwrap();
    let logits = engine.run_array(bytes.view()).unwrap();
    cases.expect_close(logits.as_slice().unwrap(), &cases.values["engine"]["bytes_nhwc"]["logits"]);
    let strided = array.slice(ndarray::s![.., .., ..;2, ..]);
    assert!(engine.run_array(strided).unwrap_err().message().contains("contiguous"));
    let mut tensors = Tensors::new().unwrap();
    tensors.add("a", vec![1.0f32, 2.0], &[1, 2]).unwrap();
    assert_eq!(tensors.get("a").unwrap().array::<f32>().unwrap().shape(), [1, 2]);
}
