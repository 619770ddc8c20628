//! Colours, distances and text sizes: no other file of the interface has such literals.

use egui::{Color32, FontFamily, FontId, Stroke, TextStyle};

use crate::model::Theme;

/// Distances in points.
pub const SPACE_4: f32 = 4.0;
/// Distances in points.
pub const SPACE_8: f32 = 8.0;
/// Distances in points.
pub const SPACE_12: f32 = 12.0;
/// Distances in points.
pub const SPACE_16: f32 = 16.0;
/// Corners of widgets, in points.
pub const ROUNDING: u8 = 4;
/// Normal text, in points.
pub const TEXT_PT: f32 = 13.0;
/// Small text, in points.
pub const SMALL_PT: f32 = 11.0;
/// Height of a dimension bar, in points.
pub const BAR_PT: f32 = 24.0;

/// The colours of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Behind the picture; dark in both themes.
    pub canvas: Color32,
    /// Behind panels.
    pub panel: Color32,
    /// Behind buttons and fields.
    pub raised: Color32,
    /// Hairlines.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text that can wait.
    pub quiet: Color32,
    /// What is selected or shown.
    pub accent: Color32,
    /// Missing planes, assumptions.
    pub warning: Color32,
    /// Failures.
    pub error: Color32,
    /// A running acquisition.
    pub live: Color32,
}

impl Palette {
    /// What is acquired, in bars and squares: seen beside what is not, and dark enough for numbers on it.
    #[must_use]
    pub fn acquired(self) -> Color32 {
        self.quiet.lerp_to_gamma(self.panel, 0.5)
    }
}

/// The colours of a theme.
#[must_use]
pub const fn palette(theme: Theme) -> Palette {
    match theme {
        Theme::Dark => Palette {
            canvas: Color32::from_rgb(0x0B, 0x0C, 0x0E),
            panel: Color32::from_rgb(0x16, 0x18, 0x1C),
            raised: Color32::from_rgb(0x1F, 0x22, 0x27),
            line: Color32::from_rgb(0x2B, 0x2F, 0x36),
            text: Color32::from_rgb(0xD7, 0xDA, 0xE0),
            quiet: Color32::from_rgb(0x8B, 0x91, 0x9C),
            accent: Color32::from_rgb(0x4C, 0x9A, 0xFF),
            warning: Color32::from_rgb(0xE0, 0xA0, 0x30),
            error: Color32::from_rgb(0xE5, 0x53, 0x4B),
            live: Color32::from_rgb(0x3F, 0xB9, 0x50),
        },
        Theme::Light => Palette {
            canvas: Color32::from_rgb(0x0B, 0x0C, 0x0E),
            panel: Color32::from_rgb(0xF4, 0xF5, 0xF7),
            raised: Color32::from_rgb(0xE6, 0xE8, 0xEC),
            line: Color32::from_rgb(0xC9, 0xCD, 0xD4),
            text: Color32::from_rgb(0x1D, 0x20, 0x26),
            quiet: Color32::from_rgb(0x5C, 0x63, 0x6F),
            accent: Color32::from_rgb(0x0B, 0x63, 0xCE),
            warning: Color32::from_rgb(0x9A, 0x64, 0x00),
            error: Color32::from_rgb(0xC0, 0x2B, 0x24),
            live: Color32::from_rgb(0x1E, 0x7B, 0x34),
        },
    }
}

/// Text over the picture: readable on black and on white.
pub const ON_CANVAS: Color32 = Color32::from_rgb(0xD7, 0xDA, 0xE0);

/// Gives egui our colours, distances and text sizes.
pub fn apply_theme(ctx: &egui::Context, theme: Theme, text_scale: f32) {
    let colors = palette(theme);
    ctx.set_theme(if theme == Theme::Dark {
        egui::Theme::Dark
    } else {
        egui::Theme::Light
    });
    ctx.all_styles_mut(|style| {
        let font = |size: f32| FontId::new(size * text_scale, FontFamily::Proportional);
        style.text_styles = [
            (TextStyle::Small, font(SMALL_PT)),
            (TextStyle::Body, font(TEXT_PT)),
            (TextStyle::Button, font(TEXT_PT)),
            (TextStyle::Heading, font(TEXT_PT * 1.4)),
            (
                TextStyle::Monospace,
                FontId::new(TEXT_PT * 0.92 * text_scale, FontFamily::Monospace),
            ),
        ]
        .into();
        style.animation_time = 0.1;
        // Ctrl C copies the view; texts worth copying have a button.
        style.interaction.selectable_labels = false;
        style.spacing.item_spacing = egui::vec2(SPACE_8, SPACE_4);
        style.spacing.button_padding = egui::vec2(SPACE_8, 3.0);
        color(&mut style.visuals, colors);
    });
}

fn color(visuals: &mut egui::Visuals, colors: Palette) {
    visuals.panel_fill = colors.panel;
    visuals.window_fill = colors.panel;
    visuals.extreme_bg_color = colors.raised;
    visuals.faint_bg_color = colors.raised;
    visuals.window_stroke = Stroke::new(1.0, colors.line);
    visuals.hyperlink_color = colors.accent;
    visuals.selection.bg_fill = colors.accent.gamma_multiply(0.45);
    visuals.selection.stroke = Stroke::new(1.0, colors.text);
    visuals.error_fg_color = colors.error;
    visuals.warn_fg_color = colors.warning;
    visuals.override_text_color = Some(colors.text);
    let widgets = &mut visuals.widgets;
    let all = [
        (&mut widgets.noninteractive, colors.panel, colors.line),
        (&mut widgets.inactive, colors.raised, colors.line),
        (&mut widgets.hovered, colors.raised, colors.quiet),
        (&mut widgets.active, colors.line, colors.accent),
        (&mut widgets.open, colors.raised, colors.quiet),
    ];
    for (widget, fill, line) in all {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, colors.text);
        widget.corner_radius = egui::CornerRadius::same(ROUNDING);
        widget.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(color: Color32) -> f32 {
        let linear = |part: u8| {
            let part = f32::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_in_both_themes() {
        for theme in [Theme::Dark, Theme::Light] {
            let colors = palette(theme);
            let on_acquired = contrast(colors.text, colors.acquired());
            assert!(on_acquired >= 4.5, "numbers, {theme:?}: {on_acquired}");
            for ground in [colors.panel, colors.raised] {
                assert!(contrast(colors.text, ground) >= 4.5, "text, {theme:?}");
                for quiet in [
                    colors.quiet,
                    colors.accent,
                    colors.warning,
                    colors.error,
                    colors.live,
                ] {
                    assert!(
                        contrast(quiet, ground) >= 3.0,
                        "{quiet:?} on {ground:?}, {theme:?}"
                    );
                }
            }
            assert!(contrast(ON_CANVAS, colors.canvas) >= 4.5);
        }
    }
}
