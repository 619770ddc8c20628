//! An acquisition that was announced: its FOV table from the start call alone, its stores when they come to be.
//!
//! Making the dataset touches no path. Stores are opened when they are looked at; side files are looked for then, too,
//! because the microscope writes them before the first image (Squid `control/core/multi_point_controller.py`).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{
    EndMark, cut_short,
    image::{self, Context},
    labels, layout, levels, listing, ome_tiff, plate,
    probe::below,
    side_files::{self, SideFiles},
    timepoints,
};
use crate::{
    dataset::{
        Acquisition, AnnouncedLayout, AnnouncedRegion, Announcement, Arrays, Dataset, DatasetKind,
        Executed, Fov, FovOpener, Image, ImageSlot, Labels, Level, OpenFovError, OpenedFov,
        OpenedLabel, RegisteredPlanes, Registry, Sampling, SideFacts,
    },
    model::{
        Axis, AxisRole, Channel, Code, DatasetId, FovId, Problem, SampleType, TileGrid, WellName,
        limits,
    },
    source::{self, Kind},
};

/// What an announced acquisition is called where no path tells.
const NAMELESS: &str = "acquisition";

/// What people call an announced acquisition: its folder, as far as its paths name it, or the first file that was
/// registered.
#[must_use]
pub fn announced_name(announcement: &Announcement, registered: &RegisteredPlanes) -> String {
    let root = match (&announcement.layout, registered.first_file()) {
        (AnnouncedLayout::Registered, Some(file)) => folder_of(&file).to_path_buf(),
        _ => root_of(announcement),
    };
    let name = root.file_name().map(|name| name.to_string_lossy().into());
    name.unwrap_or_else(|| NAMELESS.into())
}

/// The acquisition folder as a registered file names it: around its folder where that is one of a timepoint or of
/// OME-TIFF files.
fn folder_of(file: &Path) -> &Path {
    let Some(folder) = file.parent() else {
        return file;
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if timepoints::is_number(&name) || name == ome_tiff::FOLDER {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    }
}

/// The dataset of an announced acquisition; nothing on disk is touched.
#[must_use]
pub fn announced(announcement: &Arc<Announcement>, registered: &Arc<RegisteredPlanes>) -> Dataset {
    let root = root_of(announcement);
    let fovs: Vec<Fov> = (0..announcement.num_fovs())
        .map(|flat| row_of(announcement, flat, &root))
        .collect();
    let template = Arc::new(template_of(announcement, registered));
    let is_registered = announcement.layout == AnnouncedLayout::Registered;
    let slot = if is_registered {
        ImageSlot::Opened(Arc::clone(&template))
    } else {
        ImageSlot::Unopened
    };
    let is_plate = fovs.iter().all(|fov| fov.row.is_some());
    let plate = is_plate.then(|| plate::plate_of_rows(&[], &[], &fovs));
    let mut dataset = Dataset {
        id: DatasetId::unique(),
        revision: 0,
        name: announced_name(announcement, registered),
        kind: DatasetKind::Squid,
        layout: words_of(&announcement.layout).into(),
        ngff: None,
        zarr_format: None,
        order: (0..announcement.num_fovs()).map(FovId).collect(),
        images: vec![slot; fovs.len()],
        fovs: fovs.into(),
        template,
        labels: Labels::default(),
        announcement: Some(Arc::clone(announcement)),
        is_announced_to_end: false,
        is_template_read: is_registered,
        known_timepoints: 0,
        acquisition: Some(Acquisition::default()),
        plate,
        problems: Vec::new(),
        opener: Arc::new(Opener {
            announcement: Arc::clone(announcement),
            root: root.clone(),
            side: OnceLock::new(),
        }),
        root,
    };
    let warnings = announcement.warnings.iter();
    dataset.add_problems(
        warnings
            .map(|text| Problem::new(Code::Ignored, ".", text.clone()))
            .collect(),
    );
    dataset
}

fn words_of(layout: &AnnouncedLayout) -> &'static str {
    match layout {
        AnnouncedLayout::PerFov { .. } => "announced, one store per FOV",
        AnnouncedLayout::PerRegion { .. } => "announced, one store per region",
        AnnouncedLayout::Registered => "announced, one image after the other",
    }
}

