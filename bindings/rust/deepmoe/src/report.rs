//! Reports: what the experts of a gated network do on a data set.

use std::ffi::CStr;
use std::path::Path;
use std::ptr;

use deepmoe_sys as sys;

use crate::call::{Owned, Settings, c_path, c_text, check, made, number, text};
use crate::callback::during;
use crate::trainer::HoldsModel;
use crate::{Callback, Dataset, Engine, Model, Result, Trainer};

/// Figures of gates, embedding and predictions. It needs neither network nor data set any more, and any number of threads may
/// read one. The settings are those of `dmoe_report_create`.
pub struct Report(Owned<sys::dmoe_report>);

/// Rows one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    /// How many rows.
    pub rows: usize,
    /// How many numbers in each.
    pub columns: usize,
    /// All numbers.
    pub values: Vec<f64>,
}

impl Report {
    /// Runs every image through an engine.
    pub fn of_engine(
        engine: &Engine,
        dataset: &Dataset,
        settings: Option<&str>,
        callback: Callback<'_>,
    ) -> Result<Self> {
        let (engine, dataset, settings) = (engine.handle.get(), dataset.0.get(), Settings::new(settings)?);
        during(callback, |function, user_data| {
            // SAFETY: the objects live, and the receiver does during the call.
            made(|report, error| unsafe {
                sys::dmoe_report_create(engine, dataset, settings.get(), function, user_data, report, error)
            })
        })
        .map(Report)
    }

    /// Runs every image through a model as it is now, on the CPU.
    pub fn of_model(model: &Model, dataset: &Dataset, settings: Option<&str>, callback: Callback<'_>) -> Result<Self> {
        let (model, dataset, settings) = (model.0.get(), dataset.0.get(), Settings::new(settings)?);
        during(callback, |function, user_data| {
            // SAFETY: the objects live, and the receiver does during the call.
            made(|report, error| unsafe {
                sys::dmoe_report_create_from_model(model, dataset, settings.get(), function, user_data, report, error)
            })
        })
        .map(Report)
    }

    /// Runs every image through the model that is trained, between two steps.
    pub fn of_trainer<M: HoldsModel>(
        trainer: &Trainer<M>,
        dataset: &Dataset,
        settings: Option<&str>,
        callback: Callback<'_>,
    ) -> Result<Self> {
        let (trainer, dataset, settings) = (trainer.handle.get(), dataset.0.get(), Settings::new(settings)?);
        during(callback, |function, user_data| {
            // SAFETY: the objects live, and the receiver does during the call.
            made(|report, error| unsafe {
                let settings = settings.get();
                sys::dmoe_report_create_from_trainer(trainer, dataset, settings, function, user_data, report, error)
            })
        })
        .map(Report)
    }

    /// The same report, which also says how the network differs from an earlier state.
    pub fn compared_with(&self, reference: &Report) -> Result<Self> {
        // SAFETY: the objects live.
        made(|report, error| unsafe { sys::dmoe_report_compare(self.0.get(), reference.0.get(), report, error) })
            .map(Report)
    }

    /// All figures but the matrices, as JSON.
    pub fn json(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_report_json(self.0.get(), json, error) })
    }

    /// The names of the gates, in the order of the network.
    pub fn layers(&self) -> Vec<String> {
        (0..)
            // SAFETY: the object lives, and its names with it.
            .map(|index| unsafe { sys::dmoe_report_layer(self.0.get(), index) })
            .take_while(|name| !name.is_null())
            // SAFETY: it is a text that ends with a zero.
            .map(|name| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
            .collect()
    }

    /// "confusion", "class_similarity", "embedding"; and of a layer "utilisation", "class_activation", "co_activation".
    pub fn matrix(&self, name: &str, layer: Option<&str>) -> Result<Matrix> {
        let (name, layer) = (c_text(name)?, layer.map(c_text).transpose()?);
        let layer = layer.as_ref().map_or(ptr::null(), |layer| layer.as_ptr());
        let mut shape = [-1i64, 0];
        let call = |values: &mut [f64], shape: *mut i64| {
            let place = if values.is_empty() { ptr::null_mut() } else { values.as_mut_ptr() };
            // SAFETY: the texts live, and the buffer has that much room.
            check(|error| unsafe {
                let room = number(values.len());
                sys::dmoe_report_matrix(self.0.get(), name.as_ptr(), layer, place, room, shape, error)
            })
        };
        let answer = call(&mut [], shape.as_mut_ptr());
        if shape[0] < 0 {
            answer?;
        }
        let [rows, columns] = shape.map(|size| usize::try_from(size).unwrap_or(0));
        let mut values = vec![0.0; rows * columns];
        call(&mut values, ptr::null_mut())?;
        Ok(Matrix { rows, columns, values })
    }

    /// Writes report.html, report.json and a CSV for each table.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = c_path(folder)?;
        // SAFETY: the text lives during the call.
        check(|error| unsafe { sys::dmoe_report_write(self.0.get(), folder.as_ptr(), error) })
    }
}
