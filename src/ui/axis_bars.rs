//! Dimension bars: a slider per axis with more than one step, play, step buttons, index and physical value.

use egui::{Align, Layout, RichText, Ui};

use super::{
    Action, Facts, View, icons,
    icons::Icon,
    slider,
    tokens::{BAR_PT, palette},
};
use crate::{
    ledger::Notice,
    model::{NavAxis, PlaneId, PlaneState, ZPick, readable_to},
    session::{Command, Position},
};

/// Axes in the order of their bars.
const AXES: [NavAxis; 3] = [NavAxis::Time, NavAxis::Fov, NavAxis::Z];
/// Bars wider than this have room for that on every axis, in points.
const ROOMY_PT: f32 = 700.0;
/// A bar with less room than this, in points, has no physical value, so that its slider does not lie under the index.
const VALUE_FROM_PT: f32 = 250.0;
/// Width of what stands at the right end of a bar, in points.
const EXTRAS_PT: f32 = 124.0;
/// Width of the physical value, in points.
const VALUE_PT: f32 = 92.0;
/// Width of the name of another axis, in points: that of the others and the play button beside it.
const EXTRA_NAME_PT: f32 = 54.0;
/// Speeds on offer, steps per second.
const SPEEDS: [f32; 7] = [1.0, 2.0, 5.0, 10.0, 15.0, 25.0, 50.0];

/// True where the dataset has an axis to move along.
pub(super) fn has_any(view: &View<'_>) -> bool {
    let has_extra = view.session.image(view.dataset).num_extra() > 1;
    has_extra || AXES.iter().any(|&axis| view.dataset.len_along(axis) > 1)
}

/// The bars.
pub(super) fn ui(ui: &mut Ui, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    for axis in AXES {
        if view.dataset.len_along(axis) > 1 {
            ui.allocate_ui_with_layout(
                egui::vec2(ui.available_width(), BAR_PT),
                Layout::left_to_right(Align::Center),
                |ui| bar_ui(ui, axis, view, facts, out),
            );
        }
    }
    for axis in extra_axes(view).iter().filter(|axis| axis.length > 1) {
        ui.allocate_ui_with_layout(
            egui::vec2(ui.available_width(), BAR_PT),
            Layout::left_to_right(Align::Center),
            |ui| extra_bar_ui(ui, axis, view, facts, out),
        );
    }
}

/// An axis other than t, c, z and FOV at the shown position.
#[derive(Debug, PartialEq, Eq)]
struct ExtraAxis<'a> {
    /// Which of them.
    nth: usize,
    name: &'a str,
    index: u32,
    length: u32,
}

impl ExtraAxis<'_> {
    /// Goes to an index along it.
    fn command(&self, index: u32, view: &View<'_>) -> Command {
        let extra = view.session.position.extra;
        let image = view.session.image(view.dataset);
        Command::SetExtra(image.extra_with(extra, self.nth, index))
    }
}

fn extra_axes<'a>(view: &View<'a>) -> Vec<ExtraAxis<'a>> {
    let (image, extra) = (
        view.session.image(view.dataset),
        view.session.position.extra,
    );
    let axes = image.extra_axes().enumerate();
    axes.map(|(nth, (name, length))| ExtraAxis {
        nth,
        name,
        index: image.extra_index(extra, nth),
        length,
    })
    .collect()
}

