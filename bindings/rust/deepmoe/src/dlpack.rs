//! Tensors across the border, without a copy.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use deepmoe_sys as sys;
use sys::{DLDataType, DLDevice, DLManagedTensor, DLTensor};

use crate::{Code, Error, Result};

mod sealed {
    pub trait Sealed {}
}

/// A type of numbers that a tensor may have.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {
    /// Its name in DLPack.
    const TYPE: DLDataType;
}

macro_rules! element {
    ($($type:ty: $code:expr),*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const TYPE: DLDataType = DLDataType { code: $code, bits: 8 * size_of::<$type>() as u8, lanes: 1 };
        }
    )*};
}
element!(f32: sys::DL_FLOAT, f64: sys::DL_FLOAT, u8: sys::DL_UINT, i8: sys::DL_INT, i16: sys::DL_INT,
         i32: sys::DL_INT, i64: sys::DL_INT);

const CPU: DLDevice = DLDevice { device_type: sys::DL_CPU, device_id: 0 };

fn described<T: Element>(data: *const T, shape: &mut [i64]) -> DLTensor {
    DLTensor {
        data: data.cast_mut().cast(),
        device: CPU,
        ndim: i32::try_from(shape.len()).unwrap_or(i32::MAX),
        dtype: T::TYPE,
        shape: shape.as_mut_ptr(),
        strides: ptr::null_mut(),
        byte_offset: 0,
    }
}

/// Memory of the program as a tensor, for the time of one call, in which it is only read.
#[cfg(not(feature = "runtime"))]
pub(crate) struct Lent<'a> {
    shape: Box<[i64]>,
    tensor: DLManagedTensor,
    memory: PhantomData<&'a [u8]>,
}

#[cfg(not(feature = "runtime"))]
impl<'a> Lent<'a> {
    /// The shape must be that of the values.
    pub(crate) fn new<T: Element, const RANK: usize>(values: &'a [T], shape: [i64; RANK]) -> Self {
        let mut shape: Box<[i64]> = Box::new(shape);
        let dl_tensor = described(values.as_ptr(), &mut shape);
        let tensor = DLManagedTensor { dl_tensor, manager_ctx: ptr::null_mut(), deleter: None };
        Lent { shape, tensor, memory: PhantomData }
    }

    pub(crate) fn get(&self) -> *const DLManagedTensor {
        debug_assert_eq!(self.shape.as_ptr(), self.tensor.dl_tensor.shape.cast_const());
        &self.tensor
    }
}

/// Memory of the program that the library takes over.
struct Given<O> {
    shape: Box<[i64]>,
    tensor: DLManagedTensor,
    _owner: O,
}

/// A tensor whose deleter drops the owner of its elements, which must be those of the shape.
pub(crate) fn give<T: Element, O: AsRef<[T]> + Send + Sync + 'static>(owner: O, shape: &[i64]) -> *mut DLManagedTensor {
    unsafe extern "C" fn delete<O>(tensor: *mut DLManagedTensor) {
        // What a destructor panics with has nowhere to go.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // SAFETY: `give` made it of this box, and a deleter is called once.
            drop(unsafe { Box::from_raw((*tensor).manager_ctx.cast::<Given<O>>()) });
        }));
    }
    let tensor = DLManagedTensor {
        dl_tensor: described(ptr::null::<T>(), &mut []),
        manager_ctx: ptr::null_mut(),
        deleter: Some(delete::<O>),
    };
    let given = Box::into_raw(Box::new(Given { shape: shape.into(), tensor, _owner: owner }));
    // SAFETY: the box lives until its deleter is called, and does not move.
    unsafe {
        let data = (*given)._owner.as_ref().as_ptr();
        (*given).tensor.dl_tensor = described(data, &mut (*given).shape);
        (*given).tensor.manager_ctx = given.cast::<c_void>();
        &raw mut (*given).tensor
    }
}

/// A tensor that the library gave, sharing its memory.
///
/// Elements on the CPU are read with [`Tensor::values`]; other crates take [`Tensor::into_raw`].
pub struct Tensor<'a> {
    managed: NonNull<DLManagedTensor>,
    memory: PhantomData<&'a [u8]>,
}

