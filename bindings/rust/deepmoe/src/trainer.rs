//! Training: whole runs, and loops of the program's own.

use std::path::Path;
use std::ptr;

use deepmoe_sys as sys;

use crate::call::{Owned, c_path, check, made, number, text};
use crate::callback::during;
use crate::dlpack::Lent;
use crate::images::{Elements, Images, expect_size};
use crate::{Callback, Dataset, Model, Options, Result, Tensors};

mod sealed {
    pub trait Sealed {}
}

/// A [`Model`], or a `&mut Model`.
pub trait HoldsModel: sealed::Sealed {
    /// The model.
    fn model(&self) -> &Model;
    /// The model, to change its weights.
    fn model_mut(&mut self) -> &mut Model;
}

impl sealed::Sealed for Model {}
impl HoldsModel for Model {
    fn model(&self) -> &Model {
        self
    }
    fn model_mut(&mut self) -> &mut Model {
        self
    }
}

impl sealed::Sealed for &mut Model {}
impl HoldsModel for &mut Model {
    fn model(&self) -> &Model {
        self
    }
    fn model_mut(&mut self) -> &mut Model {
        self
    }
}

/// Which of the processes that a launcher has started to train together this one is, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessPlace {
    /// Of this process, from 0.
    pub rank: i64,
    /// Of all of them.
    pub size: i64,
}

/// The place that the first [`Trainer`] of this process will take, where it waits for the others: 0 of 1 where no launcher
/// is seen.
pub fn process_place(options: &Options) -> Result<ProcessPlace> {
    let mut place = ProcessPlace { rank: 0, size: 1 };
    // SAFETY: the numbers are this function's own.
    check(|e| unsafe { sys::dmoe_process_place(options.0.get(), &mut place.rank, &mut place.size, e) })?;
    Ok(place)
}

/// Optimizer, schedule and loss for one model, which it has for itself: a `&mut Model`, or a `Model` that
/// [`Trainer::into_model`] gives back.
///
/// ```
/// use deepmoe::{Images, Model, Options, Trainer};
///
/// let options = Options::of(&[
///     ("model", "resnet18_moe"), ("width", "0.0625"), ("num_classes", "4"), ("image_size", "16"), ("device", "cpu"),
/// ])?;
/// let mut trainer = Trainer::new(Model::new(&options, None)?, &options)?;
/// let (pixels, labels) = (vec![0.1; 2 * 3 * 16 * 16], [0, 3]);
/// let loss = trainer.step(&Images::floats(&pixels, 2, 16, 16)?, &labels)?;
/// assert!(loss.is_finite());
/// let model = trainer.into_model();
/// # Ok::<(), deepmoe::Error>(())
/// ```
pub struct Trainer<M: HoldsModel = Model> {
    pub(crate) handle: Owned<sys::dmoe_trainer>,
    model: M,
}

/// Where a trainer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Steps done in all.
    pub step: i64,
    /// The epoch that was begun last; -1: none.
    pub epoch: i64,
    /// Steps done in it.
    pub step_in_epoch: i64,
}

impl<M: HoldsModel> Trainer<M> {
    /// Options read: those of the groups loss, optimizer, schedule, training, data and output.
    pub fn new(mut model: M, options: &Options) -> Result<Self> {
        let pointer = model.model_mut().0.get();
        // SAFETY: the objects live.
        let handle =
            made(|trainer, error| unsafe { sys::dmoe_trainer_create(pointer, options.0.get(), trainer, error) })?;
        Ok(Trainer { handle, model })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.model.model()
    }

    /// Copies weights into the model by name, as [`Model::load_state`] does. (A `&mut Model` could be swapped for another,
    /// and the one that is trained would then be in two hands.)
    pub fn load_weights(&mut self, weights: &Tensors) -> Result<()> {
        self.model.model_mut().load_state(weights)
    }

    /// Ends the training and gives the model back.
    pub fn into_model(self) -> M {
        self.model
    }

    /// For a loop of the program's own: tells the schedule where training is, `epoch` counting from 0. Without it the
    /// learning rate stays at option `lr`.
    pub fn begin_epoch(&mut self, epoch: u32, steps_per_epoch: u32) -> Result<()> {
        // SAFETY: the object lives.
        check(|error| unsafe {
            sys::dmoe_trainer_begin_epoch(self.handle.get(), epoch.into(), steps_per_epoch.into(), error)
        })
    }

