//! What a call that failed says.

use std::ffi::CStr;
use std::fmt;

use deepmoe_sys as sys;

/// What kind of failure it was: one of the library's statuses, or what a callback answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A value, name, shape or combination that the caller can correct.
    InvalidArgument,
    /// A file, folder, tensor or name that does not exist.
    NotFound,
    /// The operating system refused to read or write.
    Io,
    /// A file or text that is not what it must be.
    Format,
    /// A valid wish that this version or this machine cannot fulfil.
    Unsupported,
    /// There was not enough memory.
    OutOfMemory,
    /// The call was cancelled.
    Cancelled,
    /// A loss or tensor became NaN or infinite.
    Numeric,
    /// The call is not allowed in the object's present state.
    State,
    /// A defect of the library.
    Internal,
    /// A callback ended the call with this number, which is none of the library's.
    Callback(i32),
}

const CODES: [(i32, Code); 10] = [
    (sys::DMOE_ERROR_INVALID_ARGUMENT, Code::InvalidArgument),
    (sys::DMOE_ERROR_NOT_FOUND, Code::NotFound),
    (sys::DMOE_ERROR_IO, Code::Io),
    (sys::DMOE_ERROR_FORMAT, Code::Format),
    (sys::DMOE_ERROR_UNSUPPORTED, Code::Unsupported),
    (sys::DMOE_ERROR_OUT_OF_MEMORY, Code::OutOfMemory),
    (sys::DMOE_ERROR_CANCELLED, Code::Cancelled),
    (sys::DMOE_ERROR_NUMERIC, Code::Numeric),
    (sys::DMOE_ERROR_STATE, Code::State),
    (sys::DMOE_ERROR_INTERNAL, Code::Internal),
];

impl Code {
    /// The code of a status that is not `DMOE_OK`.
    pub fn of(status: i32) -> Self {
        CODES.iter().find(|(number, _)| *number == status).map_or(Code::Callback(status), |(_, code)| *code)
    }

    /// The number that it is in C.
    pub fn status(self) -> i32 {
        match self {
            Code::Callback(status) => status,
            _ => CODES.iter().find(|(_, code)| *code == self).expect("every code has a number").0,
        }
    }

    /// Its name, such as "invalid_argument"; "callback" for [`Code::Callback`].
    pub fn name(self) -> &'static str {
        // SAFETY: the library never gives NULL here, and the name lives as long as the program.
        unsafe { CStr::from_ptr(sys::dmoe_status_name(self.status())) }.to_str().unwrap_or("")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A call that failed: what was wrong, with which value, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: String,
}

/// What every call that can fail gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::new(Code::InvalidArgument, message)
    }

    /// What kind of failure it was.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The library's words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Of a status other than `DMOE_OK` and the error that came with it, which is released.
    ///
    /// # Safety
    /// `error` is NULL or an error of the library that nobody else releases.
    pub(crate) unsafe fn take(status: i32, error: *mut sys::dmoe_error) -> Self {
        let code = Code::of(status);
        if error.is_null() {
            return Error::new(code, code.name());
        }
        // SAFETY: the error lives until it is released below; its code is the status.
        unsafe {
            debug_assert_eq!(status, sys::dmoe_error_code(error));
            let message = CStr::from_ptr(sys::dmoe_error_message(error)).to_string_lossy().into_owned();
            sys::dmoe_error_release(error);
            Error::new(code, message)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
