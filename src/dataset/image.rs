//! An image: its axes, levels and channels, and where its samples are.

use std::{path::PathBuf, sync::Arc};

use super::{Files, RegisteredPlanes};
use crate::model::{Axis, AxisRole, Channel, FileStamp, PlaneId, SampleType, TileGrid, ZPick};

/// Version of the Zarr format of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZarrFormat {
    /// `.zarray`, `.zattrs`.
    V2,
    /// `zarr.json`.
    V3,
}

/// Where an array lies, with the document that describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ZarrLocator {
    /// The folder of the array.
    pub folder: PathBuf,
    /// Version of its format.
    pub format: ZarrFormat,
    /// `zarr.json` or `.zarray` as it was read; `None`: not read yet, the store reads it when it needs it.
    pub document: Option<Arc<str>>,
}

/// Where the samples of a level are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrays {
    /// One array for all timepoints.
    One(ZarrLocator),
    /// One array of a single timepoint each, joined along t; `None`: that timepoint has no store (yet).
    PerTimepoint(Vec<Option<ZarrLocator>>),
    /// Image files and pixels in memory that are registered one by one.
    Registered(Registry),
    /// Image files that are found by name.
    Files(Files),
}

/// The registered planes of an acquisition; two are equal where they are the same one.
#[derive(Clone, Debug)]
pub struct Registry(pub Arc<RegisteredPlanes>);

impl PartialEq for Registry {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Registry {}

/// One stored level of a pyramid.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// `datasets[].path` as the metadata names it.
    pub path: String,
    /// Where its samples are.
    pub arrays: Arrays,
    /// Lengths along [`Image::axes`].
    pub shape: Vec<u64>,
    /// Scale along [`Image::axes`] in the axis' unit, both transforms combined; `None` where not given.
    pub scale: Option<Vec<f64>>,
    /// Translation along [`Image::axes`] in the axis' unit; `None` where not given.
    pub translation: Option<Vec<f64>>,
    /// How a plane of this level is cut into tiles.
    pub grid: TileGrid,
}

/// Physical sampling at level 0; `None` where no unit is given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Pixel height in µm; above 0 and finite.
    pub y_um: Option<f64>,
    /// Pixel width in µm; above 0 and finite.
    pub x_um: Option<f64>,
    /// Distance of z-slices in µm; above 0 and finite.
    pub z_um: Option<f64>,
    /// Time between timepoints in s.
    pub t_secs: Option<f64>,
}

/// What a FOV row points to.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Axes in the order of the array; the FOV axis of a 6-D array included.
    pub axes: Vec<Axis>,
    /// Sample type of all levels.
    pub sample_type: SampleType,
    /// Stored levels, finest first; at least one.
    pub levels: Vec<Level>,
    /// Computed levels that follow the stored ones: the tile grids, each half of the one before.
    pub computed: Vec<TileGrid>,
    /// One per index of c, or one.
    pub channels: Vec<Channel>,
    /// Physical sampling.
    pub sampling: Sampling,
    /// Names of label images.
    pub labels: Vec<String>,
    /// Chunk shape and codec chain in words, for the dataset panel.
    pub storage: String,
    /// NGFF version of its metadata ("0.4"); `None` where there is none.
    pub ngff: Option<String>,
    /// `acquisition_complete` of the store; `None` where it does not say.
    pub complete: Option<bool>,
}

impl Image {
    /// The planes that were registered one by one, where these are what the image has.
    #[must_use]
    pub fn registered(&self) -> Option<&RegisteredPlanes> {
        match &self.levels.first()?.arrays {
            Arrays::Registered(registry) => Some(&registry.0),
            Arrays::One(_) | Arrays::PerTimepoint(_) | Arrays::Files(_) => None,
        }
    }

    /// True where both are of the same lengths, and cut into the same tiles at every level.
    #[must_use]
    pub fn is_cut_like(&self, other: &Self) -> bool {
        let levels = |image: &Self| {
            let levels = image.levels.iter();
            levels
                .map(|level| (level.shape.clone(), level.grid))
                .collect::<Vec<_>>()
        };
        self.axes == other.axes && self.computed == other.computed && levels(self) == levels(other)
    }

    /// Place of the first axis with that role, in the order of the array.
    #[must_use]
    pub fn axis_of(&self, role: AxisRole) -> Option<usize> {
        self.axes.iter().position(|axis| axis.role == role)
    }

