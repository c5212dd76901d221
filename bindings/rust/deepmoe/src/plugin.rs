//! Plugins: shared libraries that add data sets, observers, backbones and gate metrics.

use std::path::Path;

use deepmoe_sys as sys;

use crate::Result;
use crate::call::{Owned, c_path, made, text};

/// A loaded plugin, whose data sets and backbones options `dataset` and `model` take as `PLUGIN:NAME`. It stays loaded until
/// the process ends. Option `plugin` loads files too, and besides has observers and gate metrics take part.
///
/// ```
/// // SAFETY: there is no such file, whose code could do harm.
/// let error = unsafe { deepmoe::Plugin::load("none.so") }.err().unwrap();
/// assert_eq!(error.code(), deepmoe::Code::NotFound);
/// assert!(error.message().contains("none.so"));
/// ```
pub struct Plugin(Owned<sys::dmoe_plugin>);

impl Plugin {
    /// Loads a file. Errors, which name it: `NotFound`, `Format`, `Unsupported` for a plugin that is too new or too old, and
    /// `InvalidArgument` when another plugin of its name is loaded.
    ///
    /// # Safety
    /// The file's code runs in this process; it must keep the promises of `deepmoe_plugin.h`.
    pub unsafe fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = c_path(path)?;
        // SAFETY: the text lives during the call, and the caller answers for the file.
        made(|plugin, error| unsafe { sys::dmoe_plugin_load(path.as_ptr(), plugin, error) }).map(Plugin)
    }

    /// What it offers, and the versions of plugin and library, as JSON.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_plugin_describe(self.0.get(), json, error) })
    }
}
