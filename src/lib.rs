//! squidview: a native viewer for microscopy acquisitions.
//!
//! The reading half works without a window: [`formats::detect`], [`formats::open`], the FOV table of a
//! [`dataset::Dataset`], [`metadata`], [`store::Store::read_tile`], and [`model::Rgb::from_hex`]. `examples/` shows it.

pub mod app;
pub mod bench;
pub mod cache;
pub mod canvas;
pub mod cli;
pub mod dataset;
pub mod export;
pub mod formats;
pub mod image_file;
pub mod ledger;
pub mod live;
pub mod loader;
mod mesh_painter;
pub mod metadata;
pub mod model;
pub mod render;
pub mod session;
pub mod settings;
pub mod simulate;
pub mod source;
pub mod store;
pub mod ui;