    /// One step on images and their labels, both read where they are; its loss, which on CUDA waits for the device. Bytes
    /// must be [`Layout::Nchw`](crate::Layout). Errors: `Numeric` for a loss that is not finite.
    pub fn step(&mut self, images: &Images<'_>, labels: &[i64]) -> Result<f64> {
        let mut loss = 0.0;
        self.call(images, labels, &mut loss)?;
        Ok(loss)
    }

    /// One step whose loss is not asked for.
    pub fn step_without_loss(&mut self, images: &Images<'_>, labels: &[i64]) -> Result<()> {
        self.call(images, labels, ptr::null_mut())
    }

    fn call(&mut self, images: &Images<'_>, labels: &[i64], loss: *mut f64) -> Result<()> {
        expect_size("labels", labels.len(), &[usize::try_from(images.batch).unwrap_or(0)])?;
        let Elements::Floats(values) = images.elements else {
            let (images, labels) = (images.lend()?, Lent::new(labels, [images.batch]));
            // SAFETY: both live during the call, which only reads them.
            return unsafe { self.step_raw(images.get(), labels.get(), loss) };
        };
        // SAFETY: there are as many images as labels.
        check(|error| unsafe {
            sys::dmoe_trainer_step_f32(
                self.handle.get(),
                values.as_ptr(),
                labels.as_ptr(),
                number(labels.len()),
                images.height,
                images.width,
                loss,
                error,
            )
        })
    }

    /// One step on tensors of another crate, on the CPU or a CUDA device.
    ///
    /// # Safety
    /// They are valid tensors of DLPack, which are only read during the call; `loss` is NULL or a place for it.
    pub unsafe fn step_raw(
        &mut self,
        images: *const sys::DLManagedTensor,
        labels: *const sys::DLManagedTensor,
        loss: *mut f64,
    ) -> Result<()> {
        // SAFETY: as promised by the caller.
        check(|error| unsafe { sys::dmoe_trainer_step(self.handle.get(), images, labels, loss, error) })
    }

    /// Means since the last call, which are then reset, as JSON.
    pub fn metrics(&mut self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_trainer_metrics(self.handle.get(), json, error) })
    }

    /// Where the trainer is, for a loop that goes on after [`Trainer::load_state`].
    pub fn position(&mut self) -> Result<Position> {
        let mut position = Position::default();
        // SAFETY: the object lives, and there are places for the numbers.
        check(|error| unsafe {
            sys::dmoe_trainer_position(
                self.handle.get(),
                &mut position.step,
                &mut position.epoch,
                &mut position.step_in_epoch,
                error,
            )
        })?;
        Ok(position)
    }

    /// Writes all that future steps depend on; an older file is replaced when the new one is complete.
    pub fn save_state(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path)?;
        // SAFETY: the object and the text live.
        check(|error| unsafe { sys::dmoe_trainer_save_state(self.handle.get(), path.as_ptr(), error) })
    }

    /// Goes on from what [`Trainer::save_state`] or a run wrote. On failure the trainer is as before.
    pub fn load_state(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path)?;
        // SAFETY: the object and the text live.
        check(|error| unsafe { sys::dmoe_trainer_load_state(self.handle.get(), path.as_ptr(), error) })
    }

    /// With option `ema`: gives the model the averaged weights, or its own back, which it must have for steps.
    pub fn use_average(&mut self, averaged: bool) -> Result<()> {
        // SAFETY: the object lives.
        check(|error| unsafe { sys::dmoe_trainer_use_average(self.handle.get(), averaged.into(), error) })
    }

    /// A whole run: option `epochs` passes over `train`, validation after each; its summary as JSON.
    pub fn fit(&mut self, train: &Dataset, validation: Option<&Dataset>, callback: Callback<'_>) -> Result<String> {
        let validation = validation.map_or(ptr::null_mut(), |dataset| dataset.0.get());
        during(callback, |function, user_data| {
            // SAFETY: the objects live, and the receiver does during the call.
            text(|summary, error| unsafe {
                sys::dmoe_trainer_fit(self.handle.get(), train.0.get(), validation, function, user_data, summary, error)
            })
        })
    }
}

impl<M: HoldsModel> std::fmt::Debug for Trainer<M> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Trainer").finish_non_exhaustive()
    }
}

/// What the library found on this machine, as JSON.
pub fn diagnose() -> Result<String> {
    // SAFETY: both are places for results.
    text(|json, error| unsafe { sys::dmoe_diagnose(json, error) })
}
