//! A dataset in words, one screenful: for tests, for people, for bug reports.

use std::fmt::Write as _;

use crate::{
    dataset::{Arrays, Dataset, Fov, Image, ImageSlot, Level, ZarrFormat},
    model::{Channel, exact, printable, readable_to},
};

/// FOV rows that are printed; the others are counted.
const ROWS: usize = 24;
/// Problems that are printed; the others are counted.
const PROBLEMS: usize = 12;

/// Renders a dataset as lines of text. Paths are below the opened one, so that equal datasets give equal texts.
#[must_use]
pub fn describe(dataset: &Dataset) -> String {
    let mut lines = vec![header(dataset)];
    if let Some(plate) = &dataset.plate {
        let (rows, columns) = (plate.rows.join(" "), plate.columns.join(" "));
        lines.push(format!("plate rows {rows}, columns {columns}"));
    }
    lines.push(counted(dataset.order.len() as u64, "FOV"));
    for &id in dataset.order.iter().take(ROWS) {
        if let (Some(fov), Some(slot)) = (dataset.fov(id), dataset.images.get(id.row())) {
            lines.push(fov_line(fov, slot));
        }
    }
    lines.extend(more(dataset.order.len(), ROWS));
    image_lines(&dataset.template, &mut lines);
    if let Some(run) = &dataset.acquisition {
        let complete = run
            .complete
            .map_or("unknown", |done| if done { "yes" } else { "no" });
        let planes = run
            .planned_planes
            .map_or_else(|| "? planes".to_owned(), |planes| counted(planes, "plane"));
        // Of others it is not counted here how many are there.
        let planned = if run.complete == Some(true) {
            ""
        } else {
            " planned"
        };
        let objective = run.objective.as_deref().unwrap_or("unknown");
        lines.push(format!(
            "complete {complete}, {planes}{planned}, objective {objective}"
        ));
    }
    let problems = dataset.problems.iter().take(PROBLEMS);
    lines.extend(problems.map(|problem| format!("! {} {problem}", problem.code)));
    lines.extend(more(dataset.problems.len(), PROBLEMS));
    let mut text = String::new();
    for line in &lines {
        let _infallible = writeln!(text, "{}", printable(line));
    }
    text
}

fn header(dataset: &Dataset) -> String {
    let (kind, name, layout) = (dataset.kind.as_str(), &dataset.name, &dataset.layout);
    let mut line = format!("{kind} {name}: {layout}");
    let format = match dataset.zarr_format {
        Some(ZarrFormat::V2) => "zarr 2",
        Some(ZarrFormat::V3) => "zarr 3",
        None => return line,
    };
    let ngff = dataset.ngff.as_deref().unwrap_or("none");
    let _infallible = write!(line, ", {format}, ngff {ngff}");
    line
}

/// `1 FOV`, `2 FOVs`.
fn counted(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

fn fov_line(fov: &Fov, slot: &ImageSlot) -> String {
    let mut line = format!("  {} = {}", fov.label, fov.path);
    if let Some(place) = fov.stage_um {
        let (x, y) = (readable_to(1, place.x), readable_to(1, place.y));
        let _infallible = write!(line, " at {x},{y} \u{b5}m");
    }
    if !fov.present {
        line.push_str(" (planned)");
    }
    if let ImageSlot::Failed(error) = slot {
        let _infallible = write!(line, " (failed: {})", error.code);
    }
    line
}

fn image_lines(image: &Image, lines: &mut Vec<String>) {
    let axes: Vec<&str> = image.axes.iter().map(|axis| axis.name.as_str()).collect();
    lines.push(format!(
        "image {} {}",
        axes.join(","),
        image.sample_type.name()
    ));
    lines.extend(image.levels.iter().map(level_line));
    let step = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), exact);
    let sampling = image.sampling;
    lines.push(format!(
        "  pixel {} x {} \u{b5}m, z {} \u{b5}m, t {} s",
        step(sampling.y_um),
        step(sampling.x_um),
        step(sampling.z_um),
        step(sampling.t_secs)
    ));
    lines.push(format!("  {}", image.storage));
    let channels: Vec<String> = image
        .channels
        .iter()
        .enumerate()
        .map(channel_words)
        .collect();
    lines.push(format!("  channels {}", channels.join("; ")));
    if !image.labels.is_empty() {
        lines.push(format!("  labels {}", image.labels.join(", ")));
    }
}

fn level_line(level: &Level) -> String {
    let shape: Vec<String> = level.shape.iter().map(u64::to_string).collect();
    let arrays = match &level.arrays {
        Arrays::One(_) => String::new(),
        Arrays::PerTimepoint(all) => {
            let found = all.iter().flatten().count();
            format!(", {found} of {} timepoints", all.len())
        }
        Arrays::Registered(_) => ", registered one by one".to_owned(),
        Arrays::Files(_) => ", image files".to_owned(),
    };
    format!("  level {}: {}{arrays}", level.path, shape.join("x"))
}

fn channel_words((index, channel): (usize, &Channel)) -> String {
    let mut words = channel.display_name(index);
    if let Some(color) = channel.color {
        let _infallible = write!(words, " #{}", color.to_hex());
    }
    if channel.in_gray {
        words.push_str(" in gray");
    }
    if channel.inverted {
        words.push_str(" inverted");
    }
    if let Some(window) = channel.window {
        let (low, high) = (exact(window.low), exact(window.high));
        let _infallible = write!(words, " {low}..{high}");
    }
    if let Some(exposure_ms) = channel.exposure_ms {
        let _infallible = write!(words, " {} ms", exact(exposure_ms));
    }
    words
}

fn more(found: usize, shown: usize) -> Option<String> {
    (found > shown).then(|| format!("  \u{2026} and {} more", found - shown))
}
