//! A view to an image without a window: the same session, loader and blend, on the CPU.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cache::Cache,
    canvas::{AtHand, DrawItem, DrawList, DrawnTile, composite, draw_list},
    dataset::{Dataset, ImageSlot},
    ledger::Ledger,
    loader::{Loaded, Loader, LoaderOptions},
    model::{
        CanvasSize, ChannelLook, ContrastLimits, DatasetId, FovId, Lut, Pixels, PlaneId,
        PlaneState, RectPx, Rgb, TileId, Visible,
    },
    session::{Command, Session, resolve},
    store::Store,
};

/// Bytes of samples kept while rendering: what is drawn is held beside it.
const CACHE_BYTES: usize = 256 << 20;
/// Without any news for this time the disk counts as dead.
const PATIENCE: Duration = Duration::from_mins(1);

/// A rendered view.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// 8-bit RGBA rows from the top, opaque.
    pub rgba: Vec<u8>,
    /// Its size.
    pub size: CanvasSize,
    /// Planes that could not be drawn, and why.
    pub without: Vec<(PlaneId, PlaneState)>,
    /// Physical pixels per µm, where the files give a pixel size.
    pub px_per_um: Option<f64>,
}

/// A view cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The FOV's store cannot be opened.
    #[error(transparent)]
    Fov(#[from] crate::dataset::OpenFovError),
    /// No answer from the disk.
    #[error("the disk gave no answer for {} s", PATIENCE.as_secs())]
    NoAnswer,
}

/// Opens the store of the FOV that a session starts with, where that has not been done.
///
/// # Errors
/// When it cannot be opened.
pub fn with_opened_fov(
    dataset: Dataset,
    fov: FovId,
) -> Result<Dataset, crate::dataset::OpenFovError> {
    match dataset.images.get(fov.row()) {
        Some(ImageSlot::Unopened | ImageSlot::Stale(_) | ImageSlot::Retried(_)) => {
            let opened = dataset.opener.open_fov(&dataset, fov)?;
            Ok(dataset.with_opened(vec![(fov, Ok(opened))]))
        }
        Some(ImageSlot::Failed(error)) => Err(error.as_ref().clone()),
        Some(ImageSlot::Opened(_)) | None => Ok(dataset),
    }
}

/// Renders what `session` shows. Blocks until every visible tile was read or failed.
///
/// Contrast limits that the session does not have yet are taken from the planes that are shown, as in the window.
///
/// # Errors
/// When the FOV's store cannot be opened, or the disk does not answer.
pub fn render(
    dataset: Dataset,
    mut session: Session,
    size: CanvasSize,
) -> Result<Rendered, RenderError> {
    let dataset = Arc::new(with_opened_fov(dataset, session.position.fov)?);
    session.apply(&Command::DatasetChanged, &dataset);
    let read = Reading::new(&dataset, &session, size).finish(&mut session, &dataset)?;
    let visible = wished(&session, &dataset, size);
    let list = draw_list(&visible, &mut |tile| match read.get(&tile) {
        Some((_, Some(pixels))) => AtHand::Pixels {
            tile,
            revision: 0,
            pixels: Arc::clone(pixels),
        },
        Some((state, None)) => AtHand::Without(state.clone()),
        None => AtHand::Without(PlaneState::Unknown),
    });
    let placed: Vec<TileId> = visible
        .placed
        .iter()
        .flat_map(|placed| placed.tiles.iter().copied())
        .collect();
    let without = read
        .iter()
        .filter(|(tile, (_, pixels))| pixels.is_none() && placed.contains(tile));
    let is_calibrated = session.image(&dataset).sampling.x_um.is_some();
    Ok(Rendered {
        rgba: composite(&list),
        size,
        without: without
            .map(|(tile, (state, _))| (tile.plane, state.clone()))
            .collect(),
        px_per_um: is_calibrated.then(|| session.projection(&dataset, size).px_per_um),
    })
}

/// What the session wants to see, without anything that would only be read ahead.
fn wished(session: &Session, dataset: &Dataset, size: CanvasSize) -> Visible {
    let mut visible = resolve(
        session,
        &session.selection(),
        dataset,
        &Ledger::default(),
        size,
    );
    visible
        .wishes
        .retain(|wish| wish.tier == crate::model::Tier::Visible);
    visible.unopened.clear();
    visible
}

/// What was read of each tile.
type Read = HashMap<TileId, (PlaneState, Option<Arc<Pixels>>)>;

