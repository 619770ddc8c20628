//! Every key in one table: what it does, and what the help page says of it.
//!
//! Arrows, Space and Tab belong to a focused widget; a click on the canvas or Esc gives them back.

use egui::{Context, Key, Modifiers};

use super::{Action, Facts, View, canvas_view::CanvasView};
use crate::{
    model::NavAxis,
    session::{Command, Direction, Panels},
};

/// What a key asks for.
pub(super) enum Wish {
    Act(Action),
    Help,
    GoTo,
    Status,
    Waiting,
    Leave,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Step(NavAxis, i64),
    StepExtra(i64),
    End(Direction),
    Play,
    Follow,
    GoTo,
    Fit,
    OneToOne,
    Zoom(bool),
    Channel,
    Mode,
    StepChannel(Direction),
    Auto,
    AutoAlways,
    Max,
    Clipped,
    AllPanels,
    LeftPanel,
    RightPanel,
    Bars,
    Help,
    Status,
    Waiting,
    Open,
    Close,
    Quit,
    Save,
    Copy,
    Reload,
    Escape,
}

/// One line of the table.
struct Line {
    key: Key,
    modifiers: Modifiers,
    does: Does,
    /// As the help page writes it; empty: told by another line.
    written: &'static str,
    words: &'static str,
}

const fn line(
    key: Key,
    modifiers: Modifiers,
    does: Does,
    written: &'static str,
    words: &'static str,
) -> Line {
    Line {
        key,
        modifiers,
        does,
        written,
        words,
    }
}

const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const CTRL: Modifiers = Modifiers::COMMAND;

#[rustfmt::skip]
const TABLE: &[Line] = &[
    line(Key::ArrowLeft, NONE, Does::Step(NavAxis::Time, -1), "Left, Right", "Previous, next timepoint"),
    line(Key::ArrowRight, NONE, Does::Step(NavAxis::Time, 1), "", ""),
    line(Key::ArrowDown, NONE, Does::Step(NavAxis::Z, -1), "Down, Up", "Previous, next z-slice"),
    line(Key::ArrowUp, NONE, Does::Step(NavAxis::Z, 1), "", ""),
    line(Key::PageUp, NONE, Does::Step(NavAxis::Fov, -1), "PgUp, PgDn", "Previous, next FOV"),
    line(Key::PageDown, NONE, Does::Step(NavAxis::Fov, 1), "", ""),
    line(Key::ArrowLeft, SHIFT, Does::Step(NavAxis::Time, -10), "Shift with these", "Ten steps"),
    line(Key::ArrowRight, SHIFT, Does::Step(NavAxis::Time, 10), "", ""),
    line(Key::ArrowDown, SHIFT, Does::Step(NavAxis::Z, -10), "", ""),
    line(Key::ArrowUp, SHIFT, Does::Step(NavAxis::Z, 10), "", ""),
    line(Key::PageUp, SHIFT, Does::Step(NavAxis::Fov, -10), "", ""),
    line(Key::PageDown, SHIFT, Does::Step(NavAxis::Fov, 10), "", ""),
    line(Key::Comma, NONE, Does::StepExtra(-1), "Comma, Period", "Steps along the first other axis"),
    line(Key::Period, NONE, Does::StepExtra(1), "", ""),
    line(Key::Home, NONE, Does::End(Direction::Backward), "Home, End", "First, last on the axis moved last"),
    line(Key::End, NONE, Does::End(Direction::Forward), "", ""),
    line(Key::Space, NONE, Does::Play, "Space", "Play or pause the axis moved last"),
    line(Key::L, NONE, Does::Follow, "L", "Follow the newest plane"),
    line(Key::G, NONE, Does::GoTo, "G", "Go to B3:2, t7, z3, angle 2"),
    line(Key::F, NONE, Does::Fit, "F", "Fit"),
    line(Key::Num1, NONE, Does::OneToOne, "1", "One texel on one pixel"),
    line(Key::Plus, NONE, Does::Zoom(true), "+, -, wheel", "Zoom about the pointer"),
    line(Key::Equals, NONE, Does::Zoom(true), "", ""),
    line(Key::Minus, NONE, Does::Zoom(false), "", ""),
    line(Key::Num1, Modifiers::ALT, Does::Channel, "Alt 1 to 9", "Channel on or off"),
    line(Key::C, NONE, Does::Mode, "C", "Composite or single channel"),
    line(Key::OpenBracket, NONE, Does::StepChannel(Direction::Backward), "[, ]", "Previous, next channel"),
    line(Key::CloseBracket, NONE, Does::StepChannel(Direction::Forward), "", ""),
    line(Key::A, NONE, Does::Auto, "A", "Auto contrast"),
    line(Key::A, SHIFT, Does::AutoAlways, "Shift A", "Auto contrast on every change"),
    line(Key::M, NONE, Does::Max, "M", "Maximum over z"),
    line(Key::X, NONE, Does::Clipped, "X", "Mark clipped pixels"),
    line(Key::H, NONE, Does::AllPanels, "H", "All panels"),
    line(Key::F2, NONE, Does::LeftPanel, "F2, F3, F4", "Left, right panel, bars"),
    line(Key::F3, NONE, Does::RightPanel, "", ""),
    line(Key::F4, NONE, Does::Bars, "", ""),
    line(Key::Questionmark, NONE, Does::Help, "?, F1", "This page"),
    line(Key::Slash, SHIFT, Does::Help, "", ""),
    line(Key::F1, NONE, Does::Help, "", ""),
    line(Key::F8, NONE, Does::Status, "F8", "Status line"),
    line(Key::F9, NONE, Does::Waiting, "F9", "Why am I waiting"),
    line(Key::O, CTRL, Does::Open, "Ctrl O", "Open a folder"),
    line(Key::W, CTRL, Does::Close, "Ctrl W", "Close the dataset"),
    line(Key::Q, CTRL, Does::Quit, "Ctrl Q", "Quit"),
    line(Key::S, CTRL, Does::Save, "Ctrl S", "Save the view as PNG"),
    line(Key::C, CTRL, Does::Copy, "Ctrl C", "Copy the view"),
    line(Key::F5, NONE, Does::Reload, "F5", "Read the folder again"),
    line(Key::Escape, NONE, Does::Escape, "Esc", "Leave, cancel"),
];

