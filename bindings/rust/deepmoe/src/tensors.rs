//! Sets of named tensors.

use std::ffi::CStr;
use std::path::Path;
use std::ptr;

use deepmoe_sys as sys;

use crate::Result;
use crate::call::{Owned, Settings, c_path, c_text, check, made, number, text};
use crate::dlpack::{self, Element, Tensor};
use crate::images::expect_size;

// More than the library lets a tensor have.
const MOST_DIMENSIONS: usize = 64;

/// Named tensors: a safetensors file, a model's weights, or the outputs of a network. Any number of threads may read one.
///
/// ```
/// let mut tensors = deepmoe::Tensors::new()?;
/// tensors.add("a", vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?; // Taken over, not copied.
/// let a = tensors.get("a")?;
/// assert_eq!((a.shape(), a.values::<f32>()?[5]), (&[2, 3][..], 6.0)); // Seen where it is.
/// # Ok::<(), deepmoe::Error>(())
/// ```
pub struct Tensors(pub(crate) Owned<sys::dmoe_tensors>);

impl Tensors {
    /// An empty set to add to.
    pub fn new() -> Result<Self> {
        // SAFETY: both are places for results.
        made(|tensors, error| unsafe { sys::dmoe_tensors_create(tensors, error) }).map(Tensors)
    }

    /// Opens a safetensors file. It is mapped, not read, and must not be truncated or written to while the set lives
    /// (replacing it by another file is fine).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = c_path(path)?;
        // SAFETY: the text lives during the call.
        made(|tensors, error| unsafe { sys::dmoe_tensors_load(path.as_ptr(), tensors, error) }).map(Tensors)
    }

    /// Writes a safetensors file, replacing an older one only when complete. The metadata is a JSON object of strings.
    pub fn save(&self, path: impl AsRef<Path>, metadata: Option<&str>) -> Result<()> {
        let (path, metadata) = (c_path(path)?, Settings::new(metadata)?);
        // SAFETY: the texts live during the call.
        check(|error| unsafe { sys::dmoe_tensors_save(self.0.get(), path.as_ptr(), metadata.get(), error) })
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        // SAFETY: the object lives.
        usize::try_from(unsafe { sys::dmoe_tensors_count(self.0.get()) }).unwrap_or(0)
    }

    /// Whether there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| {
            // SAFETY: the name lives as long as the set, which nobody adds to while it is borrowed.
            unsafe {
                let name = sys::dmoe_tensors_name(self.0.get(), number(index));
                if name.is_null() { None } else { CStr::from_ptr(name).to_str().ok() }
            }
        })
    }

    /// The file's metadata as a JSON object of strings; "{}" for sets that are no file.
    pub fn metadata(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_tensors_metadata(self.0.get(), json, error) })
    }

    /// A tensor without copying. Errors: `NotFound`, with the nearest name.
    pub fn get(&self, name: &str) -> Result<Tensor<'_>> {
        let name = c_text(name)?;
        let mut tensor = ptr::null_mut();
        // SAFETY: the text lives during the call.
        check(|error| unsafe { sys::dmoe_tensors_get(self.0.get(), name.as_ptr(), &mut tensor, error) })?;
        // SAFETY: the tensor is ours; who writes to a set or a model needs it alone.
        Ok(unsafe { Tensor::of(tensor) })
    }

    /// A tensor's extents; none for a scalar.
    pub fn shape(&self, name: &str) -> Result<Vec<i64>> {
        let name = c_text(name)?;
        let (mut shape, mut rank) = (vec![0; MOST_DIMENSIONS], 0);
        let room = number(shape.len());
        // SAFETY: the buffer has that much room.
        check(|error| unsafe {
            sys::dmoe_tensors_shape(self.0.get(), name.as_ptr(), shape.as_mut_ptr(), room, &mut rank, error)
        })?;
        shape.truncate(usize::try_from(rank).unwrap_or(0));
        Ok(shape)
    }

    /// A copy of a float32 tensor on the CPU.
    pub fn read(&self, name: &str) -> Result<Vec<f32>> {
        let size: i64 = self.shape(name)?.iter().product();
        let mut values = vec![0.0; usize::try_from(size).unwrap_or(0)];
        self.read_into(name, &mut values)?;
        Ok(values)
    }

    /// Copies a float32 tensor on the CPU into a buffer of at least its size; the number of its elements.
    pub fn read_into(&self, name: &str, values: &mut [f32]) -> Result<usize> {
        let name = c_text(name)?;
        let mut needed = 0;
        // SAFETY: the buffer has that much room.
        check(|error| unsafe {
            let room = number(values.len());
            sys::dmoe_tensors_read_f32(self.0.get(), name.as_ptr(), values.as_mut_ptr(), room, &mut needed, error)
        })?;
        Ok(usize::try_from(needed).unwrap_or(0))
    }

    /// Adds a tensor under a new name, taking its elements over without a copy; a `Vec`, an `Arc<[T]>` or whatever owns
    /// them is dropped, in any thread, when the set and all that was handed out of it are gone.
    pub fn add<T, O>(&mut self, name: &str, values: O, shape: &[i64]) -> Result<()>
    where
        T: Element,
        O: AsRef<[T]> + Send + Sync + 'static,
    {
        let extents: Vec<usize> = shape.iter().map(|extent| usize::try_from(*extent).unwrap_or(usize::MAX)).collect();
        expect_size("values", values.as_ref().len(), &extents)?;
        let tensor = dlpack::give(values, shape);
        // SAFETY: the tensor is ours, and again when the call fails.
        unsafe { self.add_raw(name, tensor).inspect_err(|_| dlpack::delete(tensor)) }
    }

    /// Adds a tensor of another crate under a new name, taking it over.
    ///
    /// # Safety
    /// It is a valid tensor of DLPack, contiguous, aligned and on the CPU, that may be read and deleted from any thread.
    /// On failure it stays the caller's.
    pub unsafe fn add_raw(&mut self, name: &str, tensor: *mut sys::DLManagedTensor) -> Result<()> {
        let name = c_text(name)?;
        // SAFETY: as promised by the caller.
        check(|error| unsafe { sys::dmoe_tensors_add(self.0.get(), name.as_ptr(), tensor, error) })
    }

    /// Adds a copy of the values under a new name.
    pub fn add_copy(&mut self, name: &str, values: &[f32], shape: &[i64]) -> Result<()> {
        let extents: Vec<usize> = shape.iter().map(|extent| usize::try_from(*extent).unwrap_or(usize::MAX)).collect();
        expect_size("values", values.len(), &extents)?;
        let name = c_text(name)?;
        // SAFETY: there are as many values as the shape says.
        check(|error| unsafe {
            let (values, shape, rank) = (values.as_ptr(), shape.as_ptr(), number(shape.len()));
            sys::dmoe_tensors_add_f32(self.0.get(), name.as_ptr(), values, shape, rank, error)
        })
    }
}

impl std::fmt::Debug for Tensors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

/// A model's weights by their state_dict names, sharing memory with the model, which cannot be trained meanwhile.
#[cfg(not(feature = "runtime"))]
pub struct State<'model> {
    pub(crate) tensors: Tensors,
    pub(crate) model: std::marker::PhantomData<&'model ()>,
}

#[cfg(not(feature = "runtime"))]
impl std::fmt::Debug for State<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tensors.fmt(formatter)
    }
}

#[cfg(not(feature = "runtime"))]
impl std::ops::Deref for State<'_> {
    type Target = Tensors;
    fn deref(&self) -> &Tensors {
        &self.tensors
    }
}
