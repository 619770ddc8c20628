//! Channels: one line each; the selected one is open with histogram, limits, gamma and colour.

use egui::{Align, Color32, DragValue, Layout, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use super::{
    Action, Facts, View,
    histogram::{HistogramPlot, Touched},
    tokens::{Palette, SPACE_8, palette},
};
use crate::{
    model::{Colormap, ContrastLimits, Lut, Rgb, readable},
    session::{ChannelMode, ChannelView, Command},
};

/// Width of the bar that shows a channel's limits, in points.
const LIMITS_BAR_PT: f32 = 40.0;
/// Height of a closed line in points.
const LINE_PT: f32 = 22.0;

/// The panel.
#[derive(Default)]
pub(super) struct ChannelsPanel {
    plot: HistogramPlot,
    /// The open channel shows nothing but its line.
    is_folded: bool,
}

impl ChannelsPanel {
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View<'_>,
        facts: &Facts,
        out: &mut Vec<Action>,
    ) {
        let colors = palette(facts.theme);
        let session = view.session;
        ui.horizontal(|ui| {
            ui.label(RichText::new("Channels").color(colors.quiet));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let (text, hint) = match session.mode {
                    ChannelMode::Composite => ("Composite", "All visible channels, added (C)"),
                    ChannelMode::Single => ("Single", "One channel (C)"),
                };
                if ui.button(text).on_hover_text(hint).clicked() {
                    out.push(Action::View(Command::ToggleMode));
                }
                if ui
                    .button("Auto")
                    .on_hover_text("Limits of all shown channels (A)")
                    .clicked()
                {
                    out.push(Action::View(Command::AutoContrast));
                }
            });
        });
        for (index, channel) in session.channels.iter().enumerate() {
            self.line_ui(ui, index, channel, view, colors, out);
            if index == session.selected_channel && !self.is_folded {
                ui.indent(("channel", index), |ui| {
                    self.open_ui(ui, index, channel, view, colors, out);
                });
            }
        }
        ui.add_space(SPACE_8);
        let mut always = session.auto_every_change;
        if ui
            .checkbox(&mut always, "Auto on every change")
            .on_hover_text("Shift A")
            .changed()
        {
            out.push(Action::View(Command::SetAutoEveryChange(always)));
        }
        let mut shared = session.limits_shared;
        if ui
            .checkbox(&mut shared, "Same limits everywhere")
            .on_hover_text("For all FOVs and timepoints")
            .changed()
        {
            out.push(Action::View(Command::SetLimitsShared(shared)));
        }
        let mut marks = session.mark_clipped;
        if ui
            .checkbox(&mut marks, "Mark clipped pixels")
            .on_hover_text("X")
            .changed()
        {
            out.push(Action::View(Command::ToggleClipped));
        }
    }

    /// Visibility, colour, name, and the limits as a thin bar.
    fn line_ui(
        &mut self,
        ui: &mut Ui,
        index: usize,
        channel: &ChannelView,
        view: &View<'_>,
        colors: Palette,
        out: &mut Vec<Action>,
    ) {
        ui.horizontal(|ui| {
            ui.set_min_height(LINE_PT);
            let mut visible = channel.visible;
            let response = ui
                .checkbox(&mut visible, "")
                .on_hover_text(format!("Show or hide (Alt {})", index + 1));
            response.widget_info(|| {
                WidgetInfo::selected(
                    Role::CheckBox,
                    true,
                    channel.visible,
                    format!("Show {}", channel.name),
                )
            });
            if response.changed() {
                out.push(Action::View(Command::SetVisible(index, visible)));
            }
            let (swatch, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            ui.painter().rect_filled(swatch, 2.0, color_of(channel.lut));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                limits_bar_ui(ui, channel, known_limits(view, index, channel), colors);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    self.name_ui(ui, index, channel, view, colors, out);
                });
            });
        });
    }

    /// A click opens or folds the channel, with Alt it shows it alone.
    fn name_ui(
        &mut self,
        ui: &mut Ui,
        index: usize,
        channel: &ChannelView,
        view: &View<'_>,
        colors: Palette,
        out: &mut Vec<Action>,
    ) {
        let is_selected = index == view.session.selected_channel;
        let color = if channel.visible {
            colors.text
        } else {
            colors.quiet
        };
        let name = RichText::new(&channel.name).color(color);
        let response = ui
            .add(egui::Button::selectable(is_selected, name).truncate())
            .on_hover_text(format!("{}\nAlt click shows it alone", channel.name));
        if response.clicked() {
            if ui.input(|input| input.modifiers.alt) {
                out.push(Action::View(Command::Solo(index)));
            } else {
                self.is_folded = is_selected && !self.is_folded;
                out.push(Action::View(Command::SelectChannel(index)));
            }
        }
    }

    /// Everything of the selected channel.
    fn open_ui(
        &mut self,
        ui: &mut Ui,
        index: usize,
        channel: &ChannelView,
        view: &View<'_>,
        colors: Palette,
        out: &mut Vec<Action>,
    ) {
        let limits = known_limits(view, index, channel);
        match (&channel.histogram, limits) {
            (Some(histogram), Some(limits)) => {
                let touched =
                    self.plot
                        .ui(ui, index, histogram, limits, color_of(channel.lut), colors);
                out.extend(touched.map(|touched| {
                    Action::View(match touched {
                        Touched::Limits(limits) => Command::SetLimits(index, limits),
                        Touched::Reset => Command::ResetLimits(index),
                    })
                }));
            }
            _ => {
                ui.label(RichText::new("No plane shown yet").color(colors.quiet));
            }
        }
        if let Some(limits) = limits {
            limits_ui(ui, index, limits, channel, out);
        }
        ui.horizontal_wrapped(|ui| {
            for (text, hint, command) in [
                (
                    "Auto",
                    "0.1 to 99.9 % of the samples",
                    Command::AutoChannel(index),
                ),
                (
                    "Min–max",
                    "Smallest to largest sample",
                    Command::MinMaxChannel(index),
                ),
                ("Reset", "As the files say", Command::ResetChannel(index)),
            ] {
                let response = ui.small_button(text).on_hover_text(hint);
                response.widget_info(|| {
                    WidgetInfo::labeled(Role::Button, true, format!("{text} {}", channel.name))
                });
                if response.clicked() {
                    out.push(Action::View(command));
                }
            }
            ui.checkbox(&mut self.plot.is_log, "Log")
                .on_hover_text("Counts on a logarithmic scale");
        });
        ui.horizontal_wrapped(|ui| {
            gamma_ui(ui, index, channel, out);
            color_ui(ui, index, channel, out);
            inverted_ui(ui, index, channel, out);
        });
    }
}