// SAFETY: nobody writes to the elements while this lives, and the deleter may be called from any thread.
unsafe impl Send for Tensor<'_> {}
unsafe impl Sync for Tensor<'_> {}

impl Tensor<'_> {
    /// # Safety
    /// The tensor is the caller's, its elements are there, and nobody writes to them during the lifetime.
    pub(crate) unsafe fn of(managed: *mut DLManagedTensor) -> Self {
        Tensor { managed: NonNull::new(managed).expect("a call that succeeds gives its tensor"), memory: PhantomData }
    }

    fn tensor(&self) -> &DLTensor {
        // SAFETY: it lives until the deleter is called.
        unsafe { &self.managed.as_ref().dl_tensor }
    }

    /// Its extents; none for a scalar.
    pub fn shape(&self) -> &[i64] {
        let tensor = self.tensor();
        if tensor.ndim == 0 {
            return &[];
        }
        // SAFETY: DLPack has as many extents as dimensions.
        unsafe { std::slice::from_raw_parts(tensor.shape, usize::try_from(tensor.ndim).unwrap_or(0)) }
    }

    /// The type of its elements.
    pub fn element_type(&self) -> DLDataType {
        self.tensor().dtype
    }

    /// Where its elements are.
    pub fn device(&self) -> DLDevice {
        self.tensor().device
    }

    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.shape().iter().map(|extent| usize::try_from(*extent).unwrap_or(0)).product()
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_contiguous(&self) -> bool {
        let tensor = self.tensor();
        if tensor.strides.is_null() || self.is_empty() {
            return true;
        }
        // SAFETY: DLPack has as many strides as dimensions.
        let strides = unsafe { std::slice::from_raw_parts(tensor.strides, self.shape().len()) };
        let mut expected = 1;
        self.shape().iter().zip(strides).rev().all(|(extent, stride)| {
            let fits = *extent == 1 || *stride == expected;
            expected *= extent;
            fits
        })
    }

    /// Its elements where they are, in row-major order. Errors: `InvalidArgument` for another type; `Unsupported` for a
    /// tensor that is not in the memory of the CPU, or not in this order.
    pub fn values<T: Element>(&self) -> Result<&[T]> {
        let tensor = self.tensor();
        if tensor.dtype != T::TYPE {
            return Err(Error::invalid(format!("the tensor has elements of {:?}, not of {:?}", tensor.dtype, T::TYPE)));
        }
        if self.is_empty() {
            return Ok(&[]);
        }
        // SAFETY: the offset is within the tensor's memory.
        let data =
            unsafe { tensor.data.cast::<u8>().add(usize::try_from(tensor.byte_offset).unwrap_or(0)) }.cast::<T>();
        if tensor.device.device_type != sys::DL_CPU || !self.is_contiguous() || !data.is_aligned() {
            return Err(Error::new(
                Code::Unsupported,
                format!(
                    "the tensor on {:?} cannot be seen as a slice; a copy on the CPU in row-major order can",
                    tensor.device
                ),
            ));
        }
        // SAFETY: there are that many elements, and nobody writes to them while this lives.
        Ok(unsafe { std::slice::from_raw_parts(data, self.len()) })
    }

    /// The tensor itself, for the program to call its deleter. What it refers to may be shared with a model.
    pub fn into_raw(self) -> *mut DLManagedTensor {
        let managed = self.managed.as_ptr();
        std::mem::forget(self);
        managed
    }
}

impl std::fmt::Debug for Tensor<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tensor")
            .field("shape", &self.shape())
            .field("type", &self.element_type())
            .finish_non_exhaustive()
    }
}

impl Drop for Tensor<'_> {
    fn drop(&mut self) {
        // SAFETY: this owns the tensor, whose deleter is called once.
        unsafe { delete(self.managed.as_ptr()) }
    }
}

/// # Safety
/// The tensor is the caller's.
pub(crate) unsafe fn delete(tensor: *mut DLManagedTensor) {
    // SAFETY: as promised by the caller.
    unsafe {
        if let Some(deleter) = (*tensor).deleter {
            deleter(tensor);
        }
    }
}
