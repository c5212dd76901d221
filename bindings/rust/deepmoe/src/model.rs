//! Networks with weights.

use std::marker::PhantomData;
use std::path::Path;
use std::ptr;

use deepmoe_sys as sys;

use crate::call::{Owned, Settings, c_path, check, made, number, text};
use crate::callback::during;
use crate::images::{Elements, Images};
use crate::tensors::State;
use crate::{Callback, Dataset, Engine, Error, Options, Result, Tensors};

/// A network with its weights. It may go to another thread, but one thread at a time uses it:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<deepmoe::Model>();
/// ```
///
/// Its weights can be seen where they are, and not while they change:
///
/// ```compile_fail,E0502
/// # fn seen(mut model: deepmoe::Model, weights: &deepmoe::Tensors) -> deepmoe::Result<()> {
/// let state = model.state()?;
/// model.load_state(weights)?; // The state borrows the model.
/// println!("{state:?}");
/// # Ok(()) }
/// ```
pub struct Model(pub(crate) Owned<sys::dmoe_model>);

fn or_null(options: Option<&Options>) -> *const sys::dmoe_options {
    options.map_or(ptr::null(), |options| options.0.get())
}

impl Model {
    /// Random weights from option `seed`; what the options leave open is the data set's, whose normalisation and class names
    /// are remembered.
    pub fn new(options: &Options, dataset: Option<&Dataset>) -> Result<Self> {
        let dataset = dataset.map_or(ptr::null_mut(), |dataset| dataset.0.get());
        // SAFETY: the objects live.
        made(|model, error| unsafe { sys::dmoe_model_create(options.0.get(), dataset, model, error) }).map(Model)
    }

    /// Reads a safetensors file. Options complete a file without metadata and choose the device.
    pub fn load(path: impl AsRef<Path>, options: Option<&Options>) -> Result<Self> {
        let path = c_path(path)?;
        // SAFETY: the objects live.
        made(|model, error| unsafe { sys::dmoe_model_load(path.as_ptr(), or_null(options), model, error) }).map(Model)
    }

