//! A channel's histogram with its limits, to be dragged.

use egui::{Color32, Response, Stroke, Ui};
use egui_plot::{Bar, BarChart, Plot, PlotBounds, VLine};

use super::tokens::Palette;
use crate::model::{ContrastLimits, Histogram, Span};

/// Height of the plot in points.
const HEIGHT_PT: f32 = 84.0;
/// Width of a bar at least, as a part of the plot: one that is narrower is not seen.
const LEAST_BAR: f64 = 1.0 / 512.0;

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
        let span = span(histogram, limits);
        let shown = plot(id).show(ui, |plot| {
            plot.set_plot_bounds(self.bounds(histogram));
            let bars = self.bars(histogram, span, color);
            plot.bar_chart(BarChart::new("counts", bars).allow_hover(false));
            for (name, at) in [("low", limits.low), ("high", limits.high)] {
                let stroke = Stroke::new(1.5, colors.text);
                let line = VLine::new(name, span.part_of(at));
                plot.vline(line.stroke(stroke).allow_hover(false));
            }
            plot.pointer_coordinate()
        });
        let response = shown.response;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Histogram"));
        if response.double_clicked() {
            self.held = None;
            return Some(Touched::Reset);
        }
        let at = shown.inner.map(|point| span.at(point.x));
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
            let distance = |at: f64, limit: f64| (at / 2.0 - limit / 2.0).abs();
            self.held = at.map(|at| distance(at, limits.high) < distance(at, limits.low));
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

    fn bars(&self, histogram: &Histogram, span: Span, color: Color32) -> Vec<Bar> {
        let num_bins = histogram.bins.len() as f64;
        let edge = |bin: usize| span.part_of(histogram.shown.at(bin as f64 / num_bins));
        let bars = histogram.bins.iter().enumerate().map(|(bin, &count)| {
            let (left, right) = (edge(bin), edge(bin + 1));
            Bar::new(f64::midpoint(left, right), self.height(count))
                .width((right - left).max(LEAST_BAR))
                .fill(color.gamma_multiply(0.6))
                .stroke(Stroke::NONE)
        });
        bars.collect()
    }

    /// The whole span, with a little air.
    fn bounds(&self, histogram: &Histogram) -> PlotBounds {
        // One bin of background would flatten all others: the second largest sets the scale.
        let mut counts = histogram.bins.clone();
        counts.sort_unstable();
        let second = counts.iter().rev().nth(1).copied().unwrap_or(1);
        let top = self.height(second.max(1)) * 1.1;
        PlotBounds::from_min_max([-0.02, 0.0], [1.02, top])
    }
}

/// What is drawn: the bins and both limits. The plot's coordinates are parts of it, because it cannot draw numbers whose
/// difference is beyond all numbers, or next to nothing.
fn span(histogram: &Histogram, limits: ContrastLimits) -> Span {
    Span {
        from: histogram.shown.from.min(limits.low).min(limits.high),
        to: histogram.shown.to.max(limits.low).max(limits.high),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MemoryOrder, Pixels, Samples};

    /// Bars and both limits, in the plot's coordinates.
    fn check(samples: Vec<f64>, limits: Option<(f64, f64)>) -> (Vec<f64>, [f64; 2]) {
        let width = samples.len() as u32;
        let pixels = Pixels::new(width, 1, MemoryOrder::RowMajor, Samples::F64(samples));
        let histogram = Histogram::of(&pixels.unwrap()).unwrap();
        let (low, high) = limits.unwrap_or((histogram.auto.low, histogram.auto.high));
        let limits = ContrastLimits { low, high };
        let span = span(&histogram, limits);
        let bars = HistogramPlot::default().bars(&histogram, span, Color32::WHITE);
        let bars: Vec<f64> = bars.iter().map(|bar| bar.argument).collect();
        (bars, [low, high].map(|limit| span.part_of(limit)))
    }

    #[test]
    fn whatever_the_samples_are_bars_and_limits_lie_in_the_plot() {
        let mut outlier: Vec<f64> = (0..10_000).map(|at| f64::from(at % 64)).collect();
        outlier[0] = 1e308;
        for (samples, limits) in [
            (vec![-1e308, 1e308], None),
            (vec![f64::MIN, 0.0, f64::MAX], Some((f64::MAX, f64::MIN))),
            (vec![7.0; 4], None),
            (vec![0.0, 5e-324], None),
            (outlier.clone(), None),
            (outlier, Some((0.0, 1e308))),
        ] {
            let (bars, limits) = check(samples, limits);
            assert!(
                bars.iter().all(|at| (-0.01..=1.01).contains(at)),
                "{bars:?}"
            );
            assert!(
                limits.iter().all(|at| (0.0..=1.0).contains(at)),
                "{limits:?}"
            );
            assert_ne!(limits[0], limits[1]);
        }
    }
}
