//! What a cell looks like in each channel: light added to a plane.
//!
//! No blur is computed: edges widen and details fade with the distance from focus, which looks the same and costs
//! nothing.

use super::{cells::Cell, random::Random, stain::Target, texture::Texture};

/// Mitochondria of a cell.
const NUM_MITOCHONDRIA: usize = 44;

/// The tables that all cells share.
#[derive(Debug)]
pub(super) struct Grain {
    pub(super) chromatin: Texture,
    pub(super) fibres: Texture,
    pub(super) haze: Texture,
}

/// Light of a plane that is being painted, in counts of the camera.
#[derive(Debug)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels of a unit of the specimen.
    pub(super) unit_px: f32,
    /// (y, x), row by row.
    pub(super) light: Vec<f32>,
}

/// A pixel as a cell sees it.
struct Seen {
    /// Distance from the centre in pixels.
    distance: f32,
    /// The same in parts of the way to the outline: 1 on it.
    part: f32,
    /// Point in the cell's own frame, in units.
    inside: (f32, f32),
}

/// Light between the cells, in counts.
pub(super) fn background(target: Target) -> f32 {
    match target {
        Target::Nuclei => 90.0,
        Target::Cytoplasm => 160.0,
        Target::Mitochondria => 120.0,
        Target::Membrane => 70.0,
        Target::Brightfield => 9000.0,
    }
}

impl Canvas {
    /// Adds the light of one cell in one channel.
    pub(super) fn add(&mut self, cell: &Cell, target: Target, grain: &Grain) {
        match target {
            Target::Nuclei => self.nucleus(cell, grain),
            Target::Cytoplasm => self.cytoplasm(cell, grain),
            Target::Mitochondria => self.mitochondria(cell),
            Target::Membrane => self.membrane(cell, grain),
            Target::Brightfield => self.brightfield(cell, grain),
        }
    }

    fn nucleus(&mut self, cell: &Cell, grain: &Grain) {
        let (soft, sharp) = (self.soft_px(cell, 1.2), sharpness(cell));
        // Condensed chromatin is small and bright, so that the light stays about the same.
        let radius = cell.nucleus * (1.0 - 0.4 * cell.condensed);
        let gain = 1500.0 * cell.brightness * (1.0 + 1.2 * cell.condensed) * (0.35 + 0.65 * sharp);
        let nucleus = Cell {
            radius,
            ..cell.clone()
        };
        self.each_pixel(&nucleus, radius + 2.5 * soft, |seen, light| {
            let inside = step_down((seen.part - 1.0) * radius, soft);
            let grains = grain.chromatin.at(seen.inside.0, seen.inside.1);
            // Nucleoli are the few darkest places.
            let nucleoli = 1.0 - 0.6 * sharp * smooth_step(0.34, 0.22, grains);
            *light += gain * inside * nucleoli * (0.75 + sharp * 0.7 * (grains - 0.5));
        });
    }

    fn cytoplasm(&mut self, cell: &Cell, grain: &Grain) {
        let (soft, sharp) = (self.soft_px(cell, 2.5), sharpness(cell));
        let gain = 900.0 * cell.brightness * (0.45 + 0.55 * sharp);
        let (radius, nucleus) = (cell.radius, cell.nucleus);
        self.each_pixel(cell, radius + 2.5 * soft, |seen, light| {
            let edge = step_down((seen.part - 1.0) * radius, soft);
            // Thick over the nucleus, thin at the rim.
            let thickness = (1.0 - 0.75 * seen.part * seen.part).max(0.12);
            let shadow = 1.0 - 0.5 * step_down(seen.distance - nucleus, soft);
            let fibres = 0.55 + sharp * 0.9 * grain.fibres.at(seen.inside.0, seen.inside.1);
            let grains = 0.7 + 0.6 * grain.chromatin.at(seen.inside.0 * 0.5, seen.inside.1 * 0.5);
            *light += gain * edge * thickness * shadow * fibres * grains;
        });
    }

    fn membrane(&mut self, cell: &Cell, grain: &Grain) {
        let (width, sharp) = (self.soft_px(cell, 1.6), sharpness(cell));
        let gain =
            1300.0 * cell.brightness * (0.2 + 0.8 * sharp) * (1.6 * self.unit_px / width).min(1.0);
        let radius = cell.radius;
        self.each_pixel(cell, radius + 3.0 * width, |seen, light| {
            let off = (seen.part - 1.0) * radius / width;
            let ring = bump(off * off);
            let patches = 0.5 + grain.chromatin.at(seen.inside.0, seen.inside.1);
            let ruffles = 0.1
                * step_down(off * width, 2.0 * width)
                * grain.fibres.at(seen.inside.1, seen.inside.0);
            *light += gain * (ring * patches + ruffles + 0.04 * step_down(off * width, width));
        });
    }

