//! `acquisition.yaml`: full parameters of a run (Squid since 2026; `control/core/multi_point_controller.py`).

/// What the file says; every key optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcquisitionYaml {
    /// `acquisition.start_time`.
    pub start_time: Option<String>,
    /// `objective.name`.
    pub objective: Option<String>,
    /// `objective.magnification`.
    pub magnification: Option<f64>,
    /// `objective.NA`.
    pub numerical_aperture: Option<f64>,
    /// `objective.pixel_size_um`.
    pub pixel_size_um: Option<f64>,
    /// `sample.wellplate_format`.
    pub wellplate_format: Option<String>,
    /// `z_stack.nz`.
    pub num_z: Option<u32>,
    /// `z_stack.delta_z_mm`, in µm.
    pub z_step_um: Option<f64>,
    /// `time_series.nt`.
    pub num_t: Option<u32>,
    /// `time_series.delta_t_s`.
    pub time_step_s: Option<f64>,
    /// Names of regions, in scan order (`wellplate_scan.regions`, `flexible_scan.positions`).
    pub regions: Vec<String>,
}

/// Reads the file.
///
/// # Errors
/// When it is not a YAML mapping.
pub fn parse(text: &str) -> Result<AcquisitionYaml, String> {
    unimplemented!("{text}")
}
