//! `acquisition_channels.yaml`: names, colours and exposures (Squid `control/models/acquisition_config.py`).

use crate::model::Channel;

/// Reads the enabled channels in file order, which is the order of channel indices everywhere.
///
/// # Errors
/// When it is not a YAML mapping with `channels`.
pub fn parse(text: &str) -> Result<Vec<Channel>, String> {
    unimplemented!("{text}")
}