/// As the others, without playback; its own name and the keys of the first one.
fn extra_bar_ui(
    ui: &mut Ui,
    axis: &ExtraAxis<'_>,
    view: &View<'_>,
    facts: &Facts,
    out: &mut Vec<Action>,
) {
    let colors = palette(facts.theme);
    let name = RichText::new(axis.name).color(colors.quiet);
    let width = EXTRA_NAME_PT;
    ui.add_sized([width, BAR_PT], egui::Label::new(name).truncate())
        .on_hover_text(axis.name);
    for (icon, steps, words, key) in [
        (Icon::Previous, -1, "Previous", ","),
        (Icon::Next, 1, "Next", "."),
    ] {
        let key = if axis.nth == 0 {
            format!(" ({key})")
        } else {
            String::new()
        };
        let label = format!("{words} {}{key}", axis.name);
        if icons::button(ui, icon, &label, false).clicked() {
            out.push(Action::View(Command::StepExtra(axis.nth, steps)));
        }
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let roomy = ui.available_width() > ROOMY_PT;
        if roomy {
            // The room of what stands at the right end of the other bars.
            ui.allocate_exact_size(egui::vec2(EXTRAS_PT, BAR_PT), egui::Sense::hover());
        }
        if ui.available_width() > VALUE_FROM_PT {
            ui.allocate_exact_size(egui::vec2(VALUE_PT, BAR_PT), egui::Sense::hover());
        }
        let last = axis.length - 1;
        if let Some(to) = typed_index_ui(ui, axis.name, axis.index, last) {
            out.push(Action::View(axis.command(to, view)));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let label = format!("{} slider", axis.name);
            let moved = slider::ui(ui, &label, axis.index, axis.length, &|_| true, colors);
            out.extend(moved.map(|to| Action::View(axis.command(to, view))));
        });
    });
}

fn bar_ui(ui: &mut Ui, axis: NavAxis, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    let name = axis_name(axis);
    let colors = palette(facts.theme);
    ui.add_sized(
        [28.0, BAR_PT],
        egui::Label::new(RichText::new(name).color(colors.quiet)),
    );
    let is_playing = view.session.playback.axis == Some(axis);
    let (icon, what) = if is_playing {
        (Icon::Pause, "Pause")
    } else {
        (Icon::Play, "Play")
    };
    if icons::button(ui, icon, &format!("{what} {name} (Space)"), is_playing).clicked() {
        out.push(Action::View(Command::TogglePlay(Some(axis))));
    }
    for (icon, steps, words) in [(Icon::Previous, -1, "Previous"), (Icon::Next, 1, "Next")] {
        let key = axis_keys(axis)[usize::from(steps > 0)];
        if icons::button(ui, icon, &format!("{words} {name} ({key})"), false).clicked() {
            out.push(Action::View(Command::Step(axis, steps)));
        }
    }
    // From the right, so that the slider takes what is left.
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        extras_ui(ui, axis, view, facts, out);
        if ui.available_width() > VALUE_FROM_PT {
            value_ui(ui, axis, view, facts);
        }
        index_ui(ui, axis, view, out);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let (index, length) = (
                view.session.position.index(axis, view.dataset),
                view.dataset.len_along(axis),
            );
            let label = format!("{name} slider");
            let is_whole = !facts.is_unfinished(view.dataset);
            let is_acquired = |at| {
                let is_skipped = || axis == NavAxis::Time && view.dataset.is_skipped(at);
                is_whole && !is_skipped() || is_acquired(axis, at, view)
            };
            if let Some(to) = slider::ui(ui, &label, index, length, &is_acquired, colors) {
                out.push(Action::View(Command::SetIndex(axis, to)));
            }
        });
    });
}

/// True where an index is filled. In a finished dataset everywhere but at timepoints that were left out; in a running
/// acquisition where anything is acquired:
/// of a timepoint in any FOV, of a FOV at the shown timepoint, of a z-slice in the shown FOV's first drawn channel.
fn is_acquired(axis: NavAxis, index: u32, view: &View<'_>) -> bool {
    let (dataset, ledger) = (view.dataset, view.ledger);
    let at = view.session.position.with_index(axis, index, dataset);
    let counts = match axis {
        NavAxis::Time => ledger.counts_of_timepoint(at.t),
        NavAxis::Fov => ledger.counts_at(at.fov, at.t),
        NavAxis::Z => return is_plane_acquired(view, at),
    };
    counts.acquired() > 0
}

