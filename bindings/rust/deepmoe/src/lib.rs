//! DeepMoE networks: train, evaluate, shrink and serve, with libdeepmoe, which pkg-config or `DEEPMOE_LIBRARY` finds at build
//! time. The C headers are the manual; here is what differs:
//!
//! - Objects release themselves when they are dropped. All are `Send`; [`Engine`], `Dataset`, `Report` and [`Tensors`] are `Sync`.
//! - A call that fails gives an [`Error`] with the library's words and a [`Code`].
//! - Images are [`Images`], slices with a shape, read where they are. A data set takes whatever owns its images.
//! - A callback is a closure. When it panics, the call ends, and the panic goes on in the caller.
//! - JSON is text, for whichever crate the program reads JSON with.
//!
//! With the feature `runtime`, libdeepmoe_runtime is linked, which serves networks and needs no LibTorch; `Dataset`, `Model`
//! and `Trainer` are then not there. The feature is for programs to choose, not for other libraries. With the feature
//! `ndarray`, images may come from, and results go to, arrays of that crate.
//!
//! ```
//! # #[cfg(not(feature = "runtime"))] {
//! use deepmoe::{Dataset, Images, Model, Options, Trainer};
//!
//! let options = Options::of(&[("width", "0.0625"), ("epochs", "1"), ("device", "cpu"), ("optimizer", "sgd")])?;
//! let train = Dataset::from_floats(vec![0.5; 8 * 3 * 16 * 16], &[0, 1, 2, 3, 0, 1, 2, 3], 16, 16, 4)?;
//! let mut model = Model::new(&options, Some(&train))?;
//! println!("{}", Trainer::new(&mut model, &options)?.fit(&train, None, None)?); // A summary in JSON.
//! let engine = model.compile(None)?;
//! let logits = engine.run(&Images::floats(&[0.5; 3 * 16 * 16], 1, 16, 16)?)?;
//! # assert_eq!(logits.len(), 4);
//! # }
//! # Ok::<(), deepmoe::Error>(())
//! ```
//!
//! A program that uses this crate finds the library at run time as any other shared one: in the system's folders, by
//! `LD_LIBRARY_PATH`, or by the line `println!("cargo::rustc-link-arg=-Wl,-rpath,/folder/of/the/library");` in its build.rs.

mod call;
#[cfg(not(feature = "runtime"))]
mod callback;
#[cfg(not(feature = "runtime"))]
mod dataset;
mod dlpack;
mod engine;
mod error;
mod images;
#[cfg(not(feature = "runtime"))]
mod loader;
mod log;
#[cfg(not(feature = "runtime"))]
mod model;
#[cfg(feature = "ndarray")]
mod ndarray;
mod options;
mod plugin;
#[cfg(not(feature = "runtime"))]
mod report;
mod tensors;
#[cfg(not(feature = "runtime"))]
mod trainer;

pub use deepmoe_sys as sys;

#[cfg(not(feature = "runtime"))]
pub use callback::{Callback, Event, EventKind};
#[cfg(not(feature = "runtime"))]
pub use dataset::{Dataset, fetch_dataset};
pub use dlpack::{Element, Tensor};
pub use engine::{Engine, Outputs};
pub use error::{Code, Error, Result};
pub use images::{Images, Layout};
#[cfg(not(feature = "runtime"))]
pub use loader::{Batch, Loader};
pub use log::{LogLevel, reset_log_callback, set_log_callback};
#[cfg(not(feature = "runtime"))]
pub use model::{Model, convert_pytorch};
pub use options::{Options, architecture_names, options_schema};
pub use plugin::Plugin;
#[cfg(not(feature = "runtime"))]
pub use report::{Matrix, Report};
#[cfg(not(feature = "runtime"))]
pub use tensors::State;
pub use tensors::Tensors;
#[cfg(not(feature = "runtime"))]
pub use trainer::{HoldsModel, Position, ProcessPlace, Trainer, diagnose, process_place};

/// The project's README, whose program is tested as this crate's examples are.
#[cfg(all(doctest, not(feature = "runtime")))]
#[doc = include_str!("../../../../README.md")]
struct Readme;

macro_rules! debug {
    ($($type:ty),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}
debug!(Options, Engine, Plugin);
#[cfg(not(feature = "runtime"))]
debug!(Dataset, Loader, Model, Report);

/// "major.minor.patch" of the library that is linked.
pub fn version() -> &'static str {
    // SAFETY: the text lives as long as the program.
    unsafe { std::ffi::CStr::from_ptr(sys::dmoe_version()) }.to_str().unwrap_or("")
}

/// The version of the library's interface; this crate was made for [`sys::DMOE_ABI_VERSION`].
pub fn abi_version() -> i32 {
    // SAFETY: it takes nothing.
    unsafe { sys::dmoe_abi_version() }
}

/// How many objects of a kind (`sys::DMOE_KIND_*`) exist in this process; -1 for an unknown kind.
pub fn live_objects(kind: i32) -> i64 {
    // SAFETY: any number may be asked for.
    unsafe { sys::dmoe_live_objects(kind) }
}
