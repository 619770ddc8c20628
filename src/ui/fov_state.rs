//! What is acquired of a FOV or a region at the shown timepoint, as words and as a square: told by shape, never by colour
//! alone.
//!
//! ```text
//! ┌───┐ planned   ┌───┐ partly    ┌───┐ acquired   ╔═══╗ shown   ┌╲ ╱┐ failed
//! │   │           │▄▄▄│           │███│            ║   ║         │ ╳ │
//! └───┘           └───┘           └───┘            ╚═══╝         └╱ ╲┘
//! ```

use egui::{Color32, Mesh, Rect, Shape, Stroke, StrokeKind, pos2};

use super::{Facts, View, live::grouped, tokens::Palette};
use crate::{ledger::PageSize, model::FovId};

/// Squares of this width have their ring inside, in points.
const ROOMY_PT: f32 = 12.0;
/// Narrower angular squares have no outline, in points.
const OUTLINED_PT: f32 = 4.0;

/// How much is acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Nothing.
    Planned,
    /// Something.
    Partly,
    /// All that will be.
    Acquired,
}

/// What is acquired of some FOVs at one timepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FovState {
    pub(super) fill: Fill,
    /// Acquired planes and all of them, where the acquisition is not finished.
    counts: Option<(u64, u64)>,
    num_failed: u64,
    t: u32,
}

/// Where a state is drawn.
#[derive(Clone, Copy)]
pub(super) struct Square {
    pub(super) rect: Rect,
    /// 0: on whole pixels, drawn without smoothing.
    pub(super) rounding: u8,
    pub(super) outline: Color32,
    pub(super) is_shown: bool,
}

impl FovState {
    /// Of a running acquisition the ledger tells; in a finished dataset what is on disk counts as acquired.
    pub(super) fn of(fovs: &[FovId], num_present: usize, view: &View<'_>, facts: &Facts) -> Self {
        let (dataset, ledger, t) = (view.dataset, view.ledger, view.session.position.t);
        // Of planes that are registered one by one nothing but the ledger tells.
        let is_unfinished = facts.is_unfinished(dataset) || dataset.is_registered();
        let part = |done: u64, all: u64| match done {
            0 => Fill::Planned,
            _ if done < all => Fill::Partly,
            _ => Fill::Acquired,
        };
        let mut state = Self {
            fill: part(num_present as u64, fovs.len() as u64),
            counts: None,
            num_failed: 0,
            t,
        };
        // A finished plate has nothing to look up, unless something in it failed.
        if !is_unfinished && ledger.total().failed == 0 {
            return state;
        }
        let (mut acquired, mut all) = (0, 0);
        for &fov in fovs {
            let counts = ledger.counts_at(fov, t);
            let image = dataset.image(fov).unwrap_or(&dataset.template);
            acquired += counts.acquired();
            all += PageSize::of(image).num_planes();
            state.num_failed += counts.failed;
        }
        if is_unfinished {
            state.fill = part(acquired, all);
            state.counts = Some((acquired, all));
        }
        state
    }

    /// `12 of 80 planes at t 3, 2 failed`.
    pub(super) fn words(self) -> String {
        let acquired = match (self.counts, self.fill) {
            (Some((0, _)), _) => format!("not acquired yet at t {}", self.t),
            (Some((acquired, all)), _) => {
                format!(
                    "{} of {} planes at t {}",
                    grouped(acquired),
                    grouped(all),
                    self.t
                )
            }
            (None, Fill::Planned) => "not on disk".into(),
            (None, Fill::Partly) => "partly on disk".into(),
            (None, Fill::Acquired) => "on disk".into(),
        };
        match self.num_failed {
            0 => acquired,
            failed => format!("{acquired}, {} failed", grouped(failed)),
        }
    }

    /// What a square shows; drawn from back to front.
    pub(super) fn shapes(self, square: Square, colors: Palette) -> Vec<Shape> {
        let Square {
            rect,
            rounding,
            outline,
            is_shown,
        } = square;
        let mut shapes = Vec::new();
        let half = pos2(rect.left(), rect.center().y);
        let filled = match self.fill {
            Fill::Planned => None,
            Fill::Partly => Some(Rect::from_min_max(half, rect.max)),
            Fill::Acquired => Some(rect),
        };
        let is_angular = rounding == 0;
        if is_angular {
            shapes.push(angular(rect, outline, filled, colors.acquired()));
        } else if let Some(filled) = filled {
            shapes.push(Shape::rect_filled(filled, rounding, colors.acquired()));
        }
        if self.num_failed > 0 {
            let (cross, inside) = (Stroke::new(1.0, colors.error), rect.shrink(1.0));
            let diagonals = [
                [inside.left_top(), inside.right_bottom()],
                [inside.right_top(), inside.left_bottom()],
            ];
            shapes.extend(diagonals.map(|ends| Shape::line_segment(ends, cross)));
        }
        if !is_angular {
            let (outline, kind) = (Stroke::new(1.0, outline), StrokeKind::Inside);
            shapes.push(Shape::rect_stroke(rect, rounding, outline, kind));
        }
        if is_shown {
            let ring = Stroke::new(2.0, colors.accent);
            // In a small square a ring would leave no room for what is acquired.
            let (place, kind) = if rect.width() < ROOMY_PT {
                (rect.expand(1.0), StrokeKind::Outside)
            } else {
                (rect, StrokeKind::Inside)
            };
            shapes.push(Shape::rect_stroke(place, rounding, ring, kind));
        }
        shapes
    }
}

