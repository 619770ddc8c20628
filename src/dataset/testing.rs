//! Small datasets for the tests of other modules: described, never on disk.

use std::sync::Arc;

use super::{
    Arrays, Dataset, DatasetKind, Fov, FovOpener, Image, ImageSlot, Labels, Level, OpenFovError,
    OpenedFov, Sampling, ZarrFormat, ZarrLocator,
};
use crate::model::{Axis, AxisRole, Channel, Code, DatasetId, FovId, SampleType, TileGrid};

/// Sizes of the described images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) num_fovs: u32,
    pub(crate) t: u64,
    pub(crate) c: u64,
    pub(crate) z: u64,
    pub(crate) height: u32,
    pub(crate) width: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            num_fovs: 3,
            t: 4,
            c: 2,
            z: 5,
            height: 48,
            width: 64,
        }
    }
}

/// Opens every FOV with the same image.
struct SameImage(Arc<Image>);

impl FovOpener for SameImage {
    fn open_fov(&self, _dataset: &Dataset, fov: FovId) -> Result<OpenedFov, OpenFovError> {
        Ok(OpenedFov {
            images: vec![(fov, Arc::clone(&self.0))],
            problems: Vec::new(),
            around: None,
        })
    }
}

/// An image of u16 samples, 0.5 µm pixels, with computed levels.
pub(crate) fn image(sizes: Sizes) -> Image {
    let axis = |name: &str, role| Axis {
        name: name.into(),
        role,
        unit: None,
    };
    let grid = TileGrid::of_stored(sizes.width, sizes.height, sizes.width, sizes.height);
    let level = Level {
        path: "0".into(),
        arrays: Arrays::One(ZarrLocator {
            folder: "/nowhere/0".into(),
            format: ZarrFormat::V3,
            document: None,
        }),
        shape: vec![
            sizes.t,
            sizes.c,
            sizes.z,
            sizes.height.into(),
            sizes.width.into(),
        ],
        scale: None,
        translation: None,
        grid,
    };
    Image {
        axes: vec![
            axis("t", AxisRole::Time),
            axis("c", AxisRole::Channel),
            axis("z", AxisRole::Z),
            axis("y", AxisRole::Y),
            axis("x", AxisRole::X),
        ],
        sample_type: SampleType::U16,
        levels: vec![level],
        computed: computed_after(grid),
        channels: (0..sizes.c)
            .map(|c| Channel {
                name: Some(format!("Dye {c}")),
                ..Channel::default()
            })
            .collect(),
        sampling: Sampling {
            y_um: Some(0.5),
            x_um: Some(0.5),
            z_um: Some(1.5),
            t_secs: Some(60.0),
        },
        labels: Vec::new(),
        storage: "described".into(),
        ngff: None,
        complete: None,
    }
}

/// The image with further stored levels of these (z, height, width); computed levels follow the last one.
pub(crate) fn with_levels(mut image: Image, sizes: &[(u64, u32, u32)]) -> Image {
    for (index, &(z, height, width)) in sizes.iter().enumerate() {
        let first = &image.levels[0];
        let mut level = Level {
            path: (index + 1).to_string(),
            grid: TileGrid::of_stored(width, height, width, height),
            ..first.clone()
        };
        level.shape[2..].copy_from_slice(&[z, height.into(), width.into()]);
        image.levels.push(level);
    }
    image.computed = computed_after(image.levels[image.levels.len() - 1].grid);
    image
}

/// The image with further axes of these names and lengths before the others.
pub(crate) fn with_extra(mut image: Image, axes: &[(&str, u64)]) -> Image {
    let named = axes.iter().map(|(name, _)| Axis {
        name: (*name).to_owned(),
        role: AxisRole::Other,
        unit: None,
    });
    image.axes.splice(0..0, named);
    for level in &mut image.levels {
        level
            .shape
            .splice(0..0, axes.iter().map(|(_, length)| *length));
    }
    image
}

/// The image in tiles of at most `tile_px` a side at level 0, and computed levels of that grid.
pub(crate) fn with_tiles(mut image: Image, tile_px: u32) -> Image {
    let grid = &mut image.levels[0].grid;
    grid.tile_width = tile_px.min(grid.width);
    grid.tile_height = tile_px.min(grid.height);
    image.computed = computed_after(*grid);
    image
}

fn computed_after(grid: TileGrid) -> Vec<TileGrid> {
    std::iter::successors(grid.halved(), TileGrid::halved)
        .take(3)
        .collect()
}

/// A FOV whose store cannot be opened.
pub(crate) fn failed() -> ImageSlot {
    ImageSlot::Failed(Arc::new(OpenFovError {
        code: Code::NotFound,
        message: "no store".into(),
        location: "/nowhere".into(),
    }))
}

/// FOVs labelled `A1:0`, `A1:1`, …, all opened with the same image.
pub(crate) fn dataset(sizes: Sizes) -> Dataset {
    let image = Arc::new(image(sizes));
    let slots = vec![ImageSlot::Opened(Arc::clone(&image)); sizes.num_fovs as usize];
    dataset_of(image, slots)
}

/// FOVs labelled `A1:0`, `A1:1`, …, one per slot.
pub(crate) fn dataset_of(template: Arc<Image>, slots: Vec<ImageSlot>) -> Dataset {
    let num_fovs = slots.len() as u32;
    let fov = |index: u32| Fov {
        path: format!("A/1/{index}"),
        label: format!("A1:{index}"),
        folder: format!("/nowhere/A/1/{index}").into(),
        region: Some("A1".into()),
        fov_in_region: Some(index),
        present: true,
        ..Fov::default()
    };
    Dataset {
        id: DatasetId::unique(),
        revision: 0,
        root: "/nowhere".into(),
        name: "nowhere".into(),
        kind: DatasetKind::Squid,
        layout: "described".into(),
        ngff: None,
        zarr_format: Some(ZarrFormat::V3),
        fovs: (0..num_fovs).map(fov).collect(),
        order: (0..num_fovs).map(FovId).collect(),
        images: slots,
        template: Arc::clone(&template),
        labels: Labels::default(),
        announcement: None,
        is_announced_to_end: false,
        is_template_read: true,
        known_timepoints: 0,
        acquisition: None,
        plate: None,
        problems: Vec::new(),
        opener: Arc::new(SameImage(template)),
    }
}
