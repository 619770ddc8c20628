//! Text in, types out: OME-NGFF, OME-XML, Zarr array documents, Squid's keys and side files. No file access.
//!
//! Lenient: what cannot be used gives a [`Problem`](crate::model::Problem) and a default, never a refusal of the rest.

pub mod acquisition_channels;
pub mod acquisition_parameters;
pub mod acquisition_yaml;
pub mod configurations_xml;
pub mod coordinates;
pub mod file_names;
mod json;
pub mod ngff;
pub mod ome_xml;
pub mod run_state;
pub mod squid;
mod xml;
mod yaml;
pub mod zarr_array;
