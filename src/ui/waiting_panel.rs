//! Why am I waiting: each stage from disk to screen, what runs now and what ran lately; queue and memory beside it.
//!
//! A strip below the picture, as the status line: it covers neither the picture nor a control. Open, it asks for a frame a
//! few times a second; closed, for none.

use std::time::Duration;

use egui::{Align, Grid, Layout, RichText, Ui};

use super::{
    Facts,
    tokens::{Palette, SPACE_16, palette},
};
use crate::model::{StageFigures, WorkStage};

/// The figures are looked at so often while they are shown.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A disk that has not answered for so long is named.
const LONG_READ: Duration = Duration::from_secs(2);

/// What is done between disk and screen.
#[derive(Clone, Debug, Default)]
pub struct WorkFacts {
    /// Each stage, in the order from disk to screen.
    pub stages: Vec<StageFigures>,
    /// Reads, openings and statistics that are wished and not begun.
    pub num_queued: usize,
    /// Those that readers work on.
    pub num_in_flight: usize,
    /// Of those, without an answer for so long that another reader took over.
    pub num_stuck: usize,
    /// How long the one has waited for the disk that has done so longest; `None` where all that go on work.
    pub longest_wait: Option<Duration>,
}

impl WorkFacts {
    /// The stage, other than drawing, that something has been in for longest.
    fn slowest(&self) -> Option<(WorkStage, Duration)> {
        let stages = self.stages.iter().filter(|it| it.stage != WorkStage::Draw);
        let running = stages.filter_map(|it| Some((it.stage, it.longest?)));
        running.max_by_key(|(_, longest)| *longest)
    }
}

/// Draws the panel.
pub(super) fn ui(ui: &mut Ui, facts: &Facts, is_open: &mut bool) {
    ui.ctx().request_repaint_after(LOOK_EVERY);
    let colors = palette(facts.theme);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Why am I waiting").strong());
        let color = if silence(facts).is_some() || facts.work.num_stuck > 0 {
            colors.warning
        } else {
            colors.quiet
        };
        ui.label(RichText::new(answer(facts)).color(color));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            *is_open &= !ui.button("Close").on_hover_text("F9").clicked();
        });
    });
    ui.horizontal_top(|ui| {
        stages_ui(ui, &facts.work, colors);
        ui.add_space(SPACE_16);
        memory_ui(ui, facts, colors);
    });
}

fn stages_ui(ui: &mut Ui, work: &WorkFacts, colors: Palette) {
    let grid = Grid::new("stages").num_columns(5).spacing([SPACE_16, 0.0]);
    grid.show(ui, |ui| {
        for head in [
            "          ",
            "          now",
            "     last",
            "per second",
            "  busy",
        ] {
            ui.label(RichText::new(head).monospace().color(colors.quiet));
        }
        ui.end_row();
        for figures in &work.stages {
            let is_running = figures.num_running > 0;
            let name = RichText::new(figures.stage.name()).monospace();
            ui.label(name).on_hover_text(meaning(figures.stage));
            let cells = cells(figures);
            for (at, cell) in cells.into_iter().enumerate() {
                let color = if is_running && at == 0 {
                    colors.text
                } else {
                    colors.quiet
                };
                ui.label(RichText::new(cell).monospace().color(color));
            }
            ui.end_row();
        }
    });
}

fn memory_ui(ui: &mut Ui, facts: &Facts, colors: Palette) {
    let work = &facts.work;
    let megabytes = |bytes: usize| format!("{:6.0} MB", bytes as f64 / 1e6);
    let lines = [
        ("queued", format!("{:6}", work.num_queued)),
        ("in flight", format!("{:6}", work.num_in_flight)),
        ("stuck", format!("{:6}", work.num_stuck)),
        ("cache", megabytes(facts.cache_bytes.0)),
        ("cache bound", megabytes(facts.cache_bytes.1)),
        ("textures", megabytes(facts.texture_bytes)),
    ];
    let grid = Grid::new("memory").num_columns(2).spacing([SPACE_16, 0.0]);
    grid.show(ui, |ui| {
        for (name, value) in lines {
            let color = if name == "stuck" && work.num_stuck > 0 {
                colors.warning
            } else {
                colors.quiet
            };
            ui.label(RichText::new(name).monospace());
            ui.label(RichText::new(value).monospace().color(color));
            ui.end_row();
        }
    });
}

/// What runs now, how long it took last, how often it ended in a second, and the part of a second that it took (more
/// than all of it where several threads did so); each of a fixed width, so that nothing wobbles.
fn cells(figures: &StageFigures) -> [String; 4] {
    let now = match figures.longest {
        Some(longest) => format!("{} for {:.1} s", figures.num_running, longest.as_secs_f32()),
        None => "–".into(),
    };
    let last = match figures.last {
        Some(last) => duration(last),
        None => "–".into(),
    };
    [
        format!("{now:>13}"),
        format!("{last:>9}"),
        format!("{:>10.1}", figures.per_sec),
        format!("{:>4.0} %", figures.busy * 100.0),
    ]
}

