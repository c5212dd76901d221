//! Images of the program, lent for a call.

use crate::call::number;
#[cfg(not(feature = "runtime"))]
use crate::dlpack::Lent;
use crate::{Error, Result};

/// Where the channels of bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Layout {
    /// (batch, 3, height, width)
    Nchw = deepmoe_sys::DMOE_LAYOUT_NCHW,
    /// (batch, height, width, 3)
    Nhwc = deepmoe_sys::DMOE_LAYOUT_NHWC,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Elements<'a> {
    Floats(&'a [f32]),
    Bytes(&'a [u8], Layout),
}

/// A batch of RGB images, which are read where they are and never copied: floats that are already normalised, or bytes,
/// which the library normalises.
#[derive(Debug, Clone, Copy)]
pub struct Images<'a> {
    pub(crate) elements: Elements<'a>,
    pub(crate) batch: i64,
    pub(crate) height: i64,
    pub(crate) width: i64,
}

impl<'a> Images<'a> {
    /// batch x 3 x height x width floats that are already normalised.
    pub fn floats(values: &'a [f32], batch: usize, height: usize, width: usize) -> Result<Self> {
        Self::new(Elements::Floats(values), values.len(), [batch, height, width])
    }

    /// Bytes 0..255, (batch, 3, height, width) or (batch, height, width, 3).
    pub fn bytes(values: &'a [u8], batch: usize, height: usize, width: usize, layout: Layout) -> Result<Self> {
        Self::new(Elements::Bytes(values, layout), values.len(), [batch, height, width])
    }

    fn new(elements: Elements<'a>, size: usize, shape: [usize; 3]) -> Result<Self> {
        expect_size("images", size, &[shape[0], 3, shape[1], shape[2]])?;
        let [batch, height, width] = shape.map(number);
        Ok(Images { elements, batch, height, width })
    }

    /// The same memory as a tensor (batch, 3, height, width) of DLPack.
    #[cfg(not(feature = "runtime"))]
    pub(crate) fn lend(&self) -> Result<Lent<'a>> {
        let shape = [self.batch, 3, self.height, self.width];
        match self.elements {
            Elements::Floats(values) => Ok(Lent::new(values, shape)),
            Elements::Bytes(values, Layout::Nchw) => Ok(Lent::new(values, shape)),
            Elements::Bytes(_, Layout::Nhwc) => {
                Err(Error::invalid("a model takes bytes as (batch, 3, height, width); the images are Layout::Nhwc"))
            }
        }
    }
}

pub(crate) fn expect_size(what: &str, size: usize, shape: &[usize]) -> Result<()> {
    match shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent)) {
        Some(elements) if elements == size => Ok(()),
        _ => Err(Error::invalid(format!("{what} have {size} elements, must have those of the shape {shape:?}"))),
    }
}
