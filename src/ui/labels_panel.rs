//! Label images: a switch each, and how those that are on are drawn.

use egui::{RichText, Role, Slider, Ui, WidgetInfo};

use super::{
    Action, Facts, View,
    tokens::{SPACE_8, palette},
};
use crate::{dataset::layers, session::Command};

/// The section; nothing where the image has no label images.
pub(super) fn ui(ui: &mut Ui, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
    let lines = lines(view);
    if lines.is_empty() {
        return;
    }
    let colors = palette(facts.theme);
    ui.separator();
    ui.label(RichText::new("Labels").color(colors.quiet));
    for line in &lines {
        let mut is_on = line.is_on;
        let response = ui
            .checkbox(&mut is_on, line.name)
            .on_hover_text("Draw these labels over the image");
        let name = format!("Labels {}", line.name);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, line.is_on, &name));
        if response.changed() {
            let command = Command::ShowLabel(line.name.to_owned(), is_on);
            out.push(Action::View(command));
        }
        if let Some(why) = &line.failure {
            ui.add(egui::Label::new(RichText::new(why).small().color(colors.warning)).wrap());
        } else if line.is_on {
            ui.indent(("label", line.name), |ui| how_ui(ui, line, out));
        }
    }
    ui.add_space(SPACE_8);
}

/// Opacity and outline of one that is on.
fn how_ui(ui: &mut Ui, line: &Line<'_>, out: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let mut percent = line.opacity * 100.0;
        let slider = Slider::new(&mut percent, 0.0..=100.0)
            .fixed_decimals(0)
            .suffix("\u{2009}%");
        let response = ui.add(slider).on_hover_text("Opacity");
        let name = format!("Opacity of {}", line.name);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(percent), &name));
        if response.changed() {
            let command = Command::SetLabelOpacity(line.name.to_owned(), percent / 100.0);
            out.push(Action::View(command));
        }
    });
    let mut is_outline = line.is_outline;
    let response = ui
        .checkbox(&mut is_outline, "Outline")
        .on_hover_text("Only the edge of each label");
    let name = format!("Outline of {}", line.name);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, line.is_outline, &name));
    if response.changed() {
        let command = Command::SetLabelOutline(line.name.to_owned(), is_outline);
        out.push(Action::View(command));
    }
}

/// What is shown of one label image, without egui.
#[derive(Debug, PartialEq)]
struct Line<'a> {
    name: &'a str,
    is_on: bool,
    opacity: f32,
    is_outline: bool,
    /// Why it cannot be drawn.
    failure: Option<String>,
}

/// The label images of the shown image.
fn lines<'a>(view: &View<'a>) -> Vec<Line<'a>> {
    let (session, dataset) = (view.session, view.dataset);
    let line = |(layer, name): (u16, &'a str)| {
        let how = session.labels.of(name);
        let slot = dataset.labels.get(session.position.fov, layer);
        let failure = slot.and_then(|slot| slot.as_ref().err());
        Line {
            name,
            is_on: how.is_on,
            opacity: how.opacity,
            is_outline: how.is_outline,
            failure: failure.filter(|_| how.is_on).map(ToString::to_string),
        }
    };
    layers(session.image(dataset)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        dataset::{
            ImageSlot, OpenFovError,
            testing::{Sizes, dataset_of, image},
        },
        ledger::Ledger,
        model::{Code, FovId},
        session::Session,
    };

    #[test]
    fn label_images_of_the_shown_image_are_listed_with_what_became_of_them() {
        let image = crate::dataset::Image {
            labels: vec!["cells".into(), "nuclei".into()],
            ..image(Sizes::default())
        };
        let image = Arc::new(image);
        let dataset = dataset_of(Arc::clone(&image), vec![ImageSlot::Opened(image)]);
        let broken = OpenFovError {
            code: Code::MissingArray,
            message: "no array".into(),
            location: "labels/nuclei".into(),
        };
        let dataset = dataset.with_label(FovId(0), 2, Err(broken));
        let mut session = Session::new(&dataset);
        for name in ["cells", "nuclei"] {
            session.apply(&Command::ShowLabel(name.into(), true), &dataset);
        }
        session.apply(&Command::SetLabelOpacity("cells".into(), 0.25), &dataset);
        let ledger = Ledger::default();
        let view = View {
            session: &session,
            dataset: &dataset,
            ledger: &ledger,
        };
        let line = |name, opacity, failure: Option<&str>| Line {
            name,
            is_on: true,
            opacity,
            is_outline: false,
            failure: failure.map(str::to_owned),
        };
        let expected = [
            line("cells", 0.25, None),
            line("nuclei", 0.5, Some("no array: labels/nuclei")),
        ];
        assert_eq!(lines(&view), expected);
    }
}
