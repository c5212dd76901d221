//! Arrays of the crate `ndarray`, whose memory is shared.

use ndarray::{Array2, ArrayView4, ArrayViewD, IxDyn};

use crate::dlpack::{Element, Tensor};
use crate::{Engine, Error, Images, Layout, Result};

fn not_contiguous() -> Error {
    Error::invalid("the array is not contiguous in row-major order; as_standard_layout() makes one that is")
}

/// (batch, 3, height, width) floats that are already normalised, in row-major order.
impl<'a> TryFrom<ArrayView4<'a, f32>> for Images<'a> {
    type Error = Error;
    fn try_from(array: ArrayView4<'a, f32>) -> Result<Self> {
        let (batch, channels, height, width) = array.dim();
        expect_colours(channels)?;
        Images::floats(array.to_slice().ok_or_else(not_contiguous)?, batch, height, width)
    }
}

/// (batch, 3, height, width) or (batch, height, width, 3) bytes, in row-major order; three in the second place are channels.
impl<'a> TryFrom<ArrayView4<'a, u8>> for Images<'a> {
    type Error = Error;
    fn try_from(array: ArrayView4<'a, u8>) -> Result<Self> {
        let values = array.to_slice().ok_or_else(not_contiguous)?;
        match array.dim() {
            (batch, 3, height, width) => Images::bytes(values, batch, height, width, Layout::Nchw),
            (batch, height, width, channels) => {
                expect_colours(channels)?;
                Images::bytes(values, batch, height, width, Layout::Nhwc)
            }
        }
    }
}

fn expect_colours(channels: usize) -> Result<()> {
    if channels == 3 { Ok(()) } else { Err(Error::invalid(format!("images have {channels} channels, must have 3"))) }
}

impl Engine {
    /// Logits (batch, num_classes).
    ///
    /// ```
    /// # let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/bindings/network.safetensors");
    /// let images = ndarray::Array4::<f32>::zeros((2, 3, 32, 32));
    /// let logits = deepmoe::Engine::open(network, None)?.run_array(images.view())?;
    /// assert_eq!(logits.dim(), (2, 3));
    /// # Ok::<(), deepmoe::Error>(())
    /// ```
    pub fn run_array<'a, I>(&self, images: I) -> Result<Array2<f32>>
    where
        I: TryInto<Images<'a>, Error = Error>,
    {
        let images: Images<'a> = images.try_into()?;
        rows(self.run(&images)?, &images)
    }
}

#[cfg(not(feature = "runtime"))]
impl crate::Model {
    /// Logits (batch, num_classes).
    pub fn logits_array(&self, images: ArrayView4<'_, f32>) -> Result<Array2<f32>> {
        let images = Images::try_from(images)?;
        rows(self.logits(&images)?, &images)
    }
}

#[cfg(not(feature = "runtime"))]
impl crate::Dataset {
    /// Images (N, 3, height, width) that are already normalised, taken over without a copy.
    pub fn from_array(images: ndarray::Array4<f32>, labels: &[i64], num_classes: usize) -> Result<Self> {
        struct Owner(ndarray::Array4<f32>);
        impl AsRef<[f32]> for Owner {
            fn as_ref(&self) -> &[f32] {
                self.0.as_slice().unwrap_or(&[])
            }
        }
        let (_, channels, height, width) = images.dim();
        expect_colours(channels)?;
        if images.as_slice().is_none() {
            return Err(not_contiguous());
        }
        crate::Dataset::from_floats(Owner(images), labels, height, width, num_classes)
    }
}

fn rows(logits: Vec<f32>, images: &Images<'_>) -> Result<Array2<f32>> {
    let batch = usize::try_from(images.batch).unwrap_or(0);
    let classes = logits.len().checked_div(batch).unwrap_or(0);
    Array2::from_shape_vec((batch, classes), logits).map_err(|error| Error::invalid(error.to_string()))
}

impl Tensor<'_> {
    /// The tensor as an array, where it is; errors are those of [`Tensor::values`].
    pub fn array<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let shape: Vec<usize> = self.shape().iter().map(|extent| usize::try_from(*extent).unwrap_or(0)).collect();
        ArrayViewD::from_shape(IxDyn(&shape), self.values()?).map_err(|error| Error::invalid(error.to_string()))
    }
}