/// The acquisition folder as the paths name it: above `zarr` or a plate, else the folder of the first store.
fn root_of(announcement: &Announcement) -> PathBuf {
    let (AnnouncedLayout::PerFov { paths } | AnnouncedLayout::PerRegion { paths }) =
        &announcement.layout
    else {
        return PathBuf::new();
    };
    let Some(first) = paths.first() else {
        return PathBuf::new();
    };
    let is_container = |folder: &&Path| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name == "zarr" || layout::is_plate_name(&name)
    };
    let container = first.ancestors().find(is_container);
    let around = container.and_then(Path::parent);
    let alone = paths.len() == 1;
    let near = if alone {
        Some(first.as_path())
    } else {
        first.parent()
    };
    around.or(near).unwrap_or(first).to_path_buf()
}

fn row_of(announcement: &Announcement, flat: u32, root: &Path) -> Fov {
    let label = announcement.labels[flat as usize].clone();
    let (region, number) = match label.rsplit_once(':') {
        Some((region, number)) => (Some(region.to_owned()), number.parse().ok()),
        None => (None, None),
    };
    let (folder, array_index) = match &announcement.layout {
        AnnouncedLayout::PerFov { paths } => (paths[flat as usize].clone(), None),
        AnnouncedLayout::PerRegion { paths } => {
            let (region, fov) = announcement.local_of(flat).unwrap_or_default();
            (paths[region as usize].clone(), Some(fov))
        }
        AnnouncedLayout::Registered => (PathBuf::new(), None),
    };
    let path = match (&announcement.layout, array_index) {
        (AnnouncedLayout::Registered, _) => label.clone(),
        (_, Some(index)) => format!("{}#{index}", below(root, &folder)),
        (_, None) => below(root, &folder),
    };
    let well = region.as_deref().and_then(WellName::parse);
    Fov {
        path,
        folder,
        array_index,
        row: well.as_ref().map(|well| well.row.clone()),
        column: well.map(|well| well.column),
        region,
        fov_in_region: number,
        present: false,
        label,
        ..Fov::default()
    }
}

/// What unopened FOVs are taken to be: the announced sizes, of one timepoint. Its sample type stands for nothing until a
/// store says so ([`Dataset::is_template_read`]); registered planes say it themselves.
fn template_of(announcement: &Announcement, registered: &Arc<RegisteredPlanes>) -> Image {
    let axis = |name: &str, role| Axis {
        name: name.into(),
        role,
        unit: None,
    };
    let grid = TileGrid::of_stored(
        announcement.width,
        announcement.height,
        announcement.width,
        announcement.height,
    );
    let level = Level {
        path: ".".into(),
        arrays: Arrays::Registered(Registry(Arc::clone(registered))),
        shape: vec![
            // Above 1 where an acquisition that was put aside is shown again.
            registered.num_timepoints().max(1).into(),
            announcement.channels.len() as u64,
            announcement.num_z.into(),
            announcement.height.into(),
            announcement.width.into(),
        ],
        scale: None,
        translation: None,
        grid,
    };
    let levels = vec![level];
    Image {
        axes: vec![
            axis("t", AxisRole::Time),
            axis("c", AxisRole::Channel),
            axis("z", AxisRole::Z),
            axis("y", AxisRole::Y),
            axis("x", AxisRole::X),
        ],
        sample_type: SampleType::U16,
        computed: levels::computed_after(&levels),
        levels,
        channels: announcement
            .channels
            .iter()
            .map(|name| named(name))
            .collect(),
        sampling: Sampling {
            y_um: announcement.pixel_size_um,
            x_um: announcement.pixel_size_um,
            z_um: announcement.z_step_um,
            t_secs: None,
        },
        labels: Vec::new(),
        storage: "as announced".into(),
        ngff: None,
        complete: None,
    }
}

fn named(name: &str) -> Channel {
    Channel {
        name: Some(name.to_owned()),
        ..Channel::default()
    }
}

/// Opens the stores of an announced acquisition.
struct Opener {
    announcement: Arc<Announcement>,
    root: PathBuf,
    /// The side files once they are there.
    side: OnceLock<Arc<SideFiles>>,
}

impl FovOpener for Opener {
    fn open_label(
        &self,
        dataset: &Dataset,
        fov: FovId,
        name: &str,
    ) -> Result<OpenedLabel, OpenFovError> {
        labels::of_fov(dataset, fov, name)
    }

