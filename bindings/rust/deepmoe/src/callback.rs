//! Events of long calls, and callbacks that survive a panic.

use std::any::Any;
use std::ffi::{CStr, c_char, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use deepmoe_sys as sys;

use crate::Result;

/// What an event is about; the JSON of each is described at `DMOE_EVENT_START` in deepmoe.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A run begins.
    Start,
    /// A step was done.
    Step,
    /// An epoch ended: a line of metrics.
    Epoch,
    /// A file was written.
    Saved,
    /// Images were evaluated.
    Validation,
    /// Bytes of a data set came in.
    Fetch,
    /// One that a newer library tells.
    Other(i32),
}

/// One event of a long call.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What it is about.
    pub kind: EventKind,
    /// Its figures, a JSON object.
    pub json: &'a str,
}

/// Receives events, if there is one. `Break(number)` ends the call with an error of [`Code::Callback`](crate::Code) of that
/// number (`Break(0)` with `Code::Cancelled`); the step under way is finished and everything saved. It is called in a thread
/// of the library's choice, never twice at the same time. When it panics, the call ends, and the panic goes on in it.
pub type Callback<'a> = Option<&'a mut (dyn FnMut(Event<'_>) -> ControlFlow<i32> + Send + 'a)>;

struct Receiver<'a> {
    callback: &'a mut (dyn FnMut(Event<'_>) -> ControlFlow<i32> + Send + 'a),
    panic: Option<Box<dyn Any + Send>>,
}

/// Makes a C call that takes a callback.
pub(crate) fn during<T>(
    callback: Callback<'_>,
    call: impl FnOnce(sys::dmoe_event_callback, *mut c_void) -> Result<T>,
) -> Result<T> {
    let Some(callback) = callback else { return call(None, ptr::null_mut()) };
    let mut receiver = Receiver { callback, panic: None };
    let answer = call(Some(receive), (&raw mut receiver).cast());
    match receiver.panic {
        Some(payload) => resume_unwind(payload),
        None => answer,
    }
}

unsafe extern "C" fn receive(event: i32, json: *const c_char, user_data: *mut c_void) -> i32 {
    // SAFETY: `during` lends its receiver to one call, which makes one callback at a time.
    let receiver = unsafe { &mut *user_data.cast::<Receiver<'_>>() };
    if receiver.panic.is_some() {
        return i32::MIN;
    }
    let kind = match event {
        sys::DMOE_EVENT_START => EventKind::Start,
        sys::DMOE_EVENT_STEP => EventKind::Step,
        sys::DMOE_EVENT_EPOCH => EventKind::Epoch,
        sys::DMOE_EVENT_SAVED => EventKind::Saved,
        sys::DMOE_EVENT_VALIDATION => EventKind::Validation,
        sys::DMOE_EVENT_FETCH => EventKind::Fetch,
        other => EventKind::Other(other),
    };
    // SAFETY: the text is valid during the call.
    let json = unsafe { CStr::from_ptr(json) }.to_string_lossy();
    match catch_unwind(AssertUnwindSafe(|| (receiver.callback)(Event { kind, json: &json }))) {
        Ok(ControlFlow::Continue(())) => sys::DMOE_OK,
        Ok(ControlFlow::Break(0)) => sys::DMOE_ERROR_CANCELLED,
        Ok(ControlFlow::Break(number)) => number,
        Err(payload) => {
            receiver.panic = Some(payload);
            i32::MIN
        }
    }
}
