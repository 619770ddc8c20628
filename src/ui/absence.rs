//! Words on the canvas where planes are not drawn, or not all of them: why, when they are expected, and whom to tell.

use std::time::Duration;

use egui::{Align2, FontId, Rect, Ui, UiBuilder, vec2};

use super::{
    Action, Facts, View, live,
    tokens::{ON_CANVAS, SMALL_PT, SPACE_8, SPACE_12, palette},
};
use crate::{
    dataset::Dataset,
    model::{PlaneState, short_channel_name},
};

/// Size of the words in points.
const WORDS_PT: f32 = 16.0;
/// A picture that takes this long may be one of a disk that does not answer.
pub(super) const LONG_WAIT: Duration = Duration::from_secs(3);
/// The reason is cut to this part of the canvas.
const REASON_PART: f32 = 0.8;

/// Why pixels that a program handed over are not there any more.
const MADE_ROOM: &str = "its pixels were handed over in memory and made room for newer ones";

/// Why nothing of a timepoint is there.
const LEFT_OUT: &str = "the acquisition left this timepoint out";

/// What is said of planes that are not drawn.
#[derive(Debug, PartialEq, Eq)]
enum Words {
    /// Nothing of the picture is there: in its middle.
    Instead {
        words: String,
        /// A second line.
        more: Option<String>,
    },
    /// Something cannot be read: in the middle, with a reason that can be copied.
    Failed { words: String, reason: String },
    /// A part of it is there: above it, out of its way.
    Beside(String),
}

/// Draws the words over the hatching.
pub(super) fn ui(ui: &mut Ui, rect: Rect, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    let Some(said) = words(view, facts) else {
        return;
    };
    match said {
        Words::Instead { words, more } => {
            let place = line_ui(ui, rect, rect.center(), &words, WORDS_PT, facts);
            if let Some(more) = more {
                let below = egui::pos2(rect.center().x, place.bottom() + SPACE_12 + SPACE_8);
                line_ui(ui, rect, below, &more, SMALL_PT + 1.0, facts);
            }
        }
        Words::Failed { words, reason } => {
            let place = line_ui(ui, rect, rect.center(), &words, WORDS_PT, facts);
            reason_ui(ui, rect, place, &reason, facts, out);
        }
        Words::Beside(words) => {
            let top = rect.center_top() + vec2(0.0, SPACE_12 + SPACE_8);
            line_ui(ui, rect, top, &words, SMALL_PT + 1.0, facts);
        }
    }
}

/// One line on the canvas' ground about `center`, cut where the canvas is too narrow; where its text was drawn.
fn line_ui(
    ui: &Ui,
    rect: Rect,
    center: egui::Pos2,
    words: &str,
    size_pt: f32,
    facts: &Facts,
) -> Rect {
    let format = egui::TextFormat::simple(FontId::proportional(size_pt), ON_CANVAS);
    let mut text = egui::text::LayoutJob::single_section(words.to_owned(), format);
    text.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 4.0 * SPACE_12);
    let galley = ui.painter().layout_job(text);
    let place = Align2::CENTER_CENTER.anchor_size(center, galley.size());
    let ground = palette(facts.theme).canvas;
    ui.painter()
        .rect_filled(place.expand2(vec2(SPACE_12, SPACE_8)), 4.0, ground);
    ui.painter().galley(place.min, galley, ON_CANVAS);
    // Painted text is nothing to a screen reader.
    let line = ui.interact(place, ui.scope_id().with(words), egui::Sense::hover());
    line.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words));
    place
}

/// The reason below the words, and a button that copies it.
fn reason_ui(
    ui: &mut Ui,
    rect: Rect,
    words: Rect,
    reason: &str,
    facts: &Facts,
    out: &mut Vec<Action>,
) {
    let below = rect.center_top() + vec2(0.0, words.bottom() - rect.top() + SPACE_12);
    let size = vec2(rect.width() * REASON_PART, rect.bottom() - below.y);
    let area = Rect::from_center_size(below + vec2(0.0, size.y / 2.0), size);
    ui.scope_builder(UiBuilder::new().max_rect(area), |ui| {
        ui.vertical_centered(|ui| {
            let text = egui::RichText::new(reason).size(SMALL_PT + 1.0);
            let ground = palette(facts.theme).canvas;
            let text = text.color(ON_CANVAS).background_color(ground);
            ui.add(egui::Label::new(text).truncate())
                .on_hover_text(reason);
            ui.add_space(SPACE_8);
            let copy = ui.button("Copy details");
            if copy.on_hover_text("The reason and the path").clicked() {
                out.push(Action::CopyText(reason.to_owned()));
            }
        });
    });
}

