//! Engines: a trained network compiled for inference, which does no work for inactive experts.

use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use deepmoe_sys as sys;

use crate::call::{Owned, Settings, c_path, check, made, number, text};
use crate::images::{Elements, Images, expect_size};
use crate::{Error, Result};

/// A network compiled for inference on the CPU. Any number of threads may run one at the same time.
///
/// ```
/// # let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/bindings/network.safetensors");
/// use deepmoe::{Engine, Images};
///
/// let engine = Engine::open(network, Some(r#"{"threads": 1}"#))?;
/// let pixels = vec![0.5; 3 * 32 * 32];
/// let logits = engine.run(&Images::floats(&pixels, 1, 32, 32)?)?;
/// assert_eq!(logits.len(), 3); // One for each class.
/// # Ok::<(), deepmoe::Error>(())
/// ```
pub struct Engine {
    pub(crate) handle: Owned<sys::dmoe_engine>,
    classes: OnceLock<usize>,
}

/// Everything that a run gives, each in rows of one image; of a dense network the logits alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    /// num_classes for each image.
    pub logits: Vec<f32>,
    /// embedding_dim for each image.
    pub embedding: Vec<f32>,
    /// num_classes for each image.
    pub embedding_logits: Vec<f32>,
    /// The gates of all layers, in network order.
    pub gates: Vec<f32>,
    /// The multiply-accumulates of the call, those of inactive experts left out.
    pub active_macs: i64,
}

impl Engine {
    /// Reads a safetensors file that a model or a training wrote. The settings are those of `dmoe_engine_create`:
    /// `{"image_size": 0, "threads": 1, "precision": "fp32", "skip": true, "profile": false}`.
    pub fn open(path: impl AsRef<Path>, settings: Option<&str>) -> Result<Self> {
        let (path, settings) = (c_path(path)?, Settings::new(settings)?);
        // SAFETY: the texts live during the call.
        made(|engine, error| unsafe { sys::dmoe_engine_create(path.as_ptr(), settings.get(), engine, error) })
            .map(Self::of)
    }

    pub(crate) fn of(handle: Owned<sys::dmoe_engine>) -> Self {
        Engine { handle, classes: OnceLock::new() }
    }

    /// The network, its steps and what they cost, as JSON.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_engine_describe(self.handle.get(), json, error) })
    }

    /// Logits, num_classes for each image.
    pub fn run(&self, images: &Images<'_>) -> Result<Vec<f32>> {
        let mut logits = vec![0.0; self.logits_needed(images)?];
        self.run_into(images, &mut logits)?;
        Ok(logits)
    }

    /// Writes logits to a buffer that is large enough; the multiply-accumulates of this call, those of inactive experts left
    /// out. Nothing is allocated here.
    pub fn run_into(&self, images: &Images<'_>, logits: &mut [f32]) -> Result<i64> {
        let mut macs = 0;
        self.call(images, logits.as_mut_ptr(), number(logits.len()), ptr::null_mut(), &mut macs)?;
        Ok(macs)
    }

    /// Asked once: every image has as many.
    fn logits_needed(&self, images: &Images<'_>) -> Result<usize> {
        let batch = usize::try_from(images.batch).unwrap_or(0);
        if let Some(classes) = self.classes.get() {
            return Ok(batch * classes);
        }
        let mut needed = -1;
        let answer = self.call(images, ptr::null_mut(), 0, &mut needed, ptr::null_mut());
        match usize::try_from(needed) {
            Ok(needed) if batch > 0 => Ok(batch * self.classes.get_or_init(|| needed / batch)),
            _ => answer.map(|()| 0),
        }
    }

    fn call(&self, images: &Images<'_>, logits: *mut f32, room: i64, needed: *mut i64, macs: *mut i64) -> Result<()> {
        let (engine, batch, height, width) = (self.handle.get(), images.batch, images.height, images.width);
        // SAFETY: there are as many images as they say, and the caller's buffer has that much room.
        check(|error| unsafe {
            match images.elements {
                Elements::Floats(values) => sys::dmoe_engine_run(
                    engine,
                    values.as_ptr(),
                    batch,
                    height,
                    width,
                    logits,
                    room,
                    needed,
                    macs,
                    error,
                ),
                Elements::Bytes(values, layout) => sys::dmoe_engine_run_u8(
                    engine,
                    values.as_ptr(),
                    batch,
                    height,
                    width,
                    layout as i32,
                    logits,
                    room,
                    needed,
                    macs,
                    error,
                ),
            }
        })
    }

    /// Logits, embedding and gates of images of floats. `given_gates` (batch x experts) take the place of those that the
    /// network computes.
    pub fn run_outputs(&self, images: &Images<'_>, given_gates: Option<&[f32]>) -> Result<Outputs> {
        let Elements::Floats(values) = images.elements else {
            return Err(Error::invalid("run_outputs takes images of floats; these are bytes"));
        };
        let mut buffers: [Vec<f32>; 4] = Default::default();
        let mut needed = [-1i64, 0, 0, 0];
        let mut macs = 0;
        let call = |buffers: &mut [Vec<f32>; 4], gates: *const f32, needed: *mut i64, macs: *mut i64| {
            let [logits, embedding, embedding_logits, all_gates] = buffers.each_mut().map(|buffer| {
                let place = if buffer.is_empty() { ptr::null_mut() } else { buffer.as_mut_ptr() };
                (place, number(buffer.len()))
            });
            // SAFETY: there are as many images and gates as needed, and the buffers have that much room.
            check(|error| unsafe {
                sys::dmoe_engine_run_outputs(
                    self.handle.get(),
                    values.as_ptr(),
                    images.batch,
                    images.height,
                    images.width,
                    gates,
                    logits.0,
                    logits.1,
                    embedding.0,
                    embedding.1,
                    embedding_logits.0,
                    embedding_logits.1,
                    all_gates.0,
                    all_gates.1,
                    needed,
                    macs,
                    error,
                )
            })
        };
        let answer = call(&mut buffers, ptr::null(), needed.as_mut_ptr(), ptr::null_mut());
        if needed[0] < 0 {
            answer?;
        }
        let sizes = needed.map(|size| usize::try_from(size).unwrap_or(0));
        if let Some(gates) = given_gates {
            expect_size("given_gates", gates.len(), &[sizes[3]])?;
        }
        for (buffer, size) in buffers.iter_mut().zip(sizes) {
            buffer.resize(size, 0.0);
        }
        call(&mut buffers, given_gates.map_or(ptr::null(), <[f32]>::as_ptr), ptr::null_mut(), &mut macs)?;
        let [logits, embedding, embedding_logits, gates] = buffers;
        Ok(Outputs { logits, embedding, embedding_logits, gates, active_macs: macs })
    }

    /// The figures of [`Model::evaluate`](crate::Model::evaluate), computed by the engine, which the callback must not use;
    /// without options they are the defaults.
    #[cfg(not(feature = "runtime"))]
    pub fn evaluate(
        &self,
        dataset: &crate::Dataset,
        options: Option<&crate::Options>,
        callback: crate::Callback<'_>,
    ) -> Result<String> {
        let options = options.map_or(ptr::null_mut(), |options| options.0.get());
        crate::callback::during(callback, |function, user_data| {
            // SAFETY: the objects live, and the receiver does during the call.
            text(|json, error| unsafe {
                sys::dmoe_engine_evaluate(self.handle.get(), dataset.0.get(), options, function, user_data, json, error)
            })
        })
    }
}
