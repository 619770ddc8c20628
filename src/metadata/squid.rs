//! Squid's own keys: `_squid`, in older stores `_squid_metadata` (Squid `control/core/zarr_writer.py`, `_build_metadata`).

/// `_squid` or `_squid_metadata`; every key optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SquidKeys {
    /// `structure` ("5D-TCZYX", "6D-FTCZYX").
    pub structure: Option<String>,
    /// Pixel size in µm; above 0 and finite.
    pub pixel_size_um: Option<f64>,
    /// z-step in µm; above 0 and finite.
    pub z_step_um: Option<f64>,
    /// Time step in s; above 0 and finite.
    pub time_increment_s: Option<f64>,
    /// The store is finished.
    pub acquisition_complete: Option<bool>,
    /// The run was aborted.
    pub aborted: bool,
}
