//! The specimen in front of the simulated camera: where cells are, how they move and divide, and the camera itself.
//!
//! Cells live in the plane of their region, not in a FOV, so that the overlap of neighbours shows the same ones. Equal
//! seeds give equal pixels. Sizes are in units that make a nucleus about 7 µm in radius at 0.325 µm per pixel; small planes
//! get small cells, so that every plane shows some.

use super::{paint, plan::Plan, random::Random, stain::Stain, texture::Texture};

/// Distance of cells in units.
const SPACING: f32 = 104.0;
/// Timepoints from one division to the next, about.
const CYCLE: f32 = 14.0;
/// What the camera adds to every pixel.
const OFFSET: f32 = 100.0;
/// Standard deviation of the camera's own noise, squared.
const READ_NOISE: f32 = 5.0;
const NOISE_LEN: usize = 1 << 16;

/// What the camera looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) region_idx: usize,
    pub(super) fov: u32,
    /// Pixels of the region left of and above the FOV.
    pub(super) origin_px: (i64, i64),
    pub(super) t: u32,
    pub(super) c: u32,
    pub(super) z: u32,
}

/// One cell in one plane. Lengths in pixels, points in pixels of the FOV.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) radius: f32,
    pub(super) nucleus: f32,
    /// Direction of the long axis: cosine, sine.
    pub(super) axis: (f32, f32),
    /// Length over width of the outline, square root.
    pub(super) stretch: f32,
    /// Amplitudes of the second and third harmonic of the outline.
    pub(super) lobes: (f32, f32),
    /// Slices away from focus.
    pub(super) defocus: f32,
    /// 0 between divisions to 1 in one: rounded, chromatin condensed.
    pub(super) condensed: f32,
    /// About 1.
    pub(super) brightness: f32,
    /// Seed of what is inside.
    pub(super) seed: u64,
}

/// The specimen and the camera of one acquisition.
#[derive(Debug)]
pub(super) struct Scene {
    seed: u64,
    width: usize,
    height: usize,
    num_z: u32,
    stains: Vec<Stain>,
    /// Pixels of a unit.
    unit_px: f32,
    grain: paint::Grain,
    /// Normal numbers that noise is taken from.
    noise: Vec<f32>,
}

impl Scene {
    pub(super) fn new(plan: &Plan) -> Self {
        let side = plan.width.min(plan.height) as f32;
        let mut random = Random::of(&[plan.seed, 1]);
        Self {
            seed: plan.seed,
            width: plan.width as usize,
            height: plan.height as usize,
            num_z: plan.num_z,
            stains: plan.channels.iter().map(|name| Stain::of(name)).collect(),
            unit_px: (side / 512.0).clamp(0.12, 1.0),
            grain: paint::Grain {
                chromatin: Texture::clouds(plan.seed, 16),
                fibres: Texture::fibres(plan.seed.wrapping_add(1)),
                haze: Texture::clouds(plan.seed.wrapping_add(2), 64),
            },
            noise: (0..NOISE_LEN).map(|_| random.normal()).collect(),
        }
    }

    /// One plane (y, x), row by row, u16: camera offset about 100, signal up to some thousands, never 0.
    pub(super) fn plane(&self, view: View) -> Vec<u16> {
        let stain = self.stains[view.c as usize];
        let mut canvas = paint::Canvas {
            width: self.width,
            height: self.height,
            unit_px: self.unit_px,
            light: vec![0.0; self.width * self.height],
        };
        for cell in self.cells(view) {
            canvas.add(&cell, stain.target, &self.grain);
        }
        self.expose(&canvas.light, stain, view)
    }

    /// Every cell that may reach into the FOV.
    fn cells(&self, view: View) -> Vec<Cell> {
        let spacing = SPACING * self.unit_px;
        let site = |px: f32| (px / spacing).floor() as i64;
        let (x0, y0) = (view.origin_px.0 as f32, view.origin_px.1 as f32);
        let rows = site(y0) - 2..=site(y0 + self.height as f32) + 2;
        let columns = site(x0) - 2..=site(x0 + self.width as f32) + 2;
        let mut cells = Vec::new();
        for row in rows {
            for column in columns.clone() {
                self.grow((row, column), view, &mut cells);
            }
        }
        cells
    }

