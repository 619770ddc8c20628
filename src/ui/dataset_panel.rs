//! What is known of the dataset and of the shown plane, and whatever is odd about it.

use egui::{CollapsingHeader, Grid, RichText, Ui};

use super::{Action, Facts, View, live, live::grouped, tokens::palette};
use crate::{
    dataset::{Dataset, Image},
    ledger::PageSize,
    model::{AxisRole, readable, readable_to},
};

/// The panel; egui keeps which sections are open.
pub(super) fn ui(ui: &mut Ui, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    let colors = palette(facts.theme);
    ui.label(RichText::new("Dataset").color(colors.quiet));
    Grid::new("dataset")
        .num_columns(2)
        .spacing([8.0, 3.0])
        .show(ui, |ui| {
            for (name, value) in lines(view, facts) {
                let label = ui.label(RichText::new(name).color(colors.quiet));
                if let Some(hint) = hint(name) {
                    label.on_hover_text(hint);
                }
                ui.add(egui::Label::new(&value).wrap());
                ui.end_row();
            }
        });
    ui.horizontal_wrapped(|ui| {
        if ui
            .small_button("Copy path")
            .on_hover_text("Path of the shown plane's file")
            .clicked()
        {
            out.push(Action::CopyFilePath);
        }
        if ui
            .small_button("Show in folder")
            .on_hover_text("In the file manager")
            .clicked()
        {
            out.push(Action::ShowInFileManager);
        }
    });
    problems_ui(ui, view.dataset, facts);
}

/// Found problems and assumptions, counted; only the lines on the screen are laid out.
fn problems_ui(ui: &mut Ui, dataset: &Dataset, facts: &Facts) {
    if dataset.problems.is_empty() {
        return;
    }
    let colors = palette(facts.theme);
    let title = match dataset.problems.len() {
        1 => "1 note".to_owned(),
        count => format!("{count} notes"),
    };
    CollapsingHeader::new(RichText::new(title).color(colors.warning))
        .id_salt("problems")
        .show(ui, |ui| {
            const MOST: usize = 100;
            for problem in dataset.problems.iter().take(MOST) {
                ui.add(egui::Label::new(&problem.message).wrap());
                ui.add(
                    egui::Label::new(RichText::new(&problem.location).small().color(colors.quiet))
                        .wrap(),
                );
            }
            if dataset.problems.len() > MOST {
                ui.label(format!("and {} more", dataset.problems.len() - MOST));
            }
        });
}

/// Names and values, without egui: what is unknown is left out.
fn lines(view: &View<'_>, facts: &Facts) -> Vec<(&'static str, String)> {
    let (dataset, image) = (view.dataset, view.session.image(view.dataset));
    let mut lines = vec![
        ("Layout", dataset.layout.clone()),
        ("Shape", shape(image)),
        ("Samples", image.sample_type.name().to_owned()),
        ("Storage", image.storage.clone()),
    ];
    let mut known = |name, value: Option<String>| lines.extend(value.map(|value| (name, value)));
    let sampling = &image.sampling;
    known(
        "Pixel",
        sampling
            .x_um
            .map(|size| format!("{}\u{2009}µm", trimmed(size))),
    );
    known(
        "z-step",
        sampling
            .z_um
            .map(|step| format!("{}\u{2009}µm", trimmed(step))),
    );
    known(
        "Time step",
        sampling
            .t_secs
            .map(|step| format!("{}\u{2009}s", trimmed(step))),
    );
    if let Some(acquisition) = &dataset.acquisition {
        known("Objective", objective(acquisition));
        known("Start", acquisition.start_time.clone());
        known(
            "Complete",
            acquisition.complete.map(|complete| {
                let words = match (complete, acquisition.aborted) {
                    (true, _) => "yes",
                    (false, true) => "no, stopped",
                    (false, false) => "no",
                };
                words.to_owned()
            }),
        );
    }
    lines.extend(live_lines(view, facts));
    let mut known = |name, value: Option<String>| lines.extend(value.map(|value| (name, value)));
    known("Exposure", exposures(image));
    known("Stage", stage(view, facts));
    known(
        "Time",
        facts
            .executed
            .as_ref()
            .map(|executed| executed.time.clone()),
    );
    lines
}

/// Counts of an acquisition that runs or ran while it was shown, of another dataset those that failed; what is 0 is left
/// out.
fn live_lines(view: &View<'_>, facts: &Facts) -> Vec<(&'static str, String)> {
    let Some(live) = &facts.live else {
        let failed = view.ledger.total().failed;
        return Vec::from_iter((failed > 0).then(|| ("Failed", grouped(failed))));
    };
    let at = view.session.position;
    let page = PageSize::of(view.session.image(view.dataset)).num_planes();
    let here = view.ledger.counts_at(at.fov, at.t).acquired();
    let mut lines = vec![
        ("Acquired", live.progress()),
        (
            "This FOV",
            format!("{} of {} at t {}", grouped(here), grouped(page), at.t),
        ),
    ];
    let counted = [
        ("Partial", view.ledger.total().partial),
        ("Missing", live.missing),
        ("Failed", live.failed),
        ("Late", live.num_late),
    ];
    let some = counted.into_iter().filter(|(_, count)| *count > 0);
    lines.extend(some.map(|(name, count)| (name, grouped(count))));
    if facts.is_live() {
        lines.extend(live.planes_per_sec.map(|rate| ("Rate", live::rate(rate))));
        let end = |time| ("End", format!("in {}", live::clock(time)));
        lines.extend(live.remaining.map(end));
    }
    lines
}

