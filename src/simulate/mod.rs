//! stub
#![allow(missing_docs, unused, clippy::all)]
use std::{path::Path, time::Duration};
#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum Structure { PerFov, Hcs, SixD, Single }
#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum Compression { None, Fast, Balanced, Best }
#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum ChunkMode { FullFrame, Tiled512, Tiled256 }
#[derive(Clone, Debug)] pub struct Plan { pub structure: Structure, pub regions: Vec<(String, u32)>, pub num_timepoints: u32, pub num_z: u32, pub channels: Vec<String>, pub width: u32, pub height: u32, pub compression: Compression, pub chunks: ChunkMode, pub pixel_size_um: f64, pub z_step_um: f64, pub time_step_s: f64, pub seed: u64 }
impl Default for Plan { fn default() -> Self { unimplemented!() } }
impl Plan { pub fn check(&self)->Result<(), SimulateError> { Ok(()) } }
pub struct Written { pub done: u64 }
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct SimulateError;
pub fn simulate(plan:&Plan, out:&Path, on_plane: &mut dyn FnMut(&Written)->bool, interval: Duration) -> Result<(), SimulateError> { Ok(()) }
