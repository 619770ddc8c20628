//! The live part of the top bar: the pill, "Follow", and what stays while following.

use std::sync::Arc;

use egui::{
    Button, Color32, Galley, PopupCloseBehavior, Role, Sense, Stroke, TextStyle, Ui, WidgetInfo,
    containers::menu::{MenuButton, MenuConfig},
    pos2, vec2,
};

use super::{
    Action, Facts, LiveFacts, LiveState, View,
    tokens::{Palette, SPACE_4, SPACE_8, palette},
};
use crate::session::{Command, FollowLock, FollowLocks};

/// Room that the pill leaves for the name of the dataset, in points.
const PLACE_PT: f32 = 150.0;
/// A bar with less room than this says how much is held rather than what, in points.
const ROOMY_PT: f32 = 480.0;
/// Height of the pill, in points.
const PILL_PT: f32 = 20.0;
/// Radius of the dot in the pill, in points.
const DOT_PT: f32 = 3.5;

/// What can be held, as the menu names it and as its button does.
const LOCKS: [(FollowLock, &str, &str); 3] = [
    (FollowLock::Channel, "Keep this channel", "channel"),
    (FollowLock::Z, "Keep this z", "z"),
    (FollowLock::Fov, "Keep this FOV", "FOV"),
];

/// The live part, from the right; nothing where no acquisition runs or ran.
pub(super) fn ui(ui: &mut Ui, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    let Some(live) = &facts.live else { return };
    let colors = palette(facts.theme);
    if facts.is_live() {
        locks_ui(ui, view.session.follow.locks, out);
        follow_ui(ui, view.session.follow.is_on, colors, out);
    }
    pill_ui(ui, live, colors);
}

/// Filled while following, outlined while the view is moved by hand.
fn follow_ui(ui: &mut Ui, is_on: bool, colors: Palette, out: &mut Vec<Action>) {
    let mut button = Button::new("Follow").selected(is_on);
    if !is_on {
        button = button.fill(Color32::TRANSPARENT);
        button = button.stroke(Stroke::new(1.0, colors.quiet));
    }
    let label = "Follow the newest plane (L)";
    let response = ui.add(button).on_hover_text(label);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_on, label));
    if response.clicked() {
        out.push(Action::View(Command::SetFollow(!is_on)));
    }
}

/// The menu of what stays; its button names what is held.
fn locks_ui(ui: &mut Ui, locks: FollowLocks, out: &mut Vec<Action>) {
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let is_roomy = ui.available_width() > ROOMY_PT;
    let button = MenuButton::new(held_words(locks, is_roomy)).config(config);
    let (response, _) = button.ui(ui, |ui| {
        for (lock, words, _) in LOCKS {
            let mut is_held = locks.holds(lock);
            let response = ui
                .checkbox(&mut is_held, words)
                .on_hover_text("Following moves the view along the other axes only");
            if response.changed() {
                out.push(Action::View(Command::SetLock(lock, is_held)));
            }
        }
    });
    let response = response.on_hover_text("What stays while following");
    response.widget_info(|| {
        let label = format!("What stays while following, {}", held_words(locks, true));
        WidgetInfo::labeled(Role::Button, true, label)
    });
}

/// `Keep…`, or what is held: `Keep z, FOV`; how much of it where the window is narrow.
fn held_words(locks: FollowLocks, is_roomy: bool) -> String {
    let held: Vec<&str> = LOCKS
        .iter()
        .filter(|(lock, ..)| locks.holds(*lock))
        .map(|&(.., short)| short)
        .collect();
    if held.is_empty() {
        "Keep…".into()
    } else if is_roomy {
        format!("Keep {}", held.join(", "))
    } else {
        format!("Keep {}", held.len())
    }
}

/// How the pill looks in a state: colour, and whether its dot is filled.
fn look(state: &LiveState, colors: Palette) -> (Color32, bool) {
    match state {
        LiveState::Running => (colors.live, true),
        LiveState::Lost => (colors.warning, false),
        LiveState::Quiet | LiveState::Ended { .. } => (colors.quiet, false),
    }
}

/// The longest text that leaves room for the dataset's name.
fn pill_ui(ui: &mut Ui, live: &LiveFacts, colors: Palette) {
    let (color, is_filled) = look(&live.state, colors);
    let beside_text = 3.0 * SPACE_8 + 2.0 * DOT_PT;
    let room = ui.available_width() - PLACE_PT - beside_text;
    let texts = live.pill_texts();
    let Some((text, galley)) = fitting(ui, &texts, color, room) else {
        return;
    };
    let size = vec2(galley.size().x + beside_text, PILL_PT.max(galley.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let painter = ui.painter();
    let (outline, inside) = (Stroke::new(1.0, colors.line), egui::StrokeKind::Inside);
    painter.rect(rect, PILL_PT / 2.0, colors.raised, outline, inside);
    let dot = pos2(rect.left() + SPACE_8 + DOT_PT, rect.center().y);
    if is_filled {
        painter.circle_filled(dot, DOT_PT, color);
    } else {
        painter.circle_stroke(dot, DOT_PT, Stroke::new(1.5, color));
    }
    let top = rect.center().y - galley.size().y / 2.0;
    let left = dot.x + DOT_PT + SPACE_8;
    painter.galley(pos2(left, top), galley, color);
    response.on_hover_text(live.summary());
    ui.add_space(SPACE_4);
}

/// The first text that fits into `room` points, else the last one.
fn fitting<'a>(
    ui: &Ui,
    texts: &'a [String],
    color: Color32,
    room: f32,
) -> Option<(&'a str, Arc<Galley>)> {
    let font = TextStyle::Body.resolve(ui.style());
    let laid_out = texts.iter().map(|text| {
        let galley = ui
            .painter()
            .layout_no_wrap(text.clone(), font.clone(), color);
        (text.as_str(), galley)
    });
    let mut last = None;
    for (text, galley) in laid_out {
        let fits = galley.size().x <= room;
        last = Some((text, galley));
        if fits {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_button_names_what_is_held() {
        let mut locks = FollowLocks::default();
        assert_eq!(held_words(locks, true), "Keep…");
        (locks.z, locks.fov) = (true, true);
        assert_eq!(held_words(locks, true), "Keep z, FOV");
        assert_eq!(held_words(locks, false), "Keep 2");
    }
}
