//! Where the FOVs are: a plate map where there is a plate, the regions otherwise, then the FOVs of the region.

use std::collections::HashMap;

use egui::{Color32, Rect, Response, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{
    Action, Facts, View,
    tokens::{Palette, SPACE_8, palette},
};
use crate::{
    dataset::Dataset,
    model::{DatasetId, FovId, PlateFormat, WellName},
    session::Command,
};

/// Buttons of FOVs and lines of regions are this high, in points.
const LINE_PT: f32 = 20.0;

/// The panel, with what was worked out of the FOV table once.
#[derive(Default)]
pub(super) struct FovPanel {
    known: Option<(DatasetId, u64)>,
    regions: Vec<Region>,
    plate: Option<PlateFormat>,
}

/// FOVs of one region, in display order.
struct Region {
    name: String,
    /// Row and column on the physical plate.
    well: Option<(u32, u32)>,
    fovs: Vec<FovId>,
    /// Some of them are on disk.
    is_present: bool,
}

impl FovPanel {
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View<'_>,
        facts: &Facts,
        out: &mut Vec<Action>,
    ) {
        self.work_out(view.dataset);
        let colors = palette(facts.theme);
        ui.label(RichText::new("FOVs").color(colors.quiet));
        let shown = view.session.position.fov;
        let current = self
            .regions
            .iter()
            .position(|region| region.fovs.contains(&shown))
            .unwrap_or(0);
        if let Some(plate) = self.plate {
            self.plate_ui(ui, plate, current, view, colors, out);
        } else if self.regions.len() > 1 {
            self.regions_ui(ui, current, out);
        }
        let Some(region) = self.regions.get(current) else {
            return;
        };
        ui.add_space(SPACE_8);
        if !region.name.is_empty() {
            ui.label(&region.name);
        }
        fovs_ui(ui, region, view, colors, out);
    }

    /// Groups the FOV table by region; done once per dataset revision.
    fn work_out(&mut self, dataset: &Dataset) {
        if self.known == Some((dataset.id, dataset.fovs.len() as u64)) {
            return;
        }
        self.known = Some((dataset.id, dataset.fovs.len() as u64));
        self.regions.clear();
        let mut places: HashMap<String, usize> = HashMap::new();
        for &fov in dataset.order.iter() {
            let Some(row) = dataset.fov(fov) else {
                continue;
            };
            let name = row
                .region
                .clone()
                .or_else(|| Some(format!("{}{}", row.row.as_ref()?, row.column.as_ref()?)));
            let name = name.unwrap_or_default();
            let place = *places.entry(name.clone()).or_insert_with(|| {
                let well = WellName::parse(&name)
                    .and_then(|well| Some((well.row_index()?, well.column_index()?)));
                self.regions.push(Region {
                    name,
                    well,
                    fovs: Vec::new(),
                    is_present: false,
                });
                self.regions.len() - 1
            });
            self.regions[place].fovs.push(fov);
            self.regions[place].is_present |= row.present;
        }
        let wells: Option<Vec<(u32, u32)>> =
            self.regions.iter().map(|region| region.well).collect();
        let wells = wells.filter(|_| dataset.plate.is_some());
        let last = wells.map(|wells| {
            wells
                .iter()
                .fold((0, 0), |(r, c), well| (r.max(well.0), c.max(well.1)))
        });
        self.plate = last.and_then(|(row, column)| PlateFormat::smallest_with(row, column));
    }

    /// The whole plate in one widget; a click goes to a well's first FOV.
    fn plate_ui(
        &self,
        ui: &mut Ui,
        plate: PlateFormat,
        current: usize,
        view: &View<'_>,
        colors: Palette,
        out: &mut Vec<Action>,
    ) {
        let pitch = (ui.available_width() / plate.num_columns as f32).min(22.0);
        let size = vec2(
            pitch * plate.num_columns as f32,
            pitch * plate.num_rows as f32,
        );
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let label = format!("Plate map, well {}", self.regions[current].name);
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &label));
        let cell = |row: u32, column: u32| {
            let min = rect.min + vec2(column as f32, row as f32) * pitch;
            Rect::from_min_size(min, vec2(pitch, pitch)).shrink((pitch * 0.12).min(2.0))
        };
        ui.painter().rect_stroke(
            rect.expand(2.0),
            2.0,
            Stroke::new(1.0, colors.line),
            egui::StrokeKind::Outside,
        );
        let wells = (0..plate.num_rows)
            .flat_map(|row| (0..plate.num_columns).map(move |column| (row, column)));
        for (row, column) in wells {
            // Wells of the plate that are not part of the acquisition; those that are cover their dot.
            ui.painter()
                .circle_filled(cell(row, column).center(), 1.0, colors.line);
        }
        for (index, region) in self.regions.iter().enumerate() {
            let Some((row, column)) = region.well else {
                continue;
            };
            paint_well(
                ui,
                cell(row, column),
                region,
                index == current,
                view,
                colors,
            );
        }
        self.plate_clicked(&response, rect, pitch, out);
    }

    fn plate_clicked(&self, response: &Response, rect: Rect, pitch: f32, out: &mut Vec<Action>) {
        let well_at = |at: egui::Pos2| {
            let offset = (at - rect.min) / pitch;
            let well = Some((offset.y.max(0.0) as u32, offset.x.max(0.0) as u32));
            self.regions.iter().find(|region| region.well == well)
        };
        if let Some(region) = response.hover_pos().and_then(well_at) {
            response.clone().on_hover_text_at_pointer(format!(
                "{}, {} FOVs",
                region.name,
                region.fovs.len()
            ));
            if response.clicked() {
                out.extend(
                    region
                        .fovs
                        .first()
                        .map(|&fov| Action::View(Command::GoToFov(fov))),
                );
            }
        }
    }

    /// Regions as lines; only those on the screen are laid out.
    fn regions_ui(&self, ui: &mut Ui, current: usize, out: &mut Vec<Action>) {
        let area = egui::ScrollArea::vertical()
            .id_salt("regions")
            .max_height(180.0)
            .auto_shrink(true);
        area.show_rows(ui, LINE_PT, self.regions.len(), |ui, rows| {
            for index in rows {
                let region = &self.regions[index];
                let line = egui::Button::selectable(index == current, &region.name).truncate();
                if ui
                    .add(line)
                    .on_hover_text(format!("{} FOVs", region.fovs.len()))
                    .clicked()
                {
                    out.extend(
                        region
                            .fovs
                            .first()
                            .map(|&fov| Action::View(Command::GoToFov(fov))),
                    );
                }
            }
        });
    }
}

