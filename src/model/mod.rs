//! The nouns: what planes, tiles, axes, channels and states are, without behaviour of their own.
//!
//! Everybody may import this folder; it imports nothing of ours. Every budget stands in [`limits`].

mod absence;
mod axes;
mod channel;
mod civil;
mod color;
mod colormap;
mod gap;
mod histogram;
mod ids;
mod json_size;
mod label;
pub mod limits;
pub mod mean;
mod natural;
mod page_at;
mod pixels;
mod plane_state;
mod plate;
mod problem;
mod round_length;
mod sample;
mod shown;
mod space;
mod stage;
mod theme;
mod tile_grid;
mod visible;
mod wavelength;

pub use absence::Absence;
pub use axes::{Axis, AxisRole, NavAxis};
pub use channel::Channel;
pub use civil::{CivilTime, Timestamp};
pub use color::{ColorError, Rgb};
pub use colormap::{Colormap, Lut};
pub use gap::Gap;
pub use histogram::Histogram;
pub use ids::{DatasetId, FovId, PlaneId, TileId, ZPick};
pub use json_size::json_size;
pub use label::{LabelColors, LabelLook, folded_labels, hashed_color, key_of_value, label_key};
pub use natural::natural_cmp;
pub use page_at::PageAt;
pub use pixels::{MemoryOrder, Pixels, PixelsError, Samples};
pub use plane_state::PlaneState;
pub use plate::{Plate, PlateFormat, WellName};
pub use problem::{Code, Problem};
pub use round_length::round_length;
pub use sample::{SampleType, Value};
pub use shown::{Shown, ShownChannel};
pub use space::{CanvasSize, PointUm, RectPx, RectUm};
pub use stage::{STAGE_TARGET, StageFigures, WorkStage};
pub use theme::Theme;
pub use tile_grid::TileGrid;
pub use visible::{ChannelLook, ContrastLimits, PlacedLabel, PlacedTile, Tier, Visible, Wish};
pub use wavelength::short_channel_name;