    fn open_fov(&self, dataset: &Dataset, fov: FovId) -> Result<OpenedFov, OpenFovError> {
        let row = listing::row_of(dataset, fov)?;
        if self.announcement.layout == AnnouncedLayout::Registered {
            return Ok(self.around_registered(dataset));
        }
        let stat = source::stat(&row.folder).map_err(|error| OpenFovError {
            code: error.code(),
            message: error.message(),
            location: error.location(),
        })?;
        if stat.is_none() {
            return Err(not_written(&row.folder));
        }
        let near = [Some(self.root.as_path()), row.folder.parent()];
        let side = self.side_files(near.into_iter().flatten());
        let mark = side.as_deref().and_then(|it| EndMark::find(&it.folder));
        // A store that was described after the mark says by itself whether it is complete.
        let is_done = mark.is_some_and(|mark| {
            mark.is_after(dataset.ends_after()) && !mark.is_before(&row.folder.join("zarr.json"))
        });
        let (mut image, mut problems) = self.image(row, side.as_deref(), is_done)?;
        self.compare(&mut image, &row.folder, &mut problems);
        let image = Arc::new(image);
        let num_in_array = image
            .axis_of(AxisRole::Fov)
            .map(|_| image.len_of(AxisRole::Fov));
        let is_in_array = |other: &Fov| {
            let index = other.array_index.map(u64::from);
            index.is_some_and(|at| num_in_array.is_some_and(|count| at < count))
        };
        let images = listing::siblings(&dataset.fovs, fov, is_in_array)
            .into_iter()
            .map(|sibling| (sibling, Arc::clone(&image)))
            .collect();
        Ok(OpenedFov {
            images,
            problems,
            around: side.map(|side| Arc::new(side_facts(&side, dataset))),
        })
    }

    fn executed(&self, dataset: &Dataset, fov: FovId, t: u32) -> Option<Executed> {
        let row = dataset.fov(fov)?;
        let key = (row.region.clone()?, row.fov_in_region?);
        let folder = &self.side.get()?.folder;
        side_files::executed(folder, t, &[]).get(&key).cloned()
    }
}

impl Opener {
    /// The store's image; a store that is being created has nothing to open yet.
    fn image(
        &self,
        row: &Fov,
        side: Option<&SideFiles>,
        is_done: bool,
    ) -> Result<(Image, Vec<Problem>), OpenFovError> {
        let context = Context {
            root: self.root.clone(),
            side_channels: side.map_or_else(Vec::new, |side| side.channels.clone()),
            planned_timepoints: side.and_then(|side| side.num_timepoints),
            is_done,
            multiscale_idx: None,
        };
        image::open(&row.folder, &context).map_err(|error| {
            let is_beginning = matches!(
                error.code,
                Code::NotFound | Code::NotZarr | Code::MissingArray
            );
            let entries = source::list(&row.folder).unwrap_or_default();
            let has_arrays = entries.iter().any(|entry| entry.kind == Kind::Folder);
            // The folder comes first, its documents after it.
            if is_beginning && !(has_arrays && context.is_done) {
                not_written(&row.folder)
            } else {
                error
            }
        })
    }

