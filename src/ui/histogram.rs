//! A channel's histogram with its limits, to be dragged.

use egui::{Color32, Response, Stroke, Ui};
use egui_plot::{Bar, BarChart, Plot, PlotBounds, VLine};

use super::tokens::Palette;
use crate::model::{ContrastLimits, Histogram};

/// Height of the plot in points.
const HEIGHT_PT: f32 = 84.0;

/// What is kept while a limit is dragged.
pub(super) struct HistogramPlot {
    /// The limit that is held: false the lower one, true the upper one.
    held: Option<bool>,
    /// Counts on a logarithmic scale.
    pub(super) is_log: bool,
}

impl Default for HistogramPlot {
    /// Logarithmic: most pixels are background, and what a person looks for is the rest.
    fn default() -> Self {
        Self {
            held: None,
            is_log: true,
        }
    }
}

/// What a person did to the histogram.
pub(super) enum Touched {
    /// Dragged a limit.
    Limits(ContrastLimits),
    /// Double click: back to what the files say.
    Reset,
}

impl HistogramPlot {
    /// Draws it; what the person did to it, if anything.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        id: usize,
        histogram: &Histogram,
        limits: ContrastLimits,
        color: Color32,
        colors: Palette,
    ) -> Option<Touched> {
        let shown = plot(id).show(ui, |plot| {
            plot.set_plot_bounds(self.bounds(histogram, limits));
            let bars = self.bars(histogram, color);
            plot.bar_chart(BarChart::new("counts", bars).allow_hover(false));
            for (name, at) in [("low", limits.low), ("high", limits.high)] {
                let stroke = Stroke::new(1.5, colors.text);
                plot.vline(VLine::new(name, at).stroke(stroke).allow_hover(false));
            }
            plot.pointer_coordinate()
        });
        let response = shown.response;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Histogram"));
        if response.double_clicked() {
            self.held = None;
            return Some(Touched::Reset);
        }
        let at = shown.inner.map(|point| point.x);
        self.dragged(&response, at, limits).map(Touched::Limits)
    }

    /// The limits that the pointer drags to, if it does.
    fn dragged(
        &mut self,
        response: &Response,
        at: Option<f64>,
        limits: ContrastLimits,
    ) -> Option<ContrastLimits> {
        if response.drag_started() {
            self.held = at.map(|at| (at - limits.high).abs() < (at - limits.low).abs());
        }
        if response.drag_stopped() {
            self.held = None;
        }
        let (held, at) = (self.held?, at?);
        let dragged = if held {
            ContrastLimits { high: at, ..limits }
        } else {
            ContrastLimits { low: at, ..limits }
        };
        response.dragged().then_some(dragged)
    }

    fn height(&self, count: u32) -> f64 {
        if self.is_log {
            f64::from(count).ln_1p()
        } else {
            f64::from(count)
        }
    }

    fn bars(&self, histogram: &Histogram, color: Color32) -> Vec<Bar> {
        let width = (histogram.max - histogram.min).max(1e-9) / histogram.bins.len() as f64;
        let bars = histogram.bins.iter().enumerate().map(|(bin, &count)| {
            let middle = histogram.min + (bin as f64 + 0.5) * width;
            Bar::new(middle, self.height(count))
                .width(width)
                .fill(color.gamma_multiply(0.6))
                .stroke(Stroke::NONE)
        });
        bars.collect()
    }

    /// All samples and both limits, with a little air.
    fn bounds(&self, histogram: &Histogram, limits: ContrastLimits) -> PlotBounds {
        // One bin of background would flatten all others: the second largest sets the scale.
        let mut counts = histogram.bins.clone();
        counts.sort_unstable();
        let second = counts.iter().rev().nth(1).copied().unwrap_or(1);
        let top = self.height(second.max(1)) * 1.1;
        let low = histogram.min.min(limits.low).min(limits.high);
        let high = histogram.max.max(limits.low).max(limits.high);
        let margin = (high - low).max(1e-9) * 0.02;
        PlotBounds::from_min_max([low - margin, 0.0], [high + margin, top])
    }
}

/// A plot that nothing moves but we.
fn plot(id: usize) -> Plot<'static> {
    Plot::new(("histogram", id))
        .height(HEIGHT_PT)
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_x(false)
        .show_y(false)
}