/// The limits of a channel; not those that are drawn with because no plane of it had a sample yet.
fn known_limits(view: &View<'_>, index: usize, channel: &ChannelView) -> Option<ContrastLimits> {
    let limits = view.session.limits_of(index)?;
    let shown = channel.histogram.as_ref();
    let is_of_samples = shown.is_some_and(|histogram| histogram.num_samples > 0);
    (is_of_samples || channel.provisional != Some(limits)).then_some(limits)
}

/// Where the limits lie in what the histogram shows, for a glance at all channels.
fn limits_bar_ui(
    ui: &mut Ui,
    channel: &ChannelView,
    limits: Option<ContrastLimits>,
    colors: Palette,
) {
    let (rect, _) = ui.allocate_exact_size(vec2(LIMITS_BAR_PT, 4.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, colors.raised);
    let histogram = channel.histogram.as_ref().filter(|it| it.num_samples > 0);
    let (Some(histogram), Some(limits)) = (histogram, limits) else {
        return;
    };
    let part = |at: f64| (histogram.shown.part_of(at) as f32).clamp(0.0, 1.0);
    let (low, high) = (part(limits.low), part(limits.high));
    let (left, right) = (low.min(high), low.max(high));
    let from = egui::pos2(rect.left() + left * rect.width(), rect.top());
    let to = egui::pos2(rect.left() + right * rect.width(), rect.bottom());
    let filled = egui::Rect::from_min_max(from, to.max(from + vec2(2.0, 0.0)));
    ui.painter().rect_filled(filled, 2.0, color_of(channel.lut));
}

/// Both limits, typed or dragged.
fn limits_ui(
    ui: &mut Ui,
    index: usize,
    limits: ContrastLimits,
    channel: &ChannelView,
    out: &mut Vec<Action>,
) {
    ui.horizontal(|ui| {
        let range = channel
            .histogram
            .as_ref()
            .map(|histogram| histogram.shown.width());
        let range = range.filter(|&width| width > 0.0).unwrap_or(1.0);
        let mut changed = limits;
        let mut any = false;
        for (value, name) in [
            (&mut changed.low, "Lower limit"),
            (&mut changed.high, "Upper limit"),
        ] {
            let field = DragValue::new(value)
                .speed(range / 500.0)
                .custom_formatter(|value, _| readable(value));
            let response = ui.add_sized([84.0, 18.0], field).on_hover_text(name);
            response.widget_info(|| {
                WidgetInfo::labeled(Role::SpinButton, true, format!("{name} {}", channel.name))
            });
            any |= response.changed();
        }
        if any {
            out.push(Action::View(Command::SetLimits(index, changed)));
        }
    });
}

fn gamma_ui(ui: &mut Ui, index: usize, channel: &ChannelView, out: &mut Vec<Action>) {
    let mut gamma = channel.gamma;
    let field = DragValue::new(&mut gamma)
        .range(0.1..=10.0)
        .speed(0.01)
        .max_decimals(2)
        .prefix("gamma ");
    let response = ui
        .add(field)
        .on_hover_text("Exponent of the normalised value; double click to type");
    response.widget_info(|| {
        WidgetInfo::labeled(Role::SpinButton, true, format!("Gamma {}", channel.name))
    });
    if response.changed() {
        out.push(Action::View(Command::SetGamma(index, gamma)));
    }
}

/// Colour picker and named colormaps.
fn color_ui(ui: &mut Ui, index: usize, channel: &ChannelView, out: &mut Vec<Action>) {
    let swatch = channel.lut.swatch();
    let mut rgb = [swatch.r, swatch.g, swatch.b];
    let response = ui.color_edit_button_srgb(&mut rgb);
    response.widget_info(|| {
        WidgetInfo::labeled(Role::ColorWell, true, format!("Colour {}", channel.name))
    });
    if response.changed() {
        let [r, g, b] = rgb;
        out.push(Action::View(Command::SetLut(
            index,
            Lut::Color(Rgb { r, g, b }),
        )));
    }
    let text = match channel.lut {
        Lut::Color(_) => "Colour",
        Lut::Map(map) => map.name(),
    };
    ui.menu_button(text, |ui| {
        for map in Colormap::ALL {
            if ui
                .selectable_label(channel.lut == Lut::Map(map), map.name())
                .clicked()
            {
                out.push(Action::View(Command::SetLut(index, Lut::Map(map))));
            }
        }
    });
}

fn inverted_ui(ui: &mut Ui, index: usize, channel: &ChannelView, out: &mut Vec<Action>) {
    let mut inverted = channel.inverted;
    let response = ui
        .checkbox(&mut inverted, "Inverted")
        .on_hover_text("Small samples have the full colour");
    response.widget_info(|| {
        let name = format!("Inverted {}", channel.name);
        WidgetInfo::selected(Role::CheckBox, true, channel.inverted, name)
    });
    if response.changed() {
        out.push(Action::View(Command::SetInverted(index, inverted)));
    }
}

fn color_of(lut: Lut) -> Color32 {
    let Rgb { r, g, b } = lut.swatch();
    Color32::from_rgb(r, g, b)
}
