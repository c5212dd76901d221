//! Calls over the border, and who owns what they give.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::{self, NonNull};

use deepmoe_sys as sys;

use crate::{Error, Result};

/// Makes a call that takes an error at the end.
pub(crate) fn check(call: impl FnOnce(*mut *mut sys::dmoe_error) -> i32) -> Result<()> {
    let mut error = ptr::null_mut();
    match call(&mut error) {
        sys::DMOE_OK => Ok(()),
        // SAFETY: the call gave the error away.
        status => Err(unsafe { Error::take(status, error) }),
    }
}

/// Makes a call that gives an object before the error.
pub(crate) fn made<T: Release>(call: impl FnOnce(*mut *mut T, *mut *mut sys::dmoe_error) -> i32) -> Result<Owned<T>> {
    let mut pointer = ptr::null_mut();
    check(|error| call(&mut pointer, error))?;
    // SAFETY: the call gave the object away.
    Ok(unsafe { Owned::of(pointer) })
}

/// Makes a call that gives text before the error.
pub(crate) fn text(call: impl FnOnce(*mut *mut sys::dmoe_string, *mut *mut sys::dmoe_error) -> i32) -> Result<String> {
    made(call).map(|string| string.text())
}

/// An object of the library, which is released when this is dropped.
pub(crate) struct Owned<T: Release>(NonNull<T>);

impl<T: Release> Owned<T> {
    /// # Safety
    /// A call that succeeded gave the object away, and nobody else releases it.
    pub(crate) unsafe fn of(pointer: *mut T) -> Self {
        Owned(NonNull::new(pointer).expect("a call that succeeds gives its object"))
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Release> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: this owns the object, and nothing borrows from it any more.
        unsafe { T::release(self.get()) }
    }
}

// SAFETY: the library ties no object to a thread, and release functions may be called from any.
unsafe impl<T: Release> Send for Owned<T> {}
// SAFETY: these are immutable; the header lets many threads use one. Nobody else's may be shared.
unsafe impl Sync for Owned<sys::dmoe_engine> {}
unsafe impl Sync for Owned<sys::dmoe_tensors> {}
unsafe impl Sync for Owned<sys::dmoe_plugin> {}
#[cfg(not(feature = "runtime"))]
unsafe impl Sync for Owned<sys::dmoe_dataset> {}
#[cfg(not(feature = "runtime"))]
unsafe impl Sync for Owned<sys::dmoe_report> {}

impl Owned<sys::dmoe_string> {
    fn text(&self) -> String {
        // SAFETY: the bytes live as long as the string.
        let bytes = unsafe {
            let size = usize::try_from(sys::dmoe_string_size(self.get())).expect("a size is not negative");
            std::slice::from_raw_parts(sys::dmoe_string_data(self.get()).cast::<u8>(), size)
        };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// A type of object and its release function.
pub(crate) trait Release {
    /// # Safety
    /// The object is the caller's, and no call with it is under way.
    unsafe fn release(pointer: *mut Self);
}

macro_rules! release {
    ($($type:ident $release:ident),*) => {$(
        impl Release for sys::$type {
            unsafe fn release(pointer: *mut Self) {
                // SAFETY: as promised by the caller.
                unsafe { sys::$release(pointer) }
            }
        }
    )*};
}
release!(dmoe_string dmoe_string_release, dmoe_options dmoe_options_release, dmoe_tensors dmoe_tensors_release,
         dmoe_engine dmoe_engine_release, dmoe_plugin dmoe_plugin_release);
#[cfg(not(feature = "runtime"))]
release!(dmoe_dataset dmoe_dataset_release, dmoe_loader dmoe_loader_release, dmoe_model dmoe_model_release,
         dmoe_trainer dmoe_trainer_release, dmoe_report dmoe_report_release);

/// Text for C, which ends it at a zero.
pub(crate) fn c_text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::invalid(format!("{text:?} has a zero byte inside")))
}

/// A path for C, which takes UTF-8.
pub(crate) fn c_path(path: impl AsRef<Path>) -> Result<CString> {
    let path = path.as_ref();
    c_text(path.to_str().ok_or_else(|| Error::invalid(format!("the path {} is not UTF-8", path.display())))?)
}

/// JSON of settings, or NULL.
pub(crate) struct Settings(Option<CString>);

impl Settings {
    pub(crate) fn new(json: Option<&str>) -> Result<Self> {
        json.map(c_text).transpose().map(Settings)
    }

    pub(crate) fn get(&self) -> *const c_char {
        self.0.as_ref().map_or(ptr::null(), |text| text.as_ptr())
    }
}

/// A number for C. Sizes of things that exist fit.
pub(crate) fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