/// Written wells are filled, others outlined, failed ones crossed, the shown one ringed.
fn paint_well(
    ui: &Ui,
    rect: Rect,
    region: &Region,
    is_shown: bool,
    view: &View<'_>,
    colors: Palette,
) {
    let painter = ui.painter();
    let counts = region.fovs.iter().map(|&fov| view.ledger.counts(fov));
    let (written, failed) = counts.fold((0, 0), |(written, failed), counts| {
        (written + counts.written, failed + counts.failed)
    });
    let line = if is_shown {
        colors.accent
    } else {
        colors.quiet
    };
    // In a finished dataset what is there was written; of a running one the ledger tells.
    let is_written = written > 0 || (!view.dataset.is_running() && region.is_present);
    let fill = if is_written {
        colors.quiet
    } else {
        Color32::TRANSPARENT
    };
    let stroke = Stroke::new(1.0, line);
    painter.rect(rect, 1.0, fill, stroke, egui::StrokeKind::Inside);
    if is_shown {
        let ring = Stroke::new(2.0, colors.accent);
        painter.rect_stroke(rect.expand(1.0), 2.0, ring, egui::StrokeKind::Outside);
    }
    if failed > 0 {
        let stroke = Stroke::new(1.5, colors.error);
        painter.line_segment([rect.left_top(), rect.right_bottom()], stroke);
        painter.line_segment([rect.right_top(), rect.left_bottom()], stroke);
    }
}

/// FOVs of a region as numbered buttons, several in a row; only those on the screen are laid out.
fn fovs_ui(ui: &mut Ui, region: &Region, view: &View<'_>, colors: Palette, out: &mut Vec<Action>) {
    const BUTTON_PT: f32 = 34.0;
    let per_row = ((ui.available_width() / (BUTTON_PT + 4.0)) as usize).max(1);
    let num_rows = region.fovs.len().div_ceil(per_row);
    let area = egui::ScrollArea::vertical()
        .id_salt("fovs")
        .auto_shrink(true);
    area.show_rows(ui, LINE_PT, num_rows, |ui, rows| {
        for row in rows {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                for &fov in region.fovs.iter().skip(row * per_row).take(per_row) {
                    fov_button(ui, fov, view, colors, out, vec2(BUTTON_PT, LINE_PT - 2.0));
                }
            });
        }
    });
}

fn fov_button(
    ui: &mut Ui,
    fov: FovId,
    view: &View<'_>,
    colors: Palette,
    out: &mut Vec<Action>,
    size: egui::Vec2,
) {
    let Some(row) = view.dataset.fov(fov) else {
        return;
    };
    let name = row
        .fov_in_region
        .map_or_else(|| row.label.clone(), |index| index.to_string());
    let color = if row.present {
        colors.text
    } else {
        colors.quiet
    };
    let is_shown = view.session.position.fov == fov;
    let button = egui::Button::selectable(is_shown, RichText::new(name).monospace().color(color))
        .min_size(size);
    let response = ui.add(button.truncate());
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, is_shown, format!("FOV {}", row.label))
    });
    if view.ledger.counts(fov).failed > 0 {
        let rect = response.rect;
        ui.painter().line_segment(
            [pos2(rect.left(), rect.bottom()), rect.right_top()],
            Stroke::new(1.0, colors.error),
        );
    }
    let hint = if row.present {
        row.label.clone()
    } else {
        format!("{}, not on disk yet", row.label)
    };
    if response.on_hover_text(hint).clicked() {
        out.push(Action::View(Command::GoToFov(fov)));
    }
}
