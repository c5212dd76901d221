//! Labelled images.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use deepmoe_sys as sys;

use crate::call::{Owned, Settings, c_path, c_text, made, number, text};
use crate::callback::during;
use crate::images::expect_size;
use crate::{Callback, Layout, Options, Result};

/// Labelled images. Immutable; any number of threads may read one.
pub struct Dataset(pub(crate) Owned<sys::dmoe_dataset>);

impl Dataset {
    /// The split ("train" or "test") of the data set that the options name.
    pub fn open(options: &Options, split: &str) -> Result<Self> {
        let split = c_text(split)?;
        // SAFETY: the text lives during the call.
        made(|dataset, error| unsafe { sys::dmoe_dataset_open(options.0.get(), split.as_ptr(), dataset, error) })
            .map(Dataset)
    }

    /// One image for each label: 3 x height x width floats that are already normalised. The images (a `Vec<f32>`, an
    /// `Arc<[f32]>`, ...) are taken over without a copy, and dropped, in any thread, when nothing reads them any more.
    ///
    /// ```
    /// let images = vec![0.0f32; 2 * 3 * 32 * 32];
    /// let dataset = deepmoe::Dataset::from_floats(images, &[0, 1], 32, 32, 2)?;
    /// assert_eq!((dataset.len(), dataset.num_classes()), (2, 2));
    /// # Ok::<(), deepmoe::Error>(())
    /// ```
    pub fn from_floats<O>(images: O, labels: &[i64], height: usize, width: usize, num_classes: usize) -> Result<Self>
    where
        O: AsRef<[f32]> + Send + Sync + 'static,
    {
        lend(images, labels, [3, height, width], |images, user_data, dataset, error| {
            let (size, height, width) = (number(labels.len()), number(height), number(width));
            // SAFETY: there are as many images as labels, which live until they are released.
            unsafe {
                sys::dmoe_dataset_create_f32(
                    images,
                    labels.as_ptr(),
                    size,
                    height,
                    width,
                    number(num_classes),
                    Some(release::<O>),
                    user_data,
                    dataset,
                    error,
                )
            }
        })
    }

    /// The same for bytes 0..255 with 1 or 3 channels, which are normalised on the way into a batch.
    pub fn from_bytes<O>(
        images: O,
        labels: &[i64],
        [channels, height, width]: [usize; 3],
        layout: Layout,
        num_classes: usize,
    ) -> Result<Self>
    where
        O: AsRef<[u8]> + Send + Sync + 'static,
    {
        lend(images, labels, [channels, height, width], |images, user_data, dataset, error| {
            let [channels, height, width] = [channels, height, width].map(number);
            // SAFETY: there are as many images as labels, which live until they are released.
            unsafe {
                sys::dmoe_dataset_create_u8(
                    images,
                    labels.as_ptr(),
                    number(labels.len()),
                    channels,
                    height,
                    width,
                    layout as i32,
                    number(num_classes),
                    Some(release::<O>),
                    user_data,
                    dataset,
                    error,
                )
            }
        })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        // SAFETY: the object lives.
        usize::try_from(unsafe { sys::dmoe_dataset_size(self.0.get()) }).unwrap_or(0)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of classes.
    pub fn num_classes(&self) -> usize {
        // SAFETY: the object lives.
        usize::try_from(unsafe { sys::dmoe_dataset_num_classes(self.0.get()) }).unwrap_or(0)
    }

    /// Size, classes and normalisation, as JSON.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_dataset_describe(self.0.get(), json, error) })
    }
}

/// Moves the owner of images to where the library finds it again, and takes it back on failure.
fn lend<T, O: AsRef<[T]> + Send + Sync + 'static>(
    images: O,
    labels: &[i64],
    [channels, height, width]: [usize; 3],
    create: impl FnOnce(*const T, *mut c_void, *mut *mut sys::dmoe_dataset, *mut *mut sys::dmoe_error) -> i32,
) -> Result<Dataset> {
    let owner = Box::into_raw(Box::new(images));
    // SAFETY: the box is ours until a call succeeds.
    let elements = unsafe { &*owner }.as_ref();
    let (first, size) = (elements.as_ptr(), elements.len());
    expect_size("images", size, &[labels.len(), channels, height, width])
        .and_then(|()| made(|dataset, error| create(first, owner.cast(), dataset, error)))
        .map(Dataset)
        // SAFETY: on failure the library does not release it.
        .inspect_err(|_| drop(unsafe { Box::from_raw(owner) }))
}

unsafe extern "C" fn release<O>(user_data: *mut c_void) -> i32 {
    // SAFETY: `lend` made it of a box, and this is called once. What a destructor panics with has nowhere to go.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(user_data.cast::<O>()) })));
    0
}

/// Makes sure that a folder holds the published data set ("cifar10", "cifar100"), downloading what is missing; what was
/// done, as JSON. The settings are those of `dmoe_fetch_dataset`.
pub fn fetch_dataset(
    dataset: &str,
    data_dir: impl AsRef<Path>,
    settings: Option<&str>,
    callback: Callback<'_>,
) -> Result<String> {
    let (dataset, data_dir, settings) = (c_text(dataset)?, c_path(data_dir)?, Settings::new(settings)?);
    during(callback, |function, user_data| {
        // SAFETY: the texts live during the call, and so does the receiver.
        text(|json, error| unsafe {
            sys::dmoe_fetch_dataset(
                dataset.as_ptr(),
                data_dir.as_ptr(),
                settings.get(),
                function,
                user_data,
                json,
                error,
            )
        })
    })
}