/// A square with an outline inside of it as a few plain rectangles: the wells of a plate have a tenth of the vertices that
/// smooth ones would have, and a driver without a graphics card takes its time for each. A small one has no room for an
/// outline; where nothing is acquired it is a dot.
fn angular(rect: Rect, outline: Color32, filled: Option<Rect>, fill: Color32) -> Shape {
    let mut mesh = Mesh::default();
    let is_small = rect.width() < OUTLINED_PT;
    match filled {
        Some(filled) => mesh.add_colored_rect(filled, fill),
        None if is_small => {
            let dot = Rect::from_min_size(rect.min, rect.size() / 2.0);
            mesh.add_colored_rect(dot, outline);
        }
        None => {}
    }
    if !is_small {
        let inside = rect.shrink(1.0);
        let lines = [
            (rect.left_top(), pos2(rect.right(), inside.top())),
            (pos2(rect.left(), inside.bottom()), rect.right_bottom()),
            (pos2(rect.left(), inside.top()), inside.left_bottom()),
            (inside.right_top(), pos2(rect.right(), inside.bottom())),
        ];
        for (min, max) in lines {
            mesh.add_colored_rect(Rect::from_min_max(min, max), outline);
        }
    }
    Shape::mesh(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::testing::{Sizes, dataset},
        ledger::Ledger,
        model::{PlaneId, PlaneState, ZPick},
        session::Session,
        ui::{LiveFacts, LiveState},
    };

    fn running() -> Facts {
        Facts {
            live: Some(LiveFacts {
                state: LiveState::Running,
                acquired: 0,
                planned: None,
                planes_per_sec: None,
                remaining: None,
                failed: 0,
                missing: 0,
                num_late: 0,
            }),
            ..Facts::default()
        }
    }

    #[test]
    fn the_wells_of_a_plate_are_told_apart_at_any_size_by_few_vertices() {
        let colors = crate::ui::tokens::palette(crate::model::Theme::Dark);
        for width in [2.0, 3.0, 4.0, 15.0] {
            let drawn = [Fill::Planned, Fill::Partly, Fill::Acquired].map(|fill| {
                let state = FovState {
                    fill,
                    counts: None,
                    num_failed: 0,
                    t: 0,
                };
                let square = Square {
                    rect: Rect::from_min_size(pos2(7.0, 9.0), egui::vec2(width, width)),
                    rounding: 0,
                    outline: colors.quiet,
                    is_shown: false,
                };
                let shapes = state.shapes(square, colors);
                let [Shape::Mesh(mesh)] = shapes.as_slice() else {
                    panic!("{shapes:?}")
                };
                assert!(
                    mesh.vertices.len() <= 20,
                    "{} vertices",
                    mesh.vertices.len()
                );
                assert!(mesh.vertices.iter().all(|it| square.rect.contains(it.pos)));
                let vertices = mesh.vertices.iter();
                vertices.map(|it| (it.pos, it.color)).collect::<Vec<_>>()
            });
            assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);
        }
    }

    /// Two FOVs of 2 channels and 5 slices with so many announced planes each: fill and words at t 0.
    fn check(num_announced: [u32; 2], has_failed: bool, expected: (Fill, &str)) {
        let dataset = dataset(Sizes::default());
        let (session, mut ledger) = (Session::new(&dataset), Ledger::default());
        let size = PageSize::of(&dataset.template);
        for (fov, num) in (0..).zip(num_announced) {
            for at in 0..num {
                let plane = PlaneId {
                    fov: FovId(fov),
                    layer: 0,
                    t: 0,
                    c: (at / 5) as u16,
                    z: ZPick::Slice(at % 5),
                    extra: 0,
                    level: 0,
                };
                ledger.announce(size, plane, 1);
                if has_failed && at == 0 {
                    ledger.book(size, plane, PlaneState::Failed("torn".into()));
                }
            }
        }
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let state = FovState::of(&[FovId(0), FovId(1)], 2, &view, &running());
        assert_eq!((state.fill, state.words().as_str()), expected);
        let finished = FovState::of(&[FovId(0), FovId(1)], 2, &view, &Facts::default());
        assert_eq!(finished.fill, Fill::Acquired);
    }

    #[test]
    fn the_square_fills_with_what_is_acquired_at_the_shown_timepoint() {
        check([0, 0], false, (Fill::Planned, "not acquired yet at t 0"));
        check([3, 0], false, (Fill::Partly, "3 of 20 planes at t 0"));
        check([10, 10], false, (Fill::Acquired, "20 of 20 planes at t 0"));
        check(
            [10, 10],
            true,
            (Fill::Partly, "18 of 20 planes at t 0, 2 failed"),
        );
    }
}
