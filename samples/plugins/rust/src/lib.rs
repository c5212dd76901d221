//! A data set as a plugin in Rust: chequers with small or large squares. It needs neither C++ nor a binding: the structs below are
//! those of deepmoe_plugin.h.
//!
//!   cargo build --release
//!   deepmoe train --plugin target/release/libsample_rust.so --dataset sample_rust:chequers --epochs 3

use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::OnceLock;

const VERSION: i32 = 2;
const SIDE: usize = 32;

#[repr(C)]
pub struct Text {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct Api {
    version: i32,
    size: i32,
    put: unsafe extern "C" fn(*mut Text, *const c_char, i64) -> i32,
    fail: unsafe extern "C" fn(*mut Text, i32, *const c_char) -> i32,
    log: unsafe extern "C" fn(i32, *const c_char),
}

#[repr(C)]
pub struct DatasetTable {
    version: i32,
    size: i32,
    name: *const c_char,
    summary: *const c_char,
    open: unsafe extern "C" fn(*const c_char, *const c_char, *mut *mut c_void, *mut Text) -> i32,
    describe: unsafe extern "C" fn(*mut c_void, *mut Text, *mut Text) -> i32,
    labels: unsafe extern "C" fn(*mut c_void, *mut i64, i64, *mut Text) -> i32,
    image: unsafe extern "C" fn(*mut c_void, i64, *mut u8, i64, *mut Text) -> i32,
    close: unsafe extern "C" fn(*mut c_void),
}

#[repr(C)]
pub struct Table {
    version: i32,
    size: i32,
    name: *const c_char,
    summary: *const c_char,
    datasets: *const *const DatasetTable,
    observers: *const c_void,
    backbones: *const c_void,
    gate_metrics: *const c_void,
}

#[repr(C)]
pub struct Door {
    version: i32,
    api: unsafe extern "C" fn(i32) -> *const Api,
    refuse: unsafe extern "C" fn(*const Door, *const c_char),
}

struct Shared<T>(T);
// SAFETY: tables and the host's API are never written to.
unsafe impl<T> Sync for Shared<T> {}
unsafe impl<T> Send for Shared<T> {}

static API: OnceLock<Shared<*const Api>> = OnceLock::new();

fn api() -> &'static Api {
    // SAFETY: dmoe_plugin_entry has set it before anything else is called, and it lives as long as the process.
    unsafe { &*API.get().expect("the host enters first").0 }
}

/// Runs a function of the plugin; its error, or its panic, is told to the host.
fn guarded(error: *mut Text, work: impl FnOnce() -> Result<(), String>) -> i32 {
    let message = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return 0,
        Ok(Err(message)) => message,
        Err(_) => "it panicked".to_owned(),
    };
    let message = CString::new(message).unwrap_or_default();
    // SAFETY: the text is valid during the call.
    unsafe { (api().fail)(error, 10, message.as_ptr()) }
}

/// The images of one split.
struct Chequers {
    size: usize,
    first: usize,
}

impl Chequers {
    fn label(&self, index: usize) -> usize {
        (self.first + index) % 2
    }

    fn pixel(&self, index: usize, row: usize, column: usize) -> u8 {
        let number = self.first + index;
        let square = if self.label(index) == 0 { 3 } else { 8 };
        let shift = number * 7 % square;
        if ((row + shift) / square + (column + shift) / square) % 2 == 0 { 220 - (number % 60) as u8 } else { 20 }
    }
}

unsafe extern "C" fn open(split: *const c_char, _options: *const c_char, dataset: *mut *mut c_void, error: *mut Text) -> i32 {
    guarded(error, || {
        // SAFETY: the host hands over a text and a place for the result.
        let training = unsafe { CStr::from_ptr(split) }.to_bytes() == b"train";
        let chequers = if training { Chequers { size: 400, first: 0 } } else { Chequers { size: 100, first: 400 } };
        unsafe { *dataset = Box::into_raw(Box::new(chequers)).cast() };
        Ok(())
    })
}

unsafe extern "C" fn describe(dataset: *mut c_void, json: *mut Text, error: *mut Text) -> i32 {
    guarded(error, || {
        // SAFETY: `open` made it.
        let chequers = unsafe { &*dataset.cast::<Chequers>() };
        let text = format!(
            r#"{{"size": {}, "channels": 1, "height": {SIDE}, "width": {SIDE}, "class_names": ["small", "large"]}}"#,
            chequers.size
        );
        // SAFETY: the host copies the bytes.
        match unsafe { (api().put)(json, text.as_ptr().cast(), text.len() as i64) } {
            0 => Ok(()),
            status => Err(format!("the host answers {status}")),
        }
    })
}

unsafe extern "C" fn labels(dataset: *mut c_void, values: *mut i64, count: i64, error: *mut Text) -> i32 {
    guarded(error, || {
        // SAFETY: `open` made it, and the host lends `count` numbers.
        let (chequers, values) =
            unsafe { (&*dataset.cast::<Chequers>(), std::slice::from_raw_parts_mut(values, count as usize)) };
        for (index, value) in values.iter_mut().enumerate() {
            *value = chequers.label(index) as i64;
        }
        Ok(())
    })
}

unsafe extern "C" fn image(dataset: *mut c_void, index: i64, pixels: *mut u8, capacity: i64, error: *mut Text) -> i32 {
    guarded(error, || {
        // SAFETY: `open` made it, nobody writes to it, and the host lends `capacity` bytes.
        let (chequers, pixels) =
            unsafe { (&*dataset.cast::<Chequers>(), std::slice::from_raw_parts_mut(pixels, capacity as usize)) };
        if pixels.len() != SIDE * SIDE {
            return Err(format!("an image has {} bytes, not {capacity}", SIDE * SIDE));
        }
        for (place, pixel) in pixels.iter_mut().enumerate() {
            *pixel = chequers.pixel(index as usize, place / SIDE, place % SIDE);
        }
        Ok(())
    })
}

unsafe extern "C" fn close(dataset: *mut c_void) {
    // SAFETY: `open` made it, and the host is done with it.
    drop(unsafe { Box::from_raw(dataset.cast::<Chequers>()) });
}

static CHEQUERS: Shared<DatasetTable> = Shared(DatasetTable {
    version: VERSION,
    size: size_of::<DatasetTable>() as i32,
    name: c"chequers".as_ptr(),
    summary: c"chequers with small or large squares, grey, 32 x 32".as_ptr(),
    open,
    describe,
    labels,
    image,
    close,
});
static DATASETS: Shared<[*const DatasetTable; 2]> = Shared([&CHEQUERS.0, null()]);
static TABLE: Shared<Table> = Shared(Table {
    version: VERSION,
    size: size_of::<Table>() as i32,
    name: c"sample_rust".as_ptr(),
    summary: c"A data set in Rust".as_ptr(),
    datasets: DATASETS.0.as_ptr(),
    observers: null(),
    backbones: null(),
    gate_metrics: null(),
});

/// What the host calls first.
///
/// # Safety
/// `door` is the host's, as deepmoe_plugin.h says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dmoe_plugin_entry(door: *const Door) -> *const Table {
    // SAFETY: as the caller promises.
    let api = unsafe { ((*door).api)(VERSION) };
    if api.is_null() {
        unsafe { ((*door).refuse)(door, c"it needs a newer libdeepmoe".as_ptr()) };
        return null();
    }
    API.get_or_init(|| Shared(api));
    &TABLE.0
}
