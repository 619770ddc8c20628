//! What this painter draws against what `egui_wgpu` draws.

use eframe::egui::{self, Color32, Rect, pos2};
use egui_kittest::Harness;

use super::{install, painter::pixels_of};
use crate::canvas::testing::device;

/// Text of several sizes, rounded and translucent shapes, clipped text, and more of it after a few frames.
struct Interface {
    num_frames: u32,
}

impl eframe::App for Interface {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.num_frames += 1;
        ui.heading("Fluorescence 488 nm");
        ui.horizontal(|ui| {
            ui.add(egui::Button::new("Auto"));
            ui.add(egui::Slider::new(&mut 0.3, 0.0..=1.0).text("gamma"));
            ui.checkbox(&mut true, "µm");
        });
        let (rect, _) = ui.allocate_exact_size(egui::vec2(180.0, 50.0), egui::Sense::hover());
        ui.painter().rect_filled(rect, 8.0, Color32::DARK_BLUE);
        let over = rect.translate(egui::vec2(20.0, 12.0));
        let translucent = Color32::from_rgba_unmultiplied(250, 200, 20, 90);
        ui.painter().rect_filled(over, 0.0, translucent);
        let narrow = Rect::from_min_size(rect.min, egui::vec2(61.0, 18.0));
        let font = egui::FontId::proportional(15.0);
        ui.painter().with_clip_rect(narrow).text(
            narrow.min,
            egui::Align2::LEFT_TOP,
            "cut off at the edge",
            font,
            Color32::WHITE,
        );
        // Glyphs that were in no frame before, and more triangles than the first buffers hold.
        if self.num_frames > 2 {
            ui.label("¼ × Ωåß §¶ 2048");
            for n in 0..2000 {
                let at = pos2(10.0 + (n % 200) as f32, 150.0 + (n / 200) as f32 * 4.0);
                ui.painter().circle_filled(at, 1.5, Color32::LIGHT_GREEN);
            }
        }
    }
}

fn drawn(is_ours: bool, pixels_per_point: f32) -> Option<image::RgbaImage> {
    let mut harness = Harness::builder()
        .with_size(egui::vec2(240.0, 220.0))
        .with_pixels_per_point(pixels_per_point)
        .wgpu()
        .build_eframe(|cc| {
            let render_state = cc.wgpu_render_state.as_ref().filter(|_| is_ours);
            if let Some(render_state) = render_state {
                install(&cc.egui_ctx, render_state);
            }
            Interface { num_frames: 0 }
        });
    harness.run_steps(2);
    harness.render().expect("an image");
    harness.run_steps(3);
    harness.render().ok()
}

#[test]
fn the_interface_looks_as_egui_wgpu_draws_it() {
    if device().is_none() {
        return;
    }
    for pixels_per_point in [1.0, 1.5] {
        let ours = drawn(true, pixels_per_point).unwrap();
        let theirs = drawn(false, pixels_per_point).unwrap();
        assert_eq!(ours.dimensions(), theirs.dimensions());
        let pairs = || ours.pixels().zip(theirs.pixels());
        let difference = |(a, b): (&image::Rgba<u8>, &image::Rgba<u8>)| {
            let channels = a.0.iter().zip(b.0);
            channels.map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
        };
        assert!(theirs.pixels().any(|pixel| pixel.0 == [144, 238, 144, 255]));
        // Filters of drivers round differently.
        let largest = pairs().map(difference).max().unwrap();
        assert!(largest <= 3, "{largest}");
    }
}

#[test]
fn a_clip_rectangle_is_cut_to_the_screen_and_an_empty_one_draws_nothing() {
    let rect = |x0, y0, x1, y1| Rect::from_min_max(pos2(x0, y0), pos2(x1, y1));
    let screen = [300, 200];
    assert_eq!(
        pixels_of(Rect::EVERYTHING, 2.0, screen),
        Some([0, 0, 300, 200])
    );
    assert_eq!(
        pixels_of(rect(-5.0, 10.2, 20.0, 400.0), 1.5, screen),
        Some([0, 15, 30, 185])
    );
    assert_eq!(pixels_of(rect(310.0, 0.0, 320.0, 10.0), 1.0, screen), None);
    assert_eq!(pixels_of(rect(20.0, 20.0, 10.0, 30.0), 1.0, screen), None);
    assert_eq!(pixels_of(Rect::NOTHING, 1.0, screen), None);
}