    fn mitochondria(&mut self, cell: &Cell) {
        let mut random = Random::of(&[cell.seed]);
        let (width, sharp) = (self.soft_px(cell, 1.5), sharpness(cell));
        let reach = (0.85 * cell.radius - cell.nucleus).max(1.0);
        for _ in 0..NUM_MITOCHONDRIA {
            let (sin, cos) = random.between(0.0, std::f32::consts::TAU).sin_cos();
            // Most lie close to the nucleus.
            let away = 1.1 * cell.nucleus + reach * random.unit() * random.unit();
            let (along_sin, along_cos) = random.between(0.0, std::f32::consts::TAU).sin_cos();
            let length = random.between(2.0, 6.0) * self.unit_px + width;
            let gain = 1700.0 * cell.brightness * random.between(0.4, 1.2) * (0.15 + 0.85 * sharp);
            let (u, v) = (away * cos * cell.stretch, away * sin / cell.stretch);
            let x = cell.x + u * cell.axis.0 - v * cell.axis.1;
            let y = cell.y + u * cell.axis.1 + v * cell.axis.0;
            let focused = (1.5 * self.unit_px / width).min(1.0);
            self.rod(
                (x, y),
                (along_cos, along_sin),
                (length, width),
                gain * focused,
            );
        }
    }

    /// Transmitted light: an outline that turns from dark to bright through focus, and grain.
    fn brightfield(&mut self, cell: &Cell, grain: &Grain) {
        let (width, sharp) = (self.soft_px(cell, 2.0), sharpness(cell));
        let phase = (cell.defocus * 0.8).clamp(-1.0, 1.0) - 0.35;
        let radius = cell.radius;
        self.each_pixel(cell, radius + 4.0 * width, |seen, light| {
            let off = (seen.part - 1.0) * radius / width;
            let outline = bump(off * off) - 0.6 * bump((off - 2.0) * (off - 2.0));
            let inside = step_down(off * width, width);
            let grains = grain.chromatin.at(seen.inside.0 * 1.5, seen.inside.1 * 1.5) - 0.5;
            *light += 2600.0 * phase * outline + 1600.0 * sharp * inside * grains;
        });
    }

    /// Width of edges in pixels: `units` in focus, more out of it.
    fn soft_px(&self, cell: &Cell, units: f32) -> f32 {
        ((units * units + (2.6 * cell.defocus).powi(2)).sqrt() * self.unit_px).max(0.5)
    }

    /// Columns or rows of the plane within `reach` of a point.
    fn span(at: f32, reach: f32, len: usize) -> std::ops::Range<usize> {
        let clip = |v: f32| v.clamp(0.0, len as f32) as usize;
        clip((at - reach).floor())..clip((at + reach).ceil() + 1.0)
    }

    /// Calls `paint` for every pixel that lies within `reach` pixels, along the long axis stretched, of a cell's centre.
    fn each_pixel(&mut self, cell: &Cell, reach: f32, mut paint: impl FnMut(&Seen, &mut f32)) {
        let box_reach = 1.25 * reach * cell.stretch;
        let columns = Self::span(cell.x, box_reach, self.width);
        let per_unit = 1.0 / self.unit_px;
        let (cos, sin) = cell.axis;
        // Every cell looks at another part of the tables.
        let shift = ((cell.seed & 0xFF) as f32, (cell.seed >> 8 & 0xFF) as f32);
        let limit = (1.25 * reach).powi(2);
        for y in Self::span(cell.y, box_reach, self.height) {
            let row = &mut self.light[y * self.width..][..self.width];
            let dy = y as f32 - cell.y;
            for x in columns.clone() {
                let dx = x as f32 - cell.x;
                let (u, v) = (
                    (dx * cos + dy * sin) / cell.stretch,
                    (dy * cos - dx * sin) * cell.stretch,
                );
                let square = u * u + v * v;
                if square > limit {
                    continue;
                }
                let distance = square.sqrt().max(0.5);
                let (p, q) = (u / distance, v / distance);
                let outline =
                    1.0 + cell.lobes.0 * (p * p - q * q) + cell.lobes.1 * p * (p * p - 3.0 * q * q);
                let part = distance / (cell.radius * outline);
                let inside = (u * per_unit + shift.0, v * per_unit + shift.1);
                paint(
                    &Seen {
                        distance,
                        part,
                        inside,
                    },
                    &mut row[x],
                );
            }
        }
    }

    /// A soft rod: `size` is half length and half width in pixels.
    fn rod(&mut self, center: (f32, f32), axis: (f32, f32), size: (f32, f32), gain: f32) {
        let reach = 2.0 * size.0.max(size.1);
        let columns = Self::span(center.0, reach, self.width);
        for y in Self::span(center.1, reach, self.height) {
            let row = &mut self.light[y * self.width..][..self.width];
            let dy = y as f32 - center.1;
            for x in columns.clone() {
                let dx = x as f32 - center.0;
                let u = (dx * axis.0 + dy * axis.1) / size.0;
                let v = (dy * axis.0 - dx * axis.1) / size.1;
                row[x] += gain * bump(u * u + v * v);
            }
        }
    }
}

/// 1 in focus, falling to 0 away from it.
fn sharpness(cell: &Cell) -> f32 {
    1.0 / (1.0 + 0.6 * cell.defocus * cell.defocus)
}

/// 1 at 0, 0 from 4 on, smooth: a Gaussian's shape without its cost, of the square of a distance.
fn bump(square: f32) -> f32 {
    let rest = (1.0 - 0.25 * square).max(0.0);
    rest * rest * rest
}

/// 1 left of `-width`, 0 right of `width`, smooth between.
fn step_down(at: f32, width: f32) -> f32 {
    smooth_step(width, -width, at)
}

/// 0 at `from`, 1 at `to`, smooth between.
fn smooth_step(from: f32, to: f32, at: f32) -> f32 {
    let part = ((at - from) / (to - from)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}