/// What to say; the worst counts.
fn words(view: &View<'_>, facts: &Facts) -> Option<Words> {
    let instead = |words: &str| Words::Instead {
        words: words.into(),
        more: None,
    };
    if facts.outside {
        return Some(instead("Not in this FOV"));
    }
    let failed = facts.shown.iter().find_map(|(c, state)| match state {
        PlaneState::Failed(reason) => Some((c, reason)),
        _ => None,
    });
    if let Some((c, reason)) = failed {
        return Some(if facts.is_readable {
            Words::Failed {
                words: failure_words(view.dataset).into(),
                reason: channel_name(view, *c)
                    .map_or_else(|| reason.to_string(), |name| format!("{name}: {reason}")),
            }
        } else {
            Words::Failed {
                words: "This FOV cannot be opened".into(),
                reason: reason.to_string(),
            }
        });
    }
    missing(view, facts)
        .or_else(|| planned(view, facts))
        .or_else(|| partial(facts))
        .or_else(|| waiting(facts))
}

/// A disk that does not answer looks like nothing at all; whoever waits is told that something is still to come.
fn waiting(facts: &Facts) -> Option<Words> {
    let waiting = facts.loading.filter(|waiting| *waiting >= LONG_WAIT)?;
    Some(Words::Beside(format!(
        "Still reading, {}\u{2009}s",
        waiting.as_secs()
    )))
}

/// What a plane that cannot be read is: registered ones lie in no chunk.
fn failure_words(dataset: &Dataset) -> &'static str {
    if dataset.is_registered() {
        "This plane cannot be drawn"
    } else {
        "Cannot be read"
    }
}

/// Planes that nobody will write, or whose pixels are gone.
fn missing(view: &View<'_>, facts: &Facts) -> Option<Words> {
    if facts.made_room {
        absent(view, facts, &PlaneState::Missing, "No longer in memory")
    } else {
        absent(view, facts, &PlaneState::Missing, "Not on disk")
    }
}

/// Planes that are still to come. While the view goes with the newest plane its other channels always are: words about
/// them would blink with every plane.
fn planned(view: &View<'_>, facts: &Facts) -> Option<Words> {
    let words = if facts.is_passed {
        "Not on disk, later planes are"
    } else {
        "Not acquired yet"
    };
    let words = absent(view, facts, &PlaneState::Planned, words);
    let follows = view.session.follow.is_on && facts.is_live();
    words.filter(|words| !(follows && matches!(words, Words::Beside(_))))
}

/// Planes in that state: all of the picture, or some channels of it by name.
fn absent(view: &View<'_>, facts: &Facts, state: &PlaneState, words: &str) -> Option<Words> {
    let is_absent = |(_, other): &&(u16, PlaneState)| other == state;
    let absent: Vec<u16> = facts
        .shown
        .iter()
        .filter(is_absent)
        .map(|&(c, _)| c)
        .collect();
    if absent.is_empty() {
        return None;
    }
    if absent.len() < facts.shown.len() {
        let names = absent.iter().filter_map(|&c| channel_name(view, c));
        let names: Vec<String> = names.collect();
        return Some(Words::Beside(format!("{words}: {}", names.join(", "))));
    }
    let more = match state {
        PlaneState::Planned if !facts.is_passed => expected(facts),
        PlaneState::Missing if facts.made_room => Some(MADE_ROOM.into()),
        PlaneState::Missing if view.dataset.is_skipped(view.session.position.t) => {
            Some(LEFT_OUT.into())
        }
        _ => None,
    };
    Some(Words::Instead {
        words: words.into(),
        more,
    })
}

fn channel_name(view: &View<'_>, c: u16) -> Option<String> {
    let channel = view.session.channels.get(usize::from(c))?;
    Some(short_channel_name(&channel.name))
}

