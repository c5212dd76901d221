//! Batches of a data set, for loops of the program's own.

use std::ptr;

use deepmoe_sys as sys;

use crate::call::{Owned, check, made};
use crate::{Dataset, Images, Options, Result};

/// One pass over a data set in batches that threads decode, augment and normalise ahead of the caller.
///
/// ```
/// use deepmoe::{Dataset, Loader, Options};
///
/// let options = Options::of(&[("batch_size", "2"), ("num_workers", "1")])?;
/// let dataset = Dataset::from_floats(vec![0.5; 3 * 3 * 16 * 16], &[0, 1, 2], 16, 16, 3)?;
/// let mut loader = Loader::new(&dataset, &options, None)?;
/// let mut sizes = Vec::new();
/// while let Some(batch) = loader.next_batch()? {
///     sizes.push(batch.labels.len()); // trainer.step(&batch.images, batch.labels)?;
/// }
/// assert_eq!(sizes, [2, 1]);
/// # Ok::<(), deepmoe::Error>(())
/// ```
pub struct Loader(Owned<sys::dmoe_loader>);

/// Images that are already normalised, and their labels. They belong to the loader.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// (size, 3, image_size, image_size)
    pub images: Images<'a>,
    /// One for each image.
    pub labels: &'a [i64],
}

impl Loader {
    /// Options read: image_size, batch_size, num_workers and prefetch. With a training epoch (from 0) the order is shuffled
    /// and images are augmented, as the options say; without one every image comes once, in order.
    pub fn new(dataset: &Dataset, options: &Options, training_epoch: Option<u32>) -> Result<Self> {
        Self::from_batch(dataset, options, training_epoch, 0)
    }

    /// The rest of such a pass, from batch `first_batch` on, for a loop that goes on in the middle of an epoch.
    pub fn from_batch(
        dataset: &Dataset,
        options: &Options,
        training_epoch: Option<u32>,
        first_batch: u32,
    ) -> Result<Self> {
        let (training, epoch) = (i32::from(training_epoch.is_some()), i64::from(training_epoch.unwrap_or(0)));
        // SAFETY: the objects live.
        made(|loader, error| unsafe {
            sys::dmoe_loader_create(
                dataset.0.get(),
                options.0.get(),
                training,
                epoch,
                first_batch.into(),
                loader,
                error,
            )
        })
        .map(Loader)
    }

    /// The number of batches in the whole pass.
    pub fn num_batches(&self) -> usize {
        // SAFETY: the object lives.
        usize::try_from(unsafe { sys::dmoe_loader_num_batches(self.0.get()) }).unwrap_or(0)
    }

    /// The height and width of its images.
    pub fn image_size(&self) -> usize {
        // SAFETY: the object lives.
        usize::try_from(unsafe { sys::dmoe_loader_image_size(self.0.get()) }).unwrap_or(0)
    }

    /// The next batch, where the loader has it; `None` after the last. Errors: `Format` and others that name an image which
    /// cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>> {
        let (mut images, mut labels, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the object lives, and they are places for results.
        check(|error| unsafe { sys::dmoe_loader_next(self.0.get(), &mut images, &mut labels, &mut size, error) })?;
        let (size, side) = (usize::try_from(size).unwrap_or(0), self.image_size());
        if size == 0 {
            return Ok(None);
        }
        // SAFETY: there are that many elements, valid until the next call, which needs the loader alone.
        let (values, labels) = unsafe {
            (std::slice::from_raw_parts(images, size * 3 * side * side), std::slice::from_raw_parts(labels, size))
        };
        Ok(Some(Batch { images: Images::floats(values, size, side, side)?, labels }))
    }
}
