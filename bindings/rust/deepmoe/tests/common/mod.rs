//! What the tests share: the cases of all bindings, and their inputs.
#![allow(dead_code)] // Not every test program needs all of it.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub fn shared() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/bindings")).canonicalize().unwrap()
}

pub fn network() -> PathBuf {
    shared().join("network.safetensors")
}

pub struct Cases {
    pub values: Value,
    pub batch: usize,
    pub side: usize,
    pub classes: usize,
    pub floats: Vec<f32>,
    pub bytes: Vec<u8>,
    pub labels: Vec<i64>,
}

impl Cases {
    pub fn read() -> Self {
        let values: Value =
            serde_json::from_str(&std::fs::read_to_string(shared().join("cases.json")).unwrap()).unwrap();
        let number = |name: &str| values[name].as_u64().unwrap() as usize;
        let (batch, side, classes) = (number("batch"), number("side"), number("num_classes"));
        let size = batch * 3 * side * side;
        Cases {
            batch,
            side,
            classes,
            floats: (0..size).map(|i| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect(),
            bytes: (0..size).map(|i| ((i * 37 + 11) % 251) as u8).collect(),
            labels: (0..batch).map(|i| (i % classes) as i64).collect(),
            values,
        }
    }

    pub fn images(&self) -> deepmoe::Images<'_> {
        deepmoe::Images::floats(&self.floats, self.batch, self.side, self.side).unwrap()
    }

    #[track_caller]
    pub fn expect_close(&self, values: &[f32], expected: &Value) {
        let tolerance = self.values["tolerance"].as_f64().unwrap();
        let expected = match expected {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        assert_eq!(values.len(), expected.len());
        for (value, expected) in values.iter().zip(&expected) {
            let expected = expected.as_f64().unwrap();
            let difference = (f64::from(*value) - expected).abs();
            assert!(difference <= tolerance * (1.0 + expected.abs()), "{value} is not close to {expected}");
        }
    }
}

/// Tests that count objects or replace the log's receiver run one after another.
pub fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new empty folder.
pub fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