/// When a planned plane will be there at the latest: nobody tells in which order the rest is taken.
fn expected(facts: &Facts) -> Option<String> {
    let live = facts.live.as_ref().filter(|_| facts.is_live())?;
    let time = live.remaining?;
    Some(format!("expected within {}", live::clock(time)))
}

/// Chunks of partly written planes: those of the channel that lacks most.
fn partial(facts: &Facts) -> Option<Words> {
    let parts = facts.shown.iter().filter_map(|(_, state)| match *state {
        PlaneState::Partial { present, total } => Some((present, total)),
        _ => None,
    });
    let (present, total) = parts
        .min_by_key(|&(present, total)| u64::from(present) * 1000 / u64::from(total.max(1)))?;
    let words = format!("Partly written: {present} of {total} chunks");
    Some(Words::Beside(words))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        dataset::testing::{Sizes, dataset},
        ledger::Ledger,
        session::Session,
        ui::{LiveFacts, LiveState},
    };

    /// What is said of two channels in these states while an acquisition runs for 41 more seconds.
    fn check(states: [PlaneState; 2], expected: Option<&Words>) {
        check_at(states, false, expected);
    }

    fn check_at(states: [PlaneState; 2], is_passed: bool, expected: Option<&Words>) {
        let dataset = dataset(Sizes::default());
        let (session, ledger) = (Session::new(&dataset), Ledger::default());
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let facts = Facts {
            shown: (0..).zip(states).collect(),
            is_readable: true,
            is_passed,
            live: Some(LiveFacts {
                state: LiveState::Running,
                acquired: 0,
                planned: None,
                planes_per_sec: None,
                remaining: Some(Duration::from_secs(41)),
                failed: 0,
                missing: 0,
                num_late: 0,
            }),
            ..Facts::default()
        };
        assert_eq!(words(&view, &facts).as_ref(), expected, "{:?}", facts.shown);
    }

    #[test]
    fn the_worst_of_the_shown_planes_is_told() {
        use PlaneState::{Failed, Missing, Partial, Planned, Written};
        let half = Partial {
            present: 2,
            total: 4,
        };
        let beside = |words: &str| Words::Beside(words.into());
        let instead = |words: &str, more: Option<&str>| Words::Instead {
            words: words.into(),
            more: more.map(str::to_owned),
        };
        let damaged = Words::Failed {
            words: "Cannot be read".into(),
            reason: "Dye 1: torn /a".into(),
        };
        let planned = instead("Not acquired yet", Some("expected within 00:41"));
        let failed = Failed("torn /a".into());
        check([Written, Written], None);
        check(
            [half.clone(), Written],
            Some(&beside("Partly written: 2 of 4 chunks")),
        );
        check([half, Planned], Some(&beside("Not acquired yet: Dye 1")));
        check([Planned, Planned], Some(&planned));
        check([Missing, Planned], Some(&beside("Not on disk: Dye 0")));
        check([Missing, Missing], Some(&instead("Not on disk", None)));
        check([Missing, failed], Some(&damaged));
    }

    #[test]
    fn pixels_that_made_room_say_so() {
        use PlaneState::{Missing, Written};
        let made_room = |states: [PlaneState; 2]| {
            let facts = Facts {
                made_room: true,
                is_readable: true,
                shown: (0..).zip(states).collect(),
                ..Facts::default()
            };
            let dataset = dataset(Sizes::default());
            let (session, ledger) = (Session::new(&dataset), Ledger::default());
            let view = View {
                session: &session,
                dataset: &dataset,
                ledger: &ledger,
            };
            words(&view, &facts)
        };
        let all = Words::Instead {
            words: "No longer in memory".into(),
            more: Some(MADE_ROOM.into()),
        };
        assert_eq!(made_room([Missing, Missing]), Some(all));
        let one = Words::Beside("No longer in memory: Dye 1".into());
        assert_eq!(made_room([Written, Missing]), Some(one));
    }

    #[test]
    fn what_the_acquisition_has_passed_is_not_said_to_come() {
        let passed = Words::Instead {
            words: "Not on disk, later planes are".into(),
            more: None,
        };
        let planned = [PlaneState::Planned, PlaneState::Planned];
        check_at(planned, true, Some(&passed));
    }
}