    /// The cell of one site at the view's timepoint, or its two daughters, or nothing.
    fn grow(&self, site: (i64, i64), view: View, cells: &mut Vec<Cell>) {
        let seed = [
            self.seed,
            view.region_idx as u64,
            site.0 as u64,
            site.1 as u64,
        ];
        let mut random = Random::of(&seed);
        if random.unit() < 0.2 {
            return;
        }
        let spacing = SPACING * self.unit_px;
        let t = view.t as f32;
        let mut along = |at: i64, origin: i64| {
            let start = (at as f32 + random.between(0.15, 0.85)) * spacing - origin as f32;
            start + t * random.between(-1.6, 1.6) * self.unit_px
        };
        let (y, x) = (
            along(site.0, view.origin_px.1),
            along(site.1, view.origin_px.0),
        );
        let angle = random.between(0.0, std::f32::consts::TAU) + t * random.between(-0.05, 0.05);
        let age = random.unit() + t / CYCLE * random.between(0.7, 1.3);
        let focus = self.focus(&mut random);
        let cell = Cell {
            x,
            y,
            radius: random.between(38.0, 56.0) * self.unit_px,
            nucleus: random.between(17.0, 23.0) * self.unit_px,
            axis: (angle.cos(), angle.sin()),
            stretch: random.between(1.0, 1.25),
            lobes: (random.between(-0.1, 0.1), random.between(-0.12, 0.12)),
            defocus: view.z as f32 - focus,
            condensed: 0.0,
            brightness: random.between(0.6, 1.4),
            seed: random.bits(),
        };
        divide(cell, age, cells);
    }

    /// The slice in which a cell is sharp: most near the middle of the stack.
    fn focus(&self, random: &mut Random) -> f32 {
        let slices = self.num_z as f32;
        (slices - 1.0) / 2.0 + random.normal() * (0.16 * slices).max(0.3)
    }

    /// What the camera makes of light: background, vignetting, shot noise, offset.
    fn expose(&self, light: &[f32], stain: Stain, view: View) -> Vec<u16> {
        let base = paint::background(stain.target);
        let numbers = [
            self.seed,
            2,
            view.region_idx as u64,
            view.fov.into(),
            view.t.into(),
            view.c.into(),
            view.z.into(),
        ];
        let mut random = Random::of(&numbers);
        let falloff = |at: usize, len: usize| 0.16 * (2.0 * at as f32 / len as f32 - 1.0).powi(2);
        let columns: Vec<f32> = (0..self.width).map(|x| falloff(x, self.width)).collect();
        let mut samples = Vec::with_capacity(light.len());
        for (y, row) in light.chunks_exact(self.width).enumerate() {
            let open = 1.0 - falloff(y, self.height);
            let haze_y = (y as i64 + view.origin_px.1) as f32 / (10.0 * self.unit_px);
            let start = random.bits() as usize;
            for (x, (&light, column)) in row.iter().zip(&columns).enumerate() {
                let haze_x = (x as i64 + view.origin_px.0) as f32 / (10.0 * self.unit_px);
                let haze = 0.8 + 0.4 * self.grain.haze.at(haze_x, haze_y);
                let signal = ((base * haze + light) * (open - column)).max(0.0);
                let noise = self.noise[start.wrapping_add(x) % NOISE_LEN];
                let counts = OFFSET + signal + (signal + READ_NOISE).sqrt() * noise;
                // The cast rounds towards zero and stops at the ends of the type.
                samples.push((counts + 0.5).max(1.0) as u16);
            }
        }
        samples
    }
}