/// Mouse and wheel, for the help page.
pub(super) const POINTER: &[(&str, &str)] = &[
    ("Drag", "Pan"),
    ("Double click", "Fit"),
    ("Ctrl wheel", "z-slice"),
    ("Shift wheel", "Timepoint"),
];

/// What the help page lists: keys as written, and what they do.
pub(super) fn help() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE
        .iter()
        .filter(|line| !line.written.is_empty())
        .map(|line| (line.written, line.words))
}

/// Wishes of the keys that were pressed and that no focused field wants.
pub(super) fn pressed(
    ctx: &Context,
    view: Option<&View<'_>>,
    facts: &Facts,
    canvas: &CanvasView,
) -> Vec<Wish> {
    let types_text = ctx.text_edit_focused();
    let has_focus = ctx.memory(|memory| memory.focused().is_some());
    let lines: Vec<&Line> = TABLE
        .iter()
        .filter(|line| is_free(line, types_text, has_focus))
        .collect();
    let (does, channels) = ctx.input_mut(|input| {
        // A key that is held repeats steps and zoom, nothing else.
        input
            .events
            .retain(|event| !is_idle_repeat(event) || types_text);
        let channels = if types_text {
            Vec::new()
        } else {
            channels(input)
        };
        let mut does = does(input, lines, canvas);
        // Copy arrives as an event of its own.
        let is_copy = |event: &egui::Event| matches!(event, egui::Event::Copy);
        if !types_text && input.events.iter().any(is_copy) {
            does.push(Does::Copy);
        }
        (does, channels)
    });
    let mut wishes: Vec<Wish> = does
        .into_iter()
        .filter_map(|does| wish(does, view, facts, canvas))
        .collect();
    let toggled = channels.into_iter().filter_map(|c| {
        let channel = view?.session.channels.get(c)?;
        Some(Command::SetVisible(c, !channel.visible))
    });
    wishes.extend(toggled.map(|command| Wish::Act(Action::View(command))));
    wishes
}

/// Channels whose digit was pressed with Alt.
fn channels(input: &mut egui::InputState) -> Vec<usize> {
    const DIGITS: [Key; 9] = [
        Key::Num1,
        Key::Num2,
        Key::Num3,
        Key::Num4,
        Key::Num5,
        Key::Num6,
        Key::Num7,
        Key::Num8,
        Key::Num9,
    ];
    (0..DIGITS.len())
        .filter(|&c| input.modifiers.alt && input.consume_key(Modifiers::ALT, DIGITS[c]))
        .collect()
}