/// True where the first drawn channel's plane is on disk, whole or in part, or announced and not looked at yet.
fn is_plane_acquired(view: &View<'_>, at: Position) -> bool {
    let channel = view.session.drawn_channels().first().copied();
    let plane = PlaneId {
        fov: at.fov,
        layer: 0,
        t: at.t,
        c: channel.and_then(|c| u16::try_from(c).ok()).unwrap_or(0),
        z: ZPick::Slice(at.z),
        extra: at.extra,
        level: 0,
    };
    match view.ledger.state(plane) {
        PlaneState::Written | PlaneState::Partial { .. } => true,
        PlaneState::Unknown => view.ledger.notice(plane) != Notice::None,
        PlaneState::Planned | PlaneState::Missing | PlaneState::Failed(_) => false,
    }
}

/// The typed index, and quietly the last one.
fn index_ui(ui: &mut Ui, axis: NavAxis, view: &View<'_>, out: &mut Vec<Action>) {
    let last = view.dataset.len_along(axis).saturating_sub(1);
    let index = view.session.position.index(axis, view.dataset);
    if let Some(to) = typed_index_ui(ui, axis_name(axis), index, last) {
        out.push(Action::View(Command::SetIndex(axis, to)));
    }
}

/// The field of an index and its last one; what was typed, if anything.
fn typed_index_ui(ui: &mut Ui, name: &str, mut index: u32, last: u32) -> Option<u32> {
    ui.add_sized(
        [46.0, BAR_PT],
        egui::Label::new(RichText::new(format!("/ {last}")).monospace().weak()),
    );
    let field = egui::DragValue::new(&mut index).range(0..=last).speed(0.1);
    let response = ui
        .add_sized([46.0, 18.0], field)
        .on_hover_text("Drag or type an index");
    let name = format!("{name} index");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::SpinButton, true, &name));
    response.changed().then_some(index)
}

/// Time, FOV label or height, always in the same place and width.
fn value_ui(ui: &mut Ui, axis: NavAxis, view: &View<'_>, facts: &Facts) {
    let text = physical_value(axis, view);
    let label = RichText::new(&text)
        .monospace()
        .color(palette(facts.theme).quiet);
    ui.add_sized([VALUE_PT, BAR_PT], egui::Label::new(label).truncate())
        .on_hover_text(text);
}

/// What an index stands for: time since the start, the FOV's label, height above the first slice.
fn physical_value(axis: NavAxis, view: &View<'_>) -> String {
    let sampling = &view.session.image(view.dataset).sampling;
    let index = f64::from(view.session.position.index(axis, view.dataset));
    match axis {
        NavAxis::Time => sampling
            .t_secs
            .map(|step| clock(step * index))
            .unwrap_or_default(),
        NavAxis::Fov => {
            let row = view.dataset.fov(view.session.position.fov);
            row.map(|row| row.label.clone()).unwrap_or_default()
        }
        NavAxis::Z => sampling
            .z_um
            .map(|step| format!("{}\u{2009}µm", readable_to(1, step * index)))
            .unwrap_or_default(),
    }
}

/// `hh:mm:ss`, with a fraction where steps are short.
fn clock(secs: f64) -> String {
    let whole = secs.max(0.0).floor();
    let (hours, minutes, rest) = (
        (whole / 3600.0).floor(),
        (whole / 60.0) % 60.0,
        whole % 60.0,
    );
    let fraction = secs - whole;
    let tail = if fraction > 1e-3 {
        format!(".{:01.0}", (fraction * 10.0).floor())
    } else {
        String::new()
    };
    format!("{hours:02.0}:{:02.0}:{rest:02.0}{tail}", minutes.floor())
}

