//! What tests/bench/compare_boundary.py measures in Rust: tests/bench/boundary/boundary.cpp says how.

use std::io::BufRead;
use std::time::Instant;

use deepmoe::{Images, Model, Options, Trainer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::of(&[("model", "resnet18_moe"), ("width", "0.25"), ("image_size", "32")])?;
    options.set("num_classes", 10)?.set("device", "cpu")?.set("optimizer", "sgd")?.set("lr", 0.0001)?;
    let model = Model::new(&options, None)?;
    let engine = model.compile(Some(r#"{"threads": 1}"#))?;
    let mut trainer = Trainer::new(model, &options)?;
    let (pixels, labels, mut logits) = (vec![0.5; 2 * 3 * 32 * 32], [1, 2], vec![0.0; 10]);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (what, count) = line.split_once(' ').ok_or("a line is \"engine N\" or \"step N\"")?;
        let start = Instant::now();
        for _ in 0..count.parse()? {
            if what == "engine" {
                engine.run_into(&Images::floats(&pixels[..3 * 32 * 32], 1, 32, 32)?, &mut logits)?;
            } else {
                trainer.step(&Images::floats(&pixels, 2, 32, 32)?, &labels)?;
            }
        }
        println!("{}", start.elapsed().as_nanos());
    }
    Ok(())
}