/// What a count means, where its name is too short to say it.
fn hint(name: &str) -> Option<&'static str> {
    match name {
        "This FOV" => Some("Acquired planes of this FOV at this timepoint"),
        "Partial" => Some("Planes of which some chunks are on disk"),
        "Missing" => Some(
            "Planes that are not on disk, and that nobody will write, or whose pixels in memory made room for newer ones",
        ),
        "Failed" => Some("Planes that cannot be read"),
        "Late" => Some("Notices of an earlier acquisition, not taken"),
        _ => None,
    }
}

/// `T 3 · C 4 · Z 10 · 2048 × 2048`.
fn shape(image: &Image) -> String {
    let axes = [
        (AxisRole::Time, "T"),
        (AxisRole::Channel, "C"),
        (AxisRole::Z, "Z"),
    ];
    let lengths = axes
        .into_iter()
        .filter(|(role, _)| image.axis_of(*role).is_some());
    let mut parts: Vec<String> = lengths
        .map(|(role, name)| format!("{name} {}", image.len_of(role)))
        .collect();
    let extra = image.extra_axes();
    parts.extend(extra.map(|(name, length)| format!("{name} {length}")));
    let (width, height) = image.plane_size();
    parts.push(format!("{width} × {height}"));
    parts.join(" · ")
}

fn objective(acquisition: &crate::dataset::Acquisition) -> Option<String> {
    let name = acquisition.objective.clone();
    let magnification = acquisition
        .magnification
        .map(|magnification| format!("{}×", trimmed(magnification)));
    let aperture = acquisition
        .numerical_aperture
        .map(|aperture| format!("NA {}", trimmed(aperture)));
    let magnification = magnification.filter(|text| {
        name.as_ref()
            .is_none_or(|name| !name.contains(&text[..text.len() - 2]))
    });
    let parts: Vec<String> = [name, magnification, aperture]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn exposures(image: &Image) -> Option<String> {
    let times: Vec<String> = image
        .channels
        .iter()
        .filter_map(|channel| channel.exposure_ms)
        .map(trimmed)
        .collect();
    (!times.is_empty()).then(|| format!("{}\u{2009}ms", times.join(", ")))
}

fn stage(view: &View<'_>, facts: &Facts) -> Option<String> {
    let row = view.dataset.fov(view.session.position.fov)?;
    let (at, z) = match &facts.executed {
        Some(executed) => (executed.stage_um, executed.z_um),
        None => (row.stage_um?, row.stage_z_um),
    };
    let z = z.map(|z| format!(", {}", readable_to(1, z)));
    let (x, y) = (readable_to(1, at.x), readable_to(1, at.y));
    Some(format!("{x}, {y}{}\u{2009}µm", z.unwrap_or_default()))
}

/// Up to four decimals, without trailing zeros; a number that has none of usual size in another way.
fn trimmed(value: f64) -> String {
    if !(1e-3..1e9).contains(&value) {
        return readable(value);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::testing::{Sizes, dataset},
        ledger::Ledger,
        model::{FovId, PlaneId, PlaneState, ZPick},
        session::Session,
        ui::{LiveFacts, LiveState},
    };

    #[test]
    fn what_is_known_is_listed_and_what_is_not_left_out() {
        let dataset = dataset(Sizes::default());
        let (session, ledger) = (Session::new(&dataset), Ledger::default());
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let lines = lines(&view, &Facts::default());
        let value = |name: &str| {
            lines
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("Shape"), Some("T 4 · C 2 · Z 5 · 64 × 48"));
        assert_eq!(value("Pixel"), Some("0.5\u{2009}µm"));
        assert_eq!(value("Objective"), None);
        assert_eq!(value("Acquired"), None);
    }

    #[test]
    fn numbers_of_any_size_are_short() {
        for (value, text) in [
            (0.325, "0.325"),
            (0.108_333_333, "0.1083"),
            (60.0, "60"),
            (2e-6, "2e-6"),
            (1e308, "1e308"),
        ] {
            assert_eq!(trimmed(value), text);
        }
    }

    #[test]
    fn a_running_acquisition_is_counted_and_an_ended_one_without_its_rate() {
        let dataset = dataset(Sizes::default());
        let (session, mut ledger) = (Session::new(&dataset), Ledger::default());
        let plane = |fov, z| PlaneId {
            fov: FovId(fov),
            layer: 0,
            t: 0,
            c: 0,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        let size = PageSize::of(&dataset.template);
        ledger.announce(size, plane(0, 0), 1);
        ledger.book(size, plane(0, 1), PlaneState::Written);
        ledger.announce(size, plane(1, 0), 1);
        let live = LiveFacts {
            state: LiveState::Running,
            acquired: 3,
            planned: Some(1200),
            planes_per_sec: Some(12.0),
            remaining: Some(std::time::Duration::from_secs(99)),
            failed: 2,
            missing: 0,
            num_late: 0,
        };
        let lines = |live: LiveFacts| {
            let view = View {
                session: &session,
                dataset: &dataset,
                ledger: &ledger,
            };
            let facts = Facts {
                live: Some(live),
                ..Facts::default()
            };
            live_lines(&view, &facts)
        };
        let text = |(name, value): (&str, String)| format!("{name} {value}");
        let running: Vec<String> = lines(live.clone()).into_iter().map(text).collect();
        let expected = [
            "Acquired 3 of 1\u{2009}200",
            "This FOV 2 of 10 at t 0",
            "Failed 2",
            "Rate 12 planes/s",
            "End in 01:39",
        ];
        assert_eq!(running, expected);
        let ended = LiveFacts {
            state: LiveState::Ended {
                at: "14:02".into(),
                reason: "finished".into(),
            },
            ..live
        };
        let ended: Vec<String> = lines(ended).into_iter().map(text).collect();
        assert_eq!(ended, expected[..3]);
    }
}