/// Reads every visible tile, and the statistics that limits are taken from.
struct Reading {
    loader: Loader,
    wished: Visible,
    missing_tiles: Vec<TileId>,
    missing_statistics: Vec<u16>,
}

impl Reading {
    fn new(dataset: &Arc<Dataset>, session: &Session, size: CanvasSize) -> Self {
        let num_readers =
            std::thread::available_parallelism().map_or(4, |cores| cores.get().max(4));
        let options = LoaderOptions {
            num_readers,
            wake: Arc::new(|| {}),
        };
        let loader = Loader::new(
            Arc::new(Store::new()),
            Arc::new(Cache::new(CACHE_BYTES)),
            options,
        );
        let wished = wished(session, dataset, size);
        loader.want(dataset, &Ledger::default(), &wished);
        let mut missing_tiles: Vec<TileId> = wished.wishes.iter().map(|wish| wish.tile).collect();
        missing_tiles.dedup();
        let lacks_limits = wished.looks.iter().filter(|look| look.limits.is_none());
        let has_tiles = |c: u16| missing_tiles.iter().any(|tile| tile.plane.c == c);
        let missing_statistics = lacks_limits
            .map(|look| look.c)
            .filter(|&c| has_tiles(c))
            .collect();
        Self {
            loader,
            wished,
            missing_tiles,
            missing_statistics,
        }
    }

    fn finish(mut self, session: &mut Session, dataset: &Dataset) -> Result<Read, RenderError> {
        let mut read = Read::new();
        let mut last_news = Instant::now();
        while !self.missing_tiles.is_empty() || !self.missing_statistics.is_empty() {
            let Some(news) = self.loader.wait(Duration::from_secs(1)) else {
                if last_news.elapsed() > PATIENCE {
                    return Err(RenderError::NoAnswer);
                }
                continue;
            };
            last_news = Instant::now();
            match news {
                Loaded::Tile {
                    tile,
                    state,
                    pixels,
                    ..
                } => {
                    self.missing_tiles.retain(|missing| *missing != tile);
                    read.insert(tile, (state, pixels));
                }
                Loaded::Statistics {
                    plane, histogram, ..
                } => {
                    self.missing_statistics.retain(|c| *c != plane.c);
                    let (channel, fov, t) = (usize::from(plane.c), plane.fov, plane.t);
                    session.apply(
                        &Command::Statistics {
                            channel,
                            fov,
                            t,
                            histogram,
                        },
                        dataset,
                    );
                }
                Loaded::Fov { .. } | Loaded::Label { .. } | Loaded::Executed { .. } => {}
            }
            self.stop_waiting_for_statistics_of_nothing(&read);
        }
        Ok(read)
    }

    /// A plane none of whose tiles has pixels has no statistics.
    fn stop_waiting_for_statistics_of_nothing(&mut self, read: &Read) {
        let wishes = &self.wished.wishes;
        self.missing_statistics.retain(|c| {
            let mut tiles = wishes
                .iter()
                .map(|wish| wish.tile)
                .filter(|tile| tile.plane.c == *c);
            tiles.any(|tile| read.get(&tile).is_none_or(|(_, pixels)| pixels.is_some()))
        });
    }
}

/// A part of a plane as 8-bit gray rows at its own size, from black to white, or where it is `inverted` from white to black.
#[must_use]
pub fn gray(
    pixels: Arc<Pixels>,
    plane: PlaneId,
    limits: ContrastLimits,
    inverted: bool,
) -> Vec<u8> {
    let (width, height) = (pixels.width(), pixels.height());
    let tile = DrawnTile {
        look: 0,
        tile: TileId::whole(plane),
        revision: 0,
        pixels,
    };
    let rect = RectPx {
        x0: 0.0,
        y0: 0.0,
        x1: f64::from(width),
        y1: f64::from(height),
    };
    let white = Lut::Color(Rgb {
        r: 255,
        g: 255,
        b: 255,
    });
    let list = DrawList {
        dataset: DatasetId::unique(),
        canvas: CanvasSize {
            width_px: width,
            height_px: height,
        },
        looks: vec![ChannelLook {
            c: plane.c,
            limits: Some(limits),
            gamma: 1.0,
            lut: white,
            inverted,
        }],
        items: vec![DrawItem {
            rect,
            tiles: vec![tile],
            hatch: None,
        }],
        labels: Vec::new(),
        mark_clipped: false,
    };
    composite(&list)
        .chunks_exact(4)
        .map(|rgba| rgba[0])
        .collect()
}