/// A time from microseconds to minutes, in few characters.
fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        secs if secs < 1e-3 => format!("{:.0} µs", secs * 1e6),
        secs if secs < 10.0 => format!("{:.1} ms", secs * 1e3),
        secs => format!("{secs:.1} s"),
    }
}

/// How long the disk has given no answer, where that is long. A stage that is long in a reader may be so because much is
/// decoded within it; of opening a dataset only the stage is known, and hardly anything but the disk is waited for.
fn silence(facts: &Facts) -> Option<Duration> {
    let of_stage = match facts.work.slowest() {
        Some((WorkStage::Open | WorkStage::Read, time)) => Some(time),
        _ => None,
    };
    let of_opening = facts.opening.is_some().then_some(of_stage).flatten();
    let time = facts.work.longest_wait.max(of_opening);
    time.filter(|time| *time >= LONG_READ)
}

/// What is waited for, in words.
fn answer(facts: &Facts) -> String {
    let (what, time) = match (&facts.opening, facts.loading) {
        (Some(opening), _) => ("the dataset", opening.since),
        (None, Some(time)) => ("the picture", time),
        (None, None) => return "Nothing is waited for".into(),
    };
    let why = match (silence(facts), facts.work.slowest()) {
        (Some(time), _) => format!("the disk has not answered for {:.1} s", time.as_secs_f32()),
        (None, Some((stage, _))) => stage.name().to_owned(),
        (None, None) if facts.work.num_stuck > 0 => "the disk does not answer".into(),
        (None, None) => "in the queue".into(),
    };
    format!("{:.1} s for {what}: {why}", time.as_secs_f32())
}

fn meaning(stage: WorkStage) -> &'static str {
    match stage {
        WorkStage::List => "A path becomes a dataset: folders are listed and documents read",
        WorkStage::Open => "The store of a FOV, a label image or an array is opened",
        WorkStage::Read => "Files of samples are opened, and their bytes read",
        WorkStage::Decompress => "Bytes become samples",
        WorkStage::Transpose => "Samples change their order in memory",
        WorkStage::Upload => "Samples become textures",
        WorkStage::Draw => "A frame is laid out and handed to the screen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Opening;

    /// What is said while the picture is waited for and a stage has run for so long.
    fn check(
        stage: Option<(WorkStage, f32)>,
        num_stuck: usize,
        waits: Option<f32>,
        expected: &str,
    ) {
        let running = stage.map(|(stage, secs)| StageFigures {
            num_running: 1,
            longest: Some(Duration::from_secs_f32(secs)),
            ..StageFigures::idle(stage)
        });
        let drawing = StageFigures {
            num_running: 1,
            longest: Some(Duration::from_mins(1)),
            ..StageFigures::idle(WorkStage::Draw)
        };
        let facts = Facts {
            loading: Some(Duration::from_secs_f32(2.5)),
            work: WorkFacts {
                stages: running.into_iter().chain([drawing]).collect(),
                num_stuck,
                longest_wait: waits.map(Duration::from_secs_f32),
                ..WorkFacts::default()
            },
            ..Facts::default()
        };
        assert_eq!(answer(&facts), format!("2.5 s for the picture: {expected}"));
    }

    #[test]
    fn the_answer_names_what_has_run_for_longest() {
        check(Some((WorkStage::Decompress, 0.2)), 0, None, "decompress");
        check(Some((WorkStage::Read, 0.2)), 0, Some(0.2), "read");
        let silent = "the disk has not answered for 2.4 s";
        check(Some((WorkStage::Read, 2.5)), 0, Some(2.4), silent);
        // Small chunks are decoded within the stage.
        check(Some((WorkStage::Read, 9.0)), 0, Some(0.1), "read");
        check(Some((WorkStage::Read, 9.0)), 0, None, "read");
        check(None, 1, None, "the disk does not answer");
        check(None, 0, None, "in the queue");
    }

    #[test]
    fn cells_keep_their_width_whatever_they_tell() {
        let idle = StageFigures::idle(WorkStage::Read);
        let busy = StageFigures {
            num_running: 12,
            longest: Some(Duration::from_secs_f32(99.9)),
            last: Some(Duration::from_secs_f32(9.876)),
            per_sec: 1234.5,
            busy: 4.0,
            ..idle
        };
        let widths = |figures| cells(figures).map(|cell| cell.chars().count());
        assert_eq!(widths(&idle), widths(&busy));
        assert_eq!(cells(&busy)[..2], ["12 for 99.9 s", "9876.0 ms"]);
        let quick = Some(Duration::from_nanos(31_400));
        let quick = StageFigures {
            last: quick,
            ..idle
        };
        assert_eq!(cells(&quick)[1].trim(), "31 µs");
    }

    #[test]
    fn without_a_wish_nothing_is_waited_for_and_opening_comes_first() {
        let mut facts = Facts::default();
        assert_eq!(answer(&facts), "Nothing is waited for");
        facts.opening = Some(Opening {
            since: Duration::from_millis(300),
            ..Opening::default()
        });
        assert_eq!(answer(&facts), "0.3 s for the dataset: in the queue");
    }
}