    /// The side files in the first of these folders that has some; read once they are there.
    fn side_files<'a>(&self, mut near: impl Iterator<Item = &'a Path>) -> Option<Arc<SideFiles>> {
        if let Some(side) = self.side.get() {
            return Some(Arc::clone(side));
        }
        let found = near.find_map(|folder| {
            let entries = source::list(folder).ok()?;
            let is_rootless = self.root.as_os_str().is_empty();
            let root = if is_rootless { folder } else { &self.root };
            side_files::are_in(&entries).then(|| Arc::new(SideFiles::read(folder, &entries, root)))
        })?;
        Some(Arc::clone(self.side.get_or_init(|| found)))
    }

    /// What the side files say of registered planes, once the first file tells where they are.
    fn around_registered(&self, dataset: &Dataset) -> OpenedFov {
        let file = dataset
            .template
            .registered()
            .and_then(RegisteredPlanes::first_file);
        let folder = file.as_deref().and_then(Path::parent);
        // The outer folder comes first: that of a timepoint has a table of its own when the timepoint is over.
        let near = [folder.and_then(Path::parent), folder];
        let side = self.side_files(near.into_iter().flatten());
        let around = side.map(|side| {
            let mut facts = side_facts(&side, dataset);
            // Before its end a mark may be of an earlier run.
            if dataset.is_announced_to_end && side.is_done_now() {
                end(&mut facts.acquisition, &side.folder);
            }
            Arc::new(SideFacts {
                channels: self.described(&side.channels),
                sampling: side.sampling,
                ..facts
            })
        });
        OpenedFov {
            around,
            ..OpenedFov::default()
        }
    }

    /// The announced channels with what the side files say of each, by name, else by place where they are as many.
    fn described(&self, side: &[Channel]) -> Vec<Channel> {
        let names = self.announcement.channels.iter();
        let described = names.enumerate().map(|(at, name)| {
            let by_name = side.iter().find(|it| it.name.as_ref() == Some(name));
            let is_as_many = side.len() == self.announcement.channels.len();
            let found = by_name.or_else(|| side.get(at).filter(|_| is_as_many));
            Channel {
                name: Some(name.clone()),
                ..found.cloned().unwrap_or_default()
            }
        });
        described.collect()
    }

    /// The region whose FOVs lie in one store.
    fn region_of(&self, store: &Path) -> Option<&AnnouncedRegion> {
        let AnnouncedLayout::PerRegion { paths } = &self.announcement.layout else {
            return None;
        };
        let at = paths.iter().position(|path| path == store)?;
        self.announcement.regions().get(at)
    }

    /// The store wins where it differs from what was announced, and a problem says so; what it does not say stays as
    /// announced.
    fn compare(&self, image: &mut Image, folder: &Path, problems: &mut Vec<Problem>) {
        let announced = &self.announcement;
        let location = below(&self.root, folder);
        let (width, height) = image.plane_size();
        let sizes = [
            ("columns", width, announced.width),
            ("rows", height, announced.height),
            ("z-slices", image.num_z_slices(), announced.num_z),
            (
                "channels",
                image.num_channels(),
                announced.channels.len() as u32,
            ),
        ];
        let mut differ = |text: String| {
            problems.push(Problem::new(Code::BadMetadata, location.clone(), text));
        };
        for (what, found, expected) in sizes {
            if found != expected {
                differ(format!(
                    "{found} {what} in the store, {expected} were announced; the store is shown"
                ));
            }
        }
        if let Some(region) = self.region_of(folder)
            && image.axis_of(AxisRole::Fov).is_some()
        {
            let found = image.len_of(AxisRole::Fov);
            let expected = u64::from(region.num_fovs);
            if found != expected {
                differ(format!(
                    "{found} FOVs in the store, {expected} were announced; those that were announced are listed"
                ));
            }
        }
        for (channel, name) in image.channels.iter_mut().zip(&announced.channels) {
            let found = channel.name.get_or_insert_with(|| name.clone());
            if found != name {
                differ(format!(
                    "channel {found:?} in the store was announced as {name:?}"
                ));
            }
        }
        let sampling = &mut image.sampling;
        sampling.y_um = sampling.y_um.or(announced.pixel_size_um);
        sampling.x_um = sampling.x_um.or(announced.pixel_size_um);
        sampling.z_um = sampling.z_um.or(announced.z_step_um);
    }
}

fn not_written(folder: &Path) -> OpenFovError {
    OpenFovError {
        code: Code::NotWritten,
        message: "announced, not on disk yet".into(),
        location: folder.display().to_string(),
    }
}

/// Takes over how a run in image files ended, as its folder says now.
fn end(acquisition: &mut Acquisition, folder: &Path) {
    let entries = source::list(folder).unwrap_or_default();
    let side = SideFiles::read(folder, &entries, folder);
    acquisition.aborted = cut_short::was_cut_short(&side);
    acquisition.complete = Some(!acquisition.aborted);
    acquisition.begun_timepoints = side.acquisition.begun_timepoints;
}

fn side_facts(side: &SideFiles, dataset: &Dataset) -> SideFacts {
    let mut rows = dataset.fovs.to_vec();
    for row in &mut rows {
        side.place(row);
    }
    let placed = rows.iter().enumerate().filter_map(|(at, row)| {
        let centre = row.stage_um?;
        Some((FovId(at as u32), centre, row.stage_z_um))
    });
    let num_timepoints = side.num_timepoints.map(|it| it.min(limits::TIMEPOINTS));
    let num_planes = num_timepoints.map(|timepoints| {
        let announced = dataset.announcement.as_ref();
        let of_one = announced.map_or(1, |known| {
            u64::from(known.num_z) * known.channels.len() as u64
        });
        u64::from(timepoints) * of_one * u64::from(dataset.num_fovs())
    });
    let name = side.folder.file_name().unwrap_or_default();
    SideFacts {
        name: name.to_string_lossy().into_owned(),
        acquisition: Acquisition {
            planned_planes: num_planes,
            ..side.acquisition.clone()
        },
        num_timepoints,
        stage: placed.collect(),
        channels: Vec::new(),
        sampling: Sampling::default(),
        problems: side.problems.clone(),
    }
}
