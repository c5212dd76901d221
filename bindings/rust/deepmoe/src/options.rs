//! Options, and the architectures that they describe.

use std::fmt;
use std::path::Path;

use deepmoe_sys as sys;

use crate::Result;
use crate::call::{Owned, c_path, c_text, check, made, text};

/// Values for the options of the library (docs/options.md). A value's precedence depends on where it came from, not on
/// the order of calls: default < recipe < file < environment < [`Options::set`].
///
/// ```
/// let mut options = deepmoe::Options::of(&[("model", "resnet18_moe"), ("width", "0.25")])?;
/// options.set("epochs", 3)?;
/// assert_eq!(options.get("epochs")?, "3");
/// let error = options.set("epoch", 3).unwrap_err();
/// assert_eq!(error.code(), deepmoe::Code::NotFound);
/// assert!(error.message().contains("epochs")); // The nearest name.
/// # Ok::<(), deepmoe::Error>(())
/// ```
pub struct Options(pub(crate) Owned<sys::dmoe_options>);

impl Options {
    /// Options of which none is set.
    pub fn new() -> Result<Self> {
        // SAFETY: both are places for results.
        made(|options, error| unsafe { sys::dmoe_options_create(options, error) }).map(Options)
    }

    /// Options with these names and values.
    pub fn of(values: &[(&str, &str)]) -> Result<Self> {
        let mut options = Options::new()?;
        for (name, value) in values {
            options.set(name, value)?;
        }
        Ok(options)
    }

    /// Options with every member of a JSON object.
    pub fn from_json(json: &str) -> Result<Self> {
        let mut options = Options::new()?;
        options.set_json(json)?;
        Ok(options)
    }

    /// A copy that can be changed on its own.
    pub fn try_clone(&self) -> Result<Self> {
        // SAFETY: the object lives.
        made(|copy, error| unsafe { sys::dmoe_options_copy(self.0.get(), copy, error) }).map(Options)
    }

    /// Sets one option from what can be printed: `0.1`, `true`, `"10,20"`. Errors: `NotFound` with the nearest name,
    /// `InvalidArgument` with the range or the choices, `Unsupported`.
    pub fn set(&mut self, name: &str, value: impl fmt::Display) -> Result<&mut Self> {
        let (name, value) = (c_text(name)?, c_text(&value.to_string())?);
        // SAFETY: the texts live during the call.
        check(|error| unsafe { sys::dmoe_options_set(self.0.get(), name.as_ptr(), value.as_ptr(), error) })?;
        Ok(self)
    }

    /// Sets every member of a JSON object, or none when one is refused.
    pub fn set_json(&mut self, json: &str) -> Result<&mut Self> {
        let json = c_text(json)?;
        // SAFETY: the text lives during the call.
        check(|error| unsafe { sys::dmoe_options_set_json(self.0.get(), json.as_ptr(), error) })?;
        Ok(self)
    }

    /// Reads a configuration file, such as a run's config.json, with the precedence of a file.
    pub fn load_file(&mut self, path: impl AsRef<Path>) -> Result<&mut Self> {
        let path = c_path(path)?;
        // SAFETY: the text lives during the call.
        check(|error| unsafe { sys::dmoe_options_load_file(self.0.get(), path.as_ptr(), error) })?;
        Ok(self)
    }

    /// Reads `DEEPMOE_<NAME>` for every option.
    pub fn read_environment(&mut self) -> Result<&mut Self> {
        // SAFETY: the object lives; who changes the environment meanwhile needs an unsafe block for it.
        check(|error| unsafe { sys::dmoe_options_read_environment(self.0.get(), error) })?;
        Ok(self)
    }

    /// One value as the text that [`Options::set`] would take.
    pub fn get(&self, name: &str) -> Result<String> {
        let name = c_text(name)?;
        // SAFETY: the text lives during the call.
        text(|value, error| unsafe { sys::dmoe_options_get(self.0.get(), name.as_ptr(), value, error) })
    }

    /// Every option with its resolved value, as a JSON object.
    pub fn to_json(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_options_to_json(self.0.get(), json, error) })
    }

    /// The network that the options describe, as JSON. An unset image_size counts as 224, an unset num_classes as 1000.
    pub fn architecture_json(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_architecture_json(self.0.get(), json, error) })
    }

    /// The same with shapes, parameters and multiply-accumulates of each node and in all, as JSON.
    pub fn architecture_describe(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_architecture_describe(self.0.get(), json, error) })
    }

    /// The same as a table for people.
    pub fn architecture_text(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|table, error| unsafe { sys::dmoe_architecture_text(self.0.get(), table, error) })
    }
}

/// The table of options itself, as JSON: names, types, defaults, ranges, choices, help.
pub fn options_schema() -> Result<String> {
    // SAFETY: both are places for results.
    text(|json, error| unsafe { sys::dmoe_options_schema(json, error) })
}

/// The names that option `model` takes, as a JSON array.
pub fn architecture_names() -> Result<String> {
    // SAFETY: both are places for results.
    text(|json, error| unsafe { sys::dmoe_architecture_names(json, error) })
}
