//! Nothing is left behind, whichever thread lets go of it, and nothing is copied.

mod common;

use std::process::Command;

use common::{Cases, alone, folder, network, shared};
use deepmoe::{Engine, Images, Layout};

#[cfg(not(feature = "runtime"))]
fn resident_bytes() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[cfg(not(feature = "runtime"))]
#[test]
fn a_thousand_lives_leave_nothing() {
    use deepmoe::{Code, Dataset, Model, Options, Trainer};
    use std::ops::ControlFlow;

    let _alone = alone();
    let cases = Cases::read();
    let mut size = None;
    {
        let options = Options::from_json(&cases.values["training"]["options"].to_string()).unwrap();
        let (floats, labels) = (&cases.floats[..2 * 3 * cases.side * cases.side], &cases.labels[..2]);
        let images = Images::floats(floats, 2, cases.side, cases.side).unwrap();
        for life in 0..1000 {
            let mut trainer = Trainer::new(Model::load(network(), Some(&options)).unwrap(), &options).unwrap();
            trainer.step_without_loss(&images, labels).unwrap();
            trainer.model().compile(None).unwrap().run(&images).unwrap();
            let set = Dataset::from_floats(floats.to_vec(), labels, cases.side, cases.side, cases.classes).unwrap();
            let mut events = 0;
            let error = trainer.fit(
                &set,
                None,
                Some(&mut |_| {
                    events += 1;
                    if events < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(99) }
                }),
            );
            let error = error.unwrap_err();
            assert_eq!(error.code(), Code::Callback(99));
            if life == 200 {
                size = resident_bytes();
            }
        }
    }
    assert_eq!(deepmoe::live_objects(0), 0);
    if let (Some(before), Some(after)) = (size, resident_bytes()) {
        assert!(after.saturating_sub(before) < 32 << 20, "{} MiB more", after.saturating_sub(before) >> 20);
    }
}

#[test]
fn other_threads_release() {
    let _alone = alone();
    let engines: Vec<Engine> = (0..8).map(|_| Engine::open(network(), None).unwrap()).collect();
    let threads: Vec<_> = engines.into_iter().map(|engine| std::thread::spawn(move || drop(engine))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(deepmoe::live_objects(0), 0);
}

/// Where every array is, in a child that writes which addresses the library was given.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "a library that is preloaded needs Linux")]
fn nothing_is_copied() {
    let folder = folder("addresses");
    let (recorder, record) = (folder.join("recorder.so"), folder.join("record"));
    let source = shared().join("record_addresses.c");
    let capi = shared().join("../../capi");
    let built = Command::new("cc")
        .arg("-shared")
        .arg("-fPIC")
        .arg("-I")
        .arg(capi)
        .arg(source)
        .arg("-o")
        .arg(&recorder)
        .status();
    assert!(built.unwrap().success());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_is_recorded", "--ignored", "--nocapture"])
        .env("LD_PRELOAD", &recorder)
        .env("DEEPMOE_RECORD", &record)
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{output}");
    let expected: Vec<&str> =
        output.lines().filter_map(|line| line.split_once("expect ")).map(|(_, call)| call).collect();
    let recorded = std::fs::read_to_string(record).unwrap();
    assert!(expected.len() >= 2);
    assert_eq!(expected, recorded.lines().collect::<Vec<_>>());
}

#[test]
#[ignore = "run by nothing_is_copied"]
fn child_that_is_recorded() {
    fn expect<I, R>(function: &str, images: &[I], results: *const R) {
        println!("expect {function} {} {}", images.as_ptr() as usize, results as usize);
    }
    let cases = Cases::read();
    let engine = Engine::open(network(), None).unwrap();
    let mut logits = vec![0.0; cases.batch * cases.classes];
    let bytes = Images::bytes(&cases.bytes, cases.batch, cases.side, cases.side, Layout::Nhwc).unwrap();
    engine.run_into(&cases.images(), &mut logits).unwrap();
    expect("dmoe_engine_run", &cases.floats, logits.as_ptr());
    engine.run_into(&bytes, &mut logits).unwrap();
    expect("dmoe_engine_run_u8", &cases.bytes, logits.as_ptr());
    let result = engine.run(&cases.images()).unwrap();
    expect("dmoe_engine_run", &cases.floats, std::ptr::null::<f32>()); // Asks for the size, once.
    expect("dmoe_engine_run", &cases.floats, result.as_ptr());
    #[cfg(not(feature = "runtime"))]
    {
        use deepmoe::{Dataset, Model, Options, Trainer};
        let options = Options::from_json(&cases.values["training"]["options"].to_string()).unwrap();
        let mut trainer = Trainer::new(Model::load(network(), Some(&options)).unwrap(), &options).unwrap();
        trainer.step(&cases.images(), &cases.labels).unwrap();
        expect("dmoe_trainer_step_f32", &cases.floats, cases.labels.as_ptr());
        let bytes = Images::bytes(&cases.bytes, cases.batch, cases.side, cases.side, Layout::Nchw).unwrap();
        trainer.step(&bytes, &cases.labels).unwrap();
        expect("dmoe_trainer_step", &cases.bytes, cases.labels.as_ptr());
        trainer.model().logits_into(&cases.images(), &mut logits).unwrap();
        expect("dmoe_model_forward_f32", &cases.floats, logits.as_ptr());
        trainer.model().forward(&bytes).unwrap();
        expect("dmoe_model_forward", &cases.bytes, std::ptr::null::<f32>());
        let images: std::sync::Arc<[f32]> = cases.floats.clone().into();
        let set = Dataset::from_floats(images.clone(), &cases.labels, cases.side, cases.side, cases.classes).unwrap();
        expect("dmoe_dataset_create_f32", &images, std::ptr::null::<f32>());
        drop(set);
    }
}
