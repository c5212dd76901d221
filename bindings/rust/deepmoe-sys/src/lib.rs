//! The C functions of libdeepmoe as they are, made from its headers by bindgen (`generate.sh`). The headers' comments are
//! the manual. The crate `deepmoe` is the same made safe.
//!
//! With the feature `runtime` the runtime library alone is linked, and what trains is not declared.
#![allow(non_camel_case_types, missing_docs, clippy::all)]
#![allow(rustdoc::all)]

mod dlpack;
mod runtime;
#[cfg(not(feature = "runtime"))]
mod training;

pub use dlpack::*;
pub use runtime::*;
#[cfg(not(feature = "runtime"))]
pub use training::*;