    /// Length along the axis of that role at `level` (a stored one); 1 where the axis is absent.
    #[must_use]
    pub fn len_at(&self, role: AxisRole, level: usize) -> u64 {
        let length = self
            .axis_of(role)
            .and_then(|at| self.levels.get(level)?.shape.get(at).copied());
        length.unwrap_or(1)
    }

    /// Length along the axis of that role at level 0; 1 where the axis is absent.
    #[must_use]
    pub fn len_of(&self, role: AxisRole) -> u64 {
        self.len_at(role, 0)
    }

    /// Timepoints.
    #[must_use]
    pub fn num_timepoints(&self) -> u32 {
        clamp_u32(self.len_of(AxisRole::Time))
    }

    /// Channels.
    #[must_use]
    pub fn num_channels(&self) -> u32 {
        clamp_u32(self.len_of(AxisRole::Channel))
    }

    /// z-slices at level 0.
    #[must_use]
    pub fn num_z_slices(&self) -> u32 {
        clamp_u32(self.len_of(AxisRole::Z))
    }

    /// Positions along all other axes together (1 where there is none).
    #[must_use]
    pub fn num_extra(&self) -> u32 {
        let lengths = self
            .axes
            .iter()
            .zip(&self.levels[0].shape)
            .filter(|(axis, _)| axis.role == AxisRole::Other);
        clamp_u32(lengths.fold(1_u64, |product, (_, &length)| {
            product.saturating_mul(length)
        }))
    }

    /// Planes at level 0, all axes together.
    #[must_use]
    pub fn num_planes(&self) -> u64 {
        let lengths = [
            self.num_timepoints(),
            self.num_extra(),
            self.num_channels(),
            self.num_z_slices(),
        ];
        let product = |planes: u64, length| planes.saturating_mul(u64::from(length));
        lengths.into_iter().fold(1, product)
    }

    /// The file that the image was described by, as it was then; `None` where that is no single file.
    #[must_use]
    pub fn described(&self) -> Option<FileStamp> {
        match &self.levels.first()?.arrays {
            Arrays::Files(files) => files.0.described(),
            Arrays::One(_) | Arrays::PerTimepoint(_) | Arrays::Registered(_) => None,
        }
    }

    /// Stored and computed levels.
    #[must_use]
    pub fn num_levels(&self) -> usize {
        self.levels.len() + self.computed.len()
    }

    /// The tile grid of a stored or computed level.
    #[must_use]
    pub fn grid(&self, level: u8) -> Option<TileGrid> {
        let level = usize::from(level);
        match self.levels.get(level) {
            Some(stored) => Some(stored.grid),
            None => self.computed.get(level - self.levels.len()).copied(),
        }
    }

    /// The name at level 0 of a plane of any level: where that is shorter along z, the first slice that it stands for.
    #[must_use]
    pub fn at_level_0(&self, plane: PlaneId) -> PlaneId {
        let stored = usize::from(plane.level).min(self.levels.len() - 1);
        let (own, full) = (self.len_at(AxisRole::Z, stored), self.len_of(AxisRole::Z));
        let z = match plane.z {
            ZPick::Slice(z) if own != full => {
                let first = (u64::from(z) * full).div_ceil(own.max(1));
                ZPick::Slice(clamp_u32(first))
            }
            same => same,
        };
        PlaneId {
            z,
            ..plane.at_level(0)
        }
    }

    /// Columns and rows of a plane at level 0.
    #[must_use]
    pub fn plane_size(&self) -> (u32, u32) {
        let grid = self.levels[0].grid;
        (grid.width, grid.height)
    }

    /// The level whose samples statistics are taken from: level 0, for planes above 4096² the coarsest stored one with
    /// at least a million samples, so that contrast does not change with the zoom.
    #[must_use]
    pub fn statistics_level(&self) -> u8 {
        const ENOUGH: u64 = 1_000_000;
        let pixels = |level: &Level| u64::from(level.grid.width) * u64::from(level.grid.height);
        let is_one_tile = self.levels[0].grid.num_rows() * self.levels[0].grid.num_cols() == 1;
        let coarsest = self
            .levels
            .iter()
            .rposition(|level| pixels(level) >= ENOUGH)
            .unwrap_or(0);
        if is_one_tile {
            0
        } else {
            u8::try_from(coarsest).unwrap_or(0)
        }
    }
}

/// Lengths of navigable axes beyond `u32` are beyond every budget and are cut.
pub(super) fn clamp_u32(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
