//! Trains a small gated network on arrays of the program and saves it: stripes, whose direction is the class.

use deepmoe::{Images, Model, Options, Trainer};

const SIDE: usize = 16;
const BATCH: usize = 32;

fn batch(random: &mut impl Iterator<Item = usize>) -> (Vec<f32>, Vec<i64>) {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..BATCH {
        let (label, phase) = (random.next().unwrap() % 4, random.next().unwrap() % 4);
        let (along, down) = [(1, 0), (0, 1), (1, 1), (1, 3)][label];
        labels.push(label as i64);
        images.extend(random.take(3 * SIDE * SIDE).enumerate().map(|(i, noise)| {
            let stripe = (i % SIDE * along + i / SIDE % SIDE * down + phase) % 4 < 2;
            if stripe { noise as f32 / 16384.0 } else { noise as f32 / 16384.0 - 2.0 }
        }));
    }
    (images, labels)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let next = |seed: &u32| Some(seed.wrapping_mul(1664525).wrapping_add(1013904223));
    let mut random = std::iter::successors(Some(1), next).map(|seed| (seed >> 17) as usize);
    let mut options = Options::of(&[("model", "resnet18_moe"), ("width", "0.125"), ("device", "cpu")])?;
    options.set("num_classes", 4)?.set("image_size", SIDE)?.set("optimizer", "sgd")?.set("lr", 0.02)?;
    let mut trainer = Trainer::new(Model::new(&options, None)?, &options)?;
    for step in 1..=80 {
        let (images, labels) = batch(&mut random);
        let loss = trainer.step(&Images::floats(&images, BATCH, SIDE, SIDE)?, &labels)?;
        println!("step {step}: loss {loss:.3}");
    }
    let (images, labels) = batch(&mut random);
    let logits = trainer.model().logits(&Images::floats(&images, BATCH, SIDE, SIDE)?)?;
    let right = |(row, label): &(&[f32], &i64)| row.iter().all(|logit| *logit <= row[**label as usize]);
    println!("{} of {BATCH} new images recognised", logits.chunks(4).zip(&labels).filter(right).count());
    Ok(trainer.model().save(std::env::args().nth(1).ok_or("usage: train WEIGHTS.safetensors")?)?)
}
