//! The examples do what they say, in less than 40 lines.

mod common;

use std::process::Command;

use common::{Cases, folder, network};

/// Runs an example, which cargo built beside the tests; what it prints.
fn run(name: &str, arguments: &[&std::path::Path]) -> String {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples").join(name);
    let output = Command::new(example).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(not(feature = "runtime"))]
#[test]
fn the_example_trains_and_saves() {
    let weights = folder("train").join("network.safetensors");
    let output = run("train", &[&weights]);
    let recognised: usize = output.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(recognised >= 28, "{output}");
    let images = vec![0.0; 3 * 16 * 16];
    let images = deepmoe::Images::floats(&images, 1, 16, 16).unwrap();
    assert_eq!(deepmoe::Engine::open(weights, None).unwrap().run(&images).unwrap().len(), 4);
    assert!(include_str!("../examples/train.rs").lines().count() < 40);
}

#[test]
fn the_example_classifies() {
    let (cases, image) = (Cases::read(), folder("classify").join("image.ppm"));
    let mut file = b"P6\n32 32\n255\n".to_vec();
    file.extend_from_slice(&cases.bytes[..3 * 32 * 32]);
    std::fs::write(&image, file).unwrap();
    let output = run("classify", &[&network(), &image]);
    let logits: Vec<f64> = cases.values["engine"]["bytes_nhwc"]["logits"].as_array().unwrap()[..cases.classes]
        .iter()
        .map(|logit| logit.as_f64().unwrap())
        .collect();
    let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
    let logit = output.split_once("logit ").unwrap().1.split_once(',').unwrap().0;
    assert!(output.starts_with(&format!("class {best}: ")), "{output}");
    cases.expect_close(&[logit.parse().unwrap()], &serde_json::json!(logits[best]));
}