/// A cell of that age in cycles: rounding up before it divides, two daughters that part afterwards.
fn divide(cell: Cell, age: f32, cells: &mut Vec<Cell>) {
    const ROUNDS_UP: f32 = 0.92;
    if age < ROUNDS_UP {
        cells.push(cell);
        return;
    }
    if age < 1.0 {
        let condensed = (age - ROUNDS_UP) / (1.0 - ROUNDS_UP);
        let radius = cell.radius * (1.0 - 0.2 * condensed);
        cells.push(Cell {
            condensed,
            radius,
            stretch: 1.0,
            ..cell
        });
        return;
    }
    let grown = ((age - 1.0) * 5.0).min(1.0);
    let apart = cell.radius * (0.45 + 0.45 * grown);
    for side in [-1.0, 1.0] {
        cells.push(Cell {
            x: cell.x + side * apart * cell.axis.0,
            y: cell.y + side * apart * cell.axis.1,
            radius: cell.radius * (0.6 + 0.2 * grown),
            nucleus: cell.nucleus * (0.65 + 0.2 * grown),
            condensed: (1.0 - 3.0 * grown).max(0.0),
            seed: cell.seed.wrapping_add(u64::from(side > 0.0)),
            ..cell.clone()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            width: 160,
            height: 120,
            ..Plan::default()
        }
    }

    fn view() -> View {
        View {
            region_idx: 0,
            fov: 0,
            origin_px: (0, 0),
            t: 0,
            c: 0,
            z: 2,
        }
    }

    /// Mean of the samples and of the differences to another plane.
    fn compare(a: &[u16], b: &[u16]) -> f64 {
        let sum: f64 = a
            .iter()
            .zip(b)
            .map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs())
            .sum();
        sum / a.len() as f64
    }

    #[test]
    fn equal_seeds_give_equal_pixels() {
        let (a, b) = (Scene::new(&plan()), Scene::new(&plan()));
        assert_eq!(a.plane(view()), b.plane(view()));
        let other = Scene::new(&Plan { seed: 1, ..plan() });
        assert!(compare(&a.plane(view()), &other.plane(view())) > 30.0);
    }

    #[test]
    fn planes_hold_cells_above_a_dark_background() {
        let scene = Scene::new(&plan());
        for c in 0..4 {
            let mut samples = scene.plane(View { c, ..view() });
            samples.sort_unstable();
            let (dark, bright) = (
                samples[samples.len() / 50],
                samples[samples.len() * 98 / 100],
            );
            assert!((100..600).contains(&dark), "channel {c}: {dark}");
            assert!(
                bright > dark + 150 && bright < 20_000,
                "channel {c}: {dark} {bright}"
            );
        }
    }

    #[test]
    fn every_axis_changes_the_picture() {
        let scene = Scene::new(&plan());
        let first = scene.plane(view());
        let noise = compare(&first, &scene.plane(View { fov: 1, ..view() }));
        let others = [
            View { c: 1, ..view() },
            View { z: 0, ..view() },
            View { t: 6, ..view() },
            View {
                region_idx: 1,
                ..view()
            },
            View {
                origin_px: (152, 0),
                ..view()
            },
        ];
        for other in others {
            let change = compare(&first, &scene.plane(other));
            assert!(change > 1.3 * noise, "{other:?}: {change}, noise {noise}");
        }
    }

    #[test]
    fn the_overlap_of_neighbours_shows_the_same_cells() {
        let scene = Scene::new(&plan());
        let left = scene.plane(view());
        let right = scene.plane(View {
            fov: 1,
            origin_px: (100, 0),
            ..view()
        });
        let crop = |samples: &[u16], from: usize| -> Vec<f64> {
            let row = |y: usize| {
                samples[y * 160 + from..y * 160 + from + 60]
                    .iter()
                    .map(|&v| f64::from(v))
            };
            (0..120).flat_map(row).collect()
        };
        let (a, b) = (crop(&left, 100), crop(&right, 0));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (mean_a, mean_b) = (mean(&a), mean(&b));
        let product = |u: &[f64], mean_u: f64, v: &[f64], mean_v: f64| -> f64 {
            u.iter()
                .zip(v)
                .map(|(u, v)| (u - mean_u) * (v - mean_v))
                .sum()
        };
        let correlation = product(&a, mean_a, &b, mean_b)
            / (product(&a, mean_a, &a, mean_a) * product(&b, mean_b, &b, mean_b)).sqrt();
        assert!(correlation > 0.9, "{correlation}");
    }
}