/// The speed menu on the axis moved last, the projection switch on z; the room is kept on every bar, so that the sliders
/// of all are equally long.
fn extras_ui(ui: &mut Ui, axis: NavAxis, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    let is_last_move = axis == view.session.last_move.0;
    let is_roomy = ui.available_width() > ROOMY_PT;
    if !is_roomy && axis != NavAxis::Z && !is_last_move {
        return;
    }
    let (rect, _) = ui.allocate_exact_size(egui::vec2(EXTRAS_PT, BAR_PT), egui::Sense::hover());
    let layout = Layout::right_to_left(Align::Center);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout));
    let session = view.session;
    if is_last_move {
        let reached = facts
            .play_fps
            .filter(|_| session.playback.axis == Some(axis));
        let text = reached.map_or_else(
            || format!("{:.0} fps", session.playback.fps),
            |fps| format!("{fps:.0} of {:.0} fps", session.playback.fps),
        );
        let menu = inside.menu_button(text, |ui| speed_menu(ui, view, out));
        menu.response.on_hover_text("Speed of playback");
    }
    if axis == NavAxis::Z {
        let is_on = session.max_projection;
        let response = inside
            .selectable_label(is_on, "Max")
            .on_hover_text("Maximum over z (M)");
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::Button, true, is_on, "Maximum over z")
        });
        if response.clicked() {
            out.push(Action::View(Command::ToggleMaxProjection));
        }
    }
}

fn speed_menu(ui: &mut Ui, view: &View<'_>, out: &mut Vec<Action>) {
    for fps in SPEEDS {
        if ui
            .selectable_label(view.session.playback.fps == fps, format!("{fps:.0} fps"))
            .clicked()
        {
            out.push(Action::View(Command::SetFps(fps)));
        }
    }
    let mut loops = view.session.playback.loops;
    if ui.checkbox(&mut loops, "Loop").changed() {
        out.push(Action::View(Command::SetLoop(loops)));
    }
}

fn axis_name(axis: NavAxis) -> &'static str {
    match axis {
        NavAxis::Time => "T",
        NavAxis::Fov => "FOV",
        NavAxis::Z => "Z",
    }
}

/// Keys of one step back and forward.
fn axis_keys(axis: NavAxis) -> [&'static str; 2] {
    match axis {
        NavAxis::Time => ["Left", "Right"],
        NavAxis::Fov => ["PgUp", "PgDn"],
        NavAxis::Z => ["Down", "Up"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::testing::{Sizes, dataset},
        ledger::{Ledger, PageSize},
        model::FovId,
        session::Session,
    };

    #[test]
    fn bars_fill_with_what_is_acquired_at_the_shown_place() {
        let dataset = dataset(Sizes::default());
        let (session, mut ledger) = (Session::new(&dataset), Ledger::default());
        let size = PageSize::of(&dataset.template);
        let plane = |fov, t, c, z| PlaneId {
            fov: FovId(fov),
            layer: 0,
            t,
            c,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        let half = PlaneState::Partial {
            present: 1,
            total: 2,
        };
        ledger.announce(size, plane(0, 0, 0, 0), 1);
        ledger.book(size, plane(0, 0, 0, 1), half);
        ledger.book(size, plane(0, 0, 0, 2), PlaneState::Planned);
        ledger.book(size, plane(0, 0, 1, 3), PlaneState::Written);
        ledger.announce(size, plane(1, 2, 0, 0), 1);
        ledger.book(size, plane(2, 0, 0, 0), PlaneState::Failed("torn".into()));
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let filled = |axis| -> Vec<u32> {
            (0..dataset.len_along(axis))
                .filter(|&at| is_acquired(axis, at, &view))
                .collect()
        };
        assert_eq!(filled(NavAxis::Time), [0, 2]);
        assert_eq!(filled(NavAxis::Fov), [0], "at the shown timepoint");
        assert_eq!(filled(NavAxis::Z), [0, 1], "of the first drawn channel");
    }

    #[test]
    fn times_read_as_a_clock() {
        for (secs, text) in [
            (0.0, "00:00:00"),
            (75.0, "00:01:15"),
            (3661.5, "01:01:01.5"),
            (360_000.0, "100:00:00"),
        ] {
            assert_eq!(clock(secs), text);
        }
    }
}