    /// Writes weights, architecture, options, normalisation and class names, replacing an older file only when complete.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path)?;
        // SAFETY: the text lives during the call.
        check(|error| unsafe { sys::dmoe_model_save(self.0.get(), path.as_ptr(), error) })
    }

    /// Model, device, classes, normalisation, options, architecture and cost, as JSON.
    pub fn describe(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_model_describe(self.0.get(), json, error) })
    }

    /// Shapes, parameters and multiply-accumulates of each node, as JSON.
    pub fn architecture_describe(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|json, error| unsafe { sys::dmoe_model_architecture_describe(self.0.get(), json, error) })
    }

    /// The same as a table for people.
    pub fn architecture_text(&self) -> Result<String> {
        // SAFETY: the object lives.
        text(|table, error| unsafe { sys::dmoe_model_architecture_text(self.0.get(), table, error) })
    }

    /// All outputs in evaluation mode: "logits" and, of a gated network, "embedding", "embedding_logits" and
    /// "gate.&lt;layer&gt;". Bytes must be [`Layout::Nchw`](crate::Layout).
    pub fn forward(&self, images: &Images<'_>) -> Result<Tensors> {
        let lent = images.lend()?;
        // SAFETY: the images live during the call, which only reads them.
        unsafe { self.forward_raw(lent.get()) }
    }

    /// The same for a tensor of another crate, on the CPU or a CUDA device.
    ///
    /// # Safety
    /// It is a valid tensor of DLPack, which is only read during the call.
    pub unsafe fn forward_raw(&self, images: *const sys::DLManagedTensor) -> Result<Tensors> {
        // SAFETY: as promised by the caller.
        made(|outputs, error| unsafe { sys::dmoe_model_forward(self.0.get(), images, outputs, error) }).map(Tensors)
    }

    /// Logits, num_classes for each image of floats.
    pub fn logits(&self, images: &Images<'_>) -> Result<Vec<f32>> {
        let mut logits = Vec::new();
        let mut needed = -1;
        let answer = self.call(images, &mut logits, &mut needed);
        if needed <= 0 {
            return answer.map(|()| logits);
        }
        logits.resize(usize::try_from(needed).unwrap_or(0), 0.0);
        self.call(images, &mut logits, &mut needed).map(|()| logits)
    }

    /// Writes logits to a buffer that is large enough; how many there are.
    pub fn logits_into(&self, images: &Images<'_>, logits: &mut [f32]) -> Result<usize> {
        let mut needed = 0;
        self.call(images, logits, &mut needed)?;
        Ok(usize::try_from(needed).unwrap_or(0))
    }

    fn call(&self, images: &Images<'_>, logits: &mut [f32], needed: &mut i64) -> Result<()> {
        let Elements::Floats(values) = images.elements else {
            return Err(Error::invalid("logits takes images of floats; these are bytes, which forward takes"));
        };
        let place = if logits.is_empty() { ptr::null_mut() } else { logits.as_mut_ptr() };
        // SAFETY: there are as many images as they say, and the buffer has that much room.
        check(|error| unsafe {
            sys::dmoe_model_forward_f32(
                self.0.get(),
                values.as_ptr(),
                images.batch,
                images.height,
                images.width,
                place,
                number(logits.len()),
                needed,
                error,
            )
        })
    }

    /// A JPEG or PNG file as the model wants it: one tensor "input" (1, 3, image_size, image_size).
    pub fn read_image(&self, path: impl AsRef<Path>) -> Result<Tensors> {
        let path = c_path(path)?;
        // SAFETY: the text lives during the call.
        made(|image, error| unsafe { sys::dmoe_model_read_image(self.0.get(), path.as_ptr(), image, error) })
            .map(Tensors)
    }

    /// The weights by their state_dict names, sharing memory with the model.
    pub fn state(&self) -> Result<State<'_>> {
        // SAFETY: the object lives, and what changes weights cannot borrow it while the state does.
        let tensors = made(|state, error| unsafe { sys::dmoe_model_state(self.0.get(), state, error) }).map(Tensors)?;
        Ok(State { tensors, model: PhantomData })
    }

    /// Copies weights in by name; every entry must be there. On failure the model is as before.
    pub fn load_state(&mut self, state: &Tensors) -> Result<()> {
        // SAFETY: the objects live.
        check(|error| unsafe { sys::dmoe_model_load_state(self.0.get(), state.0.get(), error) })
    }

    /// A dense copy for evaluation, batch norms folded, gates left out.
    pub fn fold(&self) -> Result<Self> {
        // SAFETY: the object lives.
        made(|folded, error| unsafe { sys::dmoe_model_fold(self.0.get(), folded, error) }).map(Model)
    }

    /// The model as it is now, for inference; the settings are those of [`Engine::open`].
    pub fn compile(&self, settings: Option<&str>) -> Result<Engine> {
        let settings = Settings::new(settings)?;
        // SAFETY: the text lives during the call.
        made(|engine, error| unsafe { sys::dmoe_engine_create_from_model(self.0.get(), settings.get(), engine, error) })
            .map(Engine::of)
    }

    /// Writes the network as an ONNX model; the settings are those of `dmoe_model_export_onnx`:
    /// `{"gates": true, "image_size": 224}`.
    pub fn export_onnx(&self, path: impl AsRef<Path>, settings: Option<&str>) -> Result<()> {
        let (path, settings) = (c_path(path)?, Settings::new(settings)?);
        // SAFETY: the texts live during the call.
        check(|error| unsafe { sys::dmoe_model_export_onnx(self.0.get(), path.as_ptr(), settings.get(), error) })
    }

    /// Figures over every image of the data set, as JSON; without options those that the model was made with count.
    pub fn evaluate(&self, dataset: &Dataset, options: Option<&Options>, callback: Callback<'_>) -> Result<String> {
        during(callback, |function, user_data| {
            // SAFETY: the objects live, and the receiver does during the call.
            text(|json, error| unsafe {
                let options = or_null(options);
                sys::dmoe_model_evaluate(self.0.get(), dataset.0.get(), options, function, user_data, json, error)
            })
        })
    }

    /// A smaller model without the experts that no image uses, and the report as JSON; the settings are those of
    /// `dmoe_model_compact`: `{"min_utilisation": 0.01, "classes": [3, "cat"]}`.
    pub fn compact(
        &self,
        calibration: &Dataset,
        settings: Option<&str>,
        options: Option<&Options>,
        callback: Callback<'_>,
    ) -> Result<(Self, String)> {
        let settings = Settings::new(settings)?;
        during(callback, |function, user_data| {
            let mut smaller = ptr::null_mut();
            // SAFETY: the objects live, and the receiver does during the call.
            let report = text(|report, error| unsafe {
                sys::dmoe_model_compact(
                    self.0.get(),
                    calibration.0.get(),
                    settings.get(),
                    or_null(options),
                    function,
                    user_data,
                    &mut smaller,
                    report,
                    error,
                )
            })?;
            // SAFETY: the call gave the model away.
            Ok((Model(unsafe { Owned::of(smaller) }), report))
        })
    }
}

/// Reads what Python's `torch.save` wrote and writes it as safetensors; nothing in the file is executed. Where options set
/// `model`, names and shapes are checked against that network. The settings are those of `dmoe_convert_pytorch`.
pub fn convert_pytorch(
    path: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: Option<&Options>,
    settings: Option<&str>,
) -> Result<()> {
    let (path, output, settings) = (c_path(path)?, c_path(output)?, Settings::new(settings)?);
    // SAFETY: the texts live during the call.
    check(|error| unsafe {
        sys::dmoe_convert_pytorch(path.as_ptr(), output.as_ptr(), or_null(options), settings.get(), error)
    })
}