/// What the pressed keys of the table do, once per press.
fn does(input: &mut egui::InputState, lines: Vec<&Line>, canvas: &CanvasView) -> Vec<Does> {
    let mut does = Vec::new();
    // Longer combinations first: egui takes Shift for granted where a plain key is asked for.
    let (with, without): (Vec<&Line>, Vec<&Line>) =
        lines.into_iter().partition(|line| line.modifiers.any());
    for line in with.into_iter().chain(without) {
        let count = if line.does == Does::Play {
            // Space and drag pans: what plays is Space let go without a drag.
            usize::from(input.key_released(line.key) && !canvas.was_dragged_with_space())
        } else {
            input.count_and_consume_key(line.modifiers, line.key)
        };
        does.extend(std::iter::repeat_n(line.does, count));
    }
    does
}

/// True for the repetition of a held key that toggles something.
fn is_idle_repeat(event: &egui::Event) -> bool {
    let egui::Event::Key {
        key,
        pressed: true,
        repeat: true,
        ..
    } = event
    else {
        return false;
    };
    let mut lines = TABLE.iter().filter(|line| line.key == *key).peekable();
    lines.peek().is_some()
        && !lines.any(|line| {
            matches!(
                line.does,
                Does::Step(..) | Does::StepExtra(_) | Does::Zoom(_)
            )
        })
}

/// A text field takes all keys but those with Ctrl; a focused widget keeps arrows and Space.
fn is_free(line: &Line, types_text: bool, has_focus: bool) -> bool {
    if line.does == Does::Channel {
        return false;
    }
    let is_command = line.modifiers.command || matches!(line.key, Key::F1 | Key::F5 | Key::Escape);
    let is_widgets = matches!(
        line.key,
        Key::ArrowLeft
            | Key::ArrowRight
            | Key::ArrowUp
            | Key::ArrowDown
            | Key::Space
            | Key::Home
            | Key::End
    );
    if types_text {
        is_command && line.does != Does::Copy
    } else {
        !(has_focus && is_widgets)
    }
}

fn wish(does: Does, view: Option<&View<'_>>, facts: &Facts, canvas: &CanvasView) -> Option<Wish> {
    let act = |action| Some(Wish::Act(action));
    match does {
        Does::Help => return Some(Wish::Help),
        Does::Status => return Some(Wish::Status),
        Does::Waiting => return Some(Wish::Waiting),
        Does::Open => return act(Action::OpenDialog),
        Does::Quit => return act(Action::Quit),
        Does::Escape if facts.opening.is_some() => return act(Action::CancelOpening),
        Does::Escape => return Some(Wish::Leave),
        _ => {}
    }
    let view = view?;
    let panels = view.session.panels;
    let command = match does {
        Does::GoTo => return Some(Wish::GoTo),
        Does::Close => return act(Action::CloseDataset),
        Does::Save => return act(Action::SaveView),
        Does::Copy => return act(Action::CopyView),
        Does::Reload => return act(Action::Reload),
        Does::Step(axis, steps) => Command::Step(axis, steps),
        Does::StepExtra(steps) => Command::StepExtra(0, steps),
        Does::End(direction) => Command::GoToEnd(direction),
        Does::Play => Command::TogglePlay(None),
        Does::Follow => Command::SetFollow(facts.is_live() && !view.session.follow.is_on),
        Does::Fit => Command::Fit,
        Does::OneToOne => Command::OneToOne(canvas.size()),
        Does::Zoom(closer) => canvas.zoom(if closer { 1.25 } else { 0.8 }),
        Does::Mode => Command::ToggleMode,
        Does::StepChannel(direction) => Command::StepChannel(direction),
        Does::Auto => Command::AutoContrast,
        Does::AutoAlways => Command::SetAutoEveryChange(!view.session.auto_every_change),
        Does::Max => Command::ToggleMaxProjection,
        Does::Clipped => Command::ToggleClipped,
        Does::AllPanels => {
            let open = !(panels.left || panels.right || panels.bars);
            Command::SetPanels(Panels {
                left: open,
                right: open,
                bars: open,
            })
        }
        Does::LeftPanel => Command::SetPanels(Panels {
            left: !panels.left,
            ..panels
        }),
        Does::RightPanel => Command::SetPanels(Panels {
            right: !panels.right,
            ..panels
        }),
        Does::Bars => Command::SetPanels(Panels {
            bars: !panels.bars,
            ..panels
        }),
        Does::Channel
        | Does::Help
        | Does::Status
        | Does::Waiting
        | Does::Open
        | Does::Quit
        | Does::Escape => return None,
    };
    act(Action::View(command))
}
