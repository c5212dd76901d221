//! Says what is in an image with the runtime library alone: classify WEIGHTS.safetensors IMAGE.ppm
//!
//! A binary PPM is the simplest file of pixels: `convert cat.jpg -resize 32x32! cat.ppm` makes one of the network's size.

use deepmoe::{Engine, Images, Layout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [weights, image] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: classify WEIGHTS IMAGE")?;
    let file = std::fs::read(image)?;
    let header: Vec<&str> = std::str::from_utf8(&file[..file.len().min(32)])
        .unwrap_or_else(|error| std::str::from_utf8(&file[..error.valid_up_to()]).unwrap_or(""))
        .split_ascii_whitespace()
        .take(4)
        .collect();
    let ["P6", width, height, "255"] = header[..] else { return Err("the image is not a binary PPM".into()) };
    let (width, height): (usize, usize) = (width.parse()?, height.parse()?);
    let pixels = file.len().checked_sub(3 * width * height).ok_or("the image ends too early")?;

    let engine = Engine::open(weights, Some(r#"{"threads": 1}"#))?;
    let images = Images::bytes(&file[pixels..], 1, height, width, Layout::Nhwc)?;
    let mut logits = engine.run(&images)?;
    let macs = engine.run_into(&images, &mut logits)?;
    let (class, logit) = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).ok_or("no class")?;
    println!("class {class}: logit {logit:.3}, {:.2} million MACs", macs as f64 / 1e6);
    Ok(())
}
