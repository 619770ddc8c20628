//! `acquisition parameters.json` (older: `acquisition_parameters.json`): what was asked for before the first image.
//!
//! Squid `control/core/multi_point_controller.py`. Pixel size (µm) = sensor_pixel_size_um · tube_lens_f_mm /
//! magnification / tube_lens_mm (`objective_store.py`).

/// What the file says; every key optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcquisitionParameters {
    /// From sensor pixel, magnification and tube lenses, in µm.
    pub pixel_size_um: Option<f64>,
    /// `dz(um)`.
    pub z_step_um: Option<f64>,
    /// `dt(s)`.
    pub time_step_s: Option<f64>,
    /// `Nz`.
    pub num_z: Option<u32>,
    /// `Nt`.
    pub num_t: Option<u32>,
    /// `objective.name`.
    pub objective: Option<String>,
    /// `objective.magnification`.
    pub magnification: Option<f64>,
    /// `objective.NA`.
    pub numerical_aperture: Option<f64>,
}

/// Reads the file.
///
/// # Errors
/// When it is not a JSON object.
pub fn parse(text: &str) -> Result<AcquisitionParameters, String> {
    unimplemented!("{text}")
}
