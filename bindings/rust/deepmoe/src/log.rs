//! The library's log.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use deepmoe_sys as sys;

use crate::call::check;
use crate::{Code, Error, Result};

/// How much a log message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something may not be as wished.
    Warning,
    /// What happens.
    Info,
    /// For who looks for a defect.
    Debug,
}

type Receiver = Box<dyn FnMut(LogLevel, &str) + Send>;

// The receiver in use, boxed twice since C keeps a thin pointer.
static RECEIVER: Mutex<Option<Place>> = Mutex::new(None);

struct Place(*mut Receiver);
// SAFETY: a receiver is Send, and the lock lets one thread at a time have it.
unsafe impl Send for Place {}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Replaces the receiver of the process's log messages. Once this has returned, the former receiver is not called any
/// more. What a receiver panics with is dropped, as there is no call to panic in. Errors: `State` from inside a receiver.
pub fn set_log_callback(receiver: impl FnMut(LogLevel, &str) + Send + 'static) -> Result<()> {
    replace(Some(Box::new(receiver)))
}

/// Restores the default receiver, which prints warnings and errors to standard error.
pub fn reset_log_callback() -> Result<()> {
    replace(None)
}

fn replace(receiver: Option<Receiver>) -> Result<()> {
    if INSIDE.get() {
        return Err(Error::new(Code::State, "the receiver of log messages cannot be replaced by the receiver itself"));
    }
    let next = receiver.map(|receiver| Box::into_raw(Box::new(receiver)));
    let mut current = RECEIVER.lock().unwrap_or_else(PoisonError::into_inner);
    let function: sys::dmoe_log_callback = if next.is_some() { Some(receive) } else { None };
    let user_data = next.map_or(ptr::null_mut(), |place| place.cast::<c_void>());
    // SAFETY: the receiver lives until it has been replaced.
    let answer = check(|error| unsafe { sys::dmoe_set_log_callback(function, user_data, error) });
    let unused = if answer.is_ok() { std::mem::replace(&mut *current, next.map(Place)) } else { next.map(Place) };
    drop(current);
    if let Some(Place(receiver)) = unused {
        // SAFETY: it came from a box, and is not called any more.
        drop(unsafe { Box::from_raw(receiver) });
    }
    answer
}

unsafe extern "C" fn receive(level: i32, message: *const c_char, user_data: *mut c_void) -> i32 {
    let level = match level {
        sys::DMOE_LOG_ERROR => LogLevel::Error,
        sys::DMOE_LOG_WARNING => LogLevel::Warning,
        sys::DMOE_LOG_INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    INSIDE.set(true);
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the message is valid during the call, of which there is one at a time.
        let (receiver, message) = unsafe { (&mut *user_data.cast::<Receiver>(), CStr::from_ptr(message)) };
        receiver(level, &message.to_string_lossy());
    }));
    INSIDE.set(false);
    0
}
