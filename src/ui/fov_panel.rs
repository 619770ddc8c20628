//! Where the FOVs are: a plate map where there is a plate, the regions otherwise, then the FOVs of the region.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use egui::{
    Color32, ComboBox, Rect, Response, RichText, Role, Sense, Shape, Stroke, Ui, WidgetInfo,
    emath::GuiRounding as _, vec2,
};

use super::{
    Action, Facts, View,
    fov_state::{Fill, FovState, Square},
    tokens::{ROUNDING, SPACE_8, palette},
};
use crate::{
    dataset::{Dataset, Fov},
    model::{DatasetId, FovId, PlateFormat, WellName},
    session::Command,
};

/// Buttons of FOVs and lines of regions are this high, in points.
const LINE_PT: f32 = 20.0;
/// Side of the square beside a region's name, in points.
const SQUARE_PT: f32 = 10.0;

/// The panel, with what was worked out of the FOV table once.
#[derive(Default)]
pub(super) struct FovPanel {
    known: Option<Known>,
    regions: Vec<Region>,
    plate: Option<PlateFormat>,
    /// Only FOVs of this acquisition of the plate are listed; `None`: those of all.
    acquisition: Option<i64>,
}

/// The FOV table that the regions were worked out of.
struct Known {
    dataset: DatasetId,
    fovs: Arc<[Fov]>,
    order: Arc<[FovId]>,
    acquisition: Option<i64>,
}

/// FOVs of one region, in display order.
struct Region {
    name: String,
    /// Row and column on the physical plate.
    well: Option<(u32, u32)>,
    fovs: Vec<FovId>,
    /// How many of them are on disk.
    num_present: usize,
}

impl FovPanel {
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View<'_>,
        facts: &Facts,
        out: &mut Vec<Action>,
    ) {
        let colors = palette(facts.theme);
        ui.label(RichText::new("FOVs").color(colors.quiet));
        self.acquisition_ui(ui, view, out);
        self.work_out(view.dataset);
        let shown = view.session.position.fov;
        let current = self
            .regions
            .iter()
            .position(|region| region.fovs.contains(&shown))
            .unwrap_or(0);
        if let Some(plate) = self.plate {
            self.plate_ui(ui, plate, current, view, facts, out);
        } else if self.regions.len() > 1 {
            self.regions_ui(ui, current, view, facts, out);
        }
        let Some(region) = self.regions.get(current) else {
            return;
        };
        ui.add_space(SPACE_8);
        if self.plate.is_some() {
            self.well_ui(ui, current, out);
        } else if !region.name.is_empty() {
            ui.label(&region.name);
        }
        fovs_ui(ui, region, view, facts, out);
    }

    /// Which acquisition of a plate is listed, where it has several; goes to its first FOV in the shown well.
    fn acquisition_ui(&mut self, ui: &mut Ui, view: &View<'_>, out: &mut Vec<Action>) {
        let acquisitions = acquisitions(view.dataset);
        if acquisitions.len() < 2 {
            self.acquisition = None;
            return;
        }
        if self
            .acquisition
            .is_some_and(|id| !acquisitions.contains(&id))
        {
            self.acquisition = None;
        }
        let mut chosen = self.acquisition;
        let words = |id: Option<i64>| {
            id.map_or_else(
                || "All acquisitions".into(),
                |id| format!("Acquisition {id}"),
            )
        };
        let list = ComboBox::from_id_salt("acquisition").selected_text(words(chosen));
        let response = list.show_ui(ui, |ui| {
            for id in std::iter::once(None).chain(acquisitions.into_iter().map(Some)) {
                ui.selectable_value(&mut chosen, id, words(id));
            }
        });
        let label = format!("Listed: {}", words(self.acquisition));
        let described = || WidgetInfo::labeled(Role::ComboBox, true, &label);
        response.response.widget_info(described);
        if chosen != self.acquisition {
            self.acquisition = chosen;
            let fov = chosen.and_then(|id| first_of_acquisition(view, id));
            out.extend(fov.map(|fov| Action::View(Command::GoToFov(fov))));
        }
    }

    /// The shown well by name, and every other one to go to.
    fn well_ui(&self, ui: &mut Ui, current: usize, out: &mut Vec<Action>) {
        let Some(shown) = self.regions.get(current) else {
            return;
        };
        let list = ComboBox::from_id_salt("well").selected_text(&shown.name);
        let response = list.show_ui(ui, |ui| {
            for (index, region) in self.regions.iter().enumerate() {
                let line = ui.selectable_label(index == current, &region.name);
                if line.clicked() {
                    let first = region.fovs.first();
                    out.extend(first.map(|&fov| Action::View(Command::GoToFov(fov))));
                }
            }
        });
        let label = format!("Well {}", shown.name);
        let described = || WidgetInfo::labeled(Role::ComboBox, true, &label);
        response.response.widget_info(described);
    }

    /// Groups the FOV table by region; done once per table.
    fn work_out(&mut self, dataset: &Dataset) {
        let is_known = self.known.as_ref().is_some_and(|known| {
            known.dataset == dataset.id
                && Arc::ptr_eq(&known.fovs, &dataset.fovs)
                && Arc::ptr_eq(&known.order, &dataset.order)
                && known.acquisition == self.acquisition
        });
        if is_known {
            return;
        }
        self.known = Some(Known {
            dataset: dataset.id,
            fovs: Arc::clone(&dataset.fovs),
            order: Arc::clone(&dataset.order),
            acquisition: self.acquisition,
        });
        self.regions.clear();
        let mut places: HashMap<String, usize> = HashMap::new();
        for &fov in dataset.order.iter() {
            let Some(row) = dataset.fov(fov) else {
                continue;
            };
            if self.acquisition.is_some() && row.acquisition != self.acquisition {
                continue;
            }
            let name = row.place_name().unwrap_or_default();
            let place = *places.entry(name.clone()).or_insert_with(|| {
                let well = WellName::parse(&name)
                    .and_then(|well| Some((well.row_index()?, well.column_index()?)));
                self.regions.push(Region {
                    name,
                    well,
                    fovs: Vec::new(),
                    num_present: 0,
                });
                self.regions.len() - 1
            });
            self.regions[place].fovs.push(fov);
            self.regions[place].num_present += usize::from(row.present);
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
        facts: &Facts,
        out: &mut Vec<Action>,
    ) {
        let colors = palette(facts.theme);
        // Wells are all alike only on whole pixels.
        let pixel = 1.0 / ui.pixels_per_point();
        let whole = |points: f32| (points / pixel).floor().max(1.0) * pixel;
        let pitch = whole((ui.available_width() / plate.num_columns as f32).min(22.0));
        let gap = whole((pitch * 0.24).min(4.0));
        let size = vec2(
            pitch * plate.num_columns as f32,
            pitch * plate.num_rows as f32,
        );
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let rect = rect.round_to_pixels(ui.pixels_per_point());
        let label = format!("Plate map, well {}", self.regions[current].name);
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &label));
        let cell = |row: u32, column: u32| {
            let min = rect.min + vec2(column as f32, row as f32) * pitch;
            Rect::from_min_size(min, vec2(pitch - gap, pitch - gap))
        };
        ui.painter().rect_stroke(
            rect.expand(2.0),
            2.0,
            Stroke::new(1.0, colors.line),
            egui::StrokeKind::Outside,
        );
        let acquired: HashSet<_> = self.regions.iter().filter_map(|it| it.well).collect();
        let wells = (0..plate.num_rows)
            .flat_map(|row| (0..plate.num_columns).map(move |column| (row, column)));
        for (row, column) in wells.filter(|well| !acquired.contains(well)) {
            ui.painter()
                .circle_filled(cell(row, column).center(), 1.0, colors.line);
        }
        for (index, region) in self.regions.iter().enumerate() {
            let Some((row, column)) = region.well else {
                continue;
            };
            let state = region.state(view, facts);
            let well = Square {
                rect: cell(row, column),
                rounding: 0,
                outline: colors.quiet,
                is_shown: index == current,
            };
            ui.painter().extend(state.shapes(well, colors));
        }
        let words = |region: &Region| region.words(view, facts);
        self.plate_clicked(&response, rect, pitch, &words, out);
    }

    fn plate_clicked(
        &self,
        response: &Response,
        rect: Rect,
        pitch: f32,
        words: &dyn Fn(&Region) -> String,
        out: &mut Vec<Action>,
    ) {
        let well_at = |at: egui::Pos2| {
            let offset = (at - rect.min) / pitch;
            let well = Some((offset.y.max(0.0) as u32, offset.x.max(0.0) as u32));
            self.regions.iter().find(|region| region.well == well)
        };
        if let Some(region) = response.hover_pos().and_then(well_at) {
            response.clone().on_hover_text_at_pointer(words(region));
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

    /// Regions as lines, each with its square; only those on the screen are laid out.
    fn regions_ui(
        &self,
        ui: &mut Ui,
        current: usize,
        view: &View<'_>,
        facts: &Facts,
        out: &mut Vec<Action>,
    ) {
        let area = egui::ScrollArea::vertical()
            .id_salt("regions")
            .max_height(180.0)
            .auto_shrink(true);
        area.show_rows(ui, LINE_PT, self.regions.len(), |ui, rows| {
            for index in rows {
                region_ui(ui, &self.regions[index], index == current, view, facts, out);
            }
        });
    }
}

/// Acquisitions that FOVs of the dataset belong to, in order.
fn acquisitions(dataset: &Dataset) -> BTreeSet<i64> {
    // Plates without acquisitions, most of them, cost nothing.
    let has_any = dataset
        .plate
        .as_ref()
        .is_some_and(|plate| plate.acquisitions.len() > 1);
    let fovs = dataset.fovs.iter().filter(|_| has_any);
    fovs.filter_map(|fov| fov.acquisition).collect()
}

/// The first FOV of an acquisition, in the shown well where there is one.
fn first_of_acquisition(view: &View<'_>, id: i64) -> Option<FovId> {
    let dataset = view.dataset;
    let here = dataset.fov(view.session.position.fov)?.place_name();
    let of_id = |fov: &FovId| {
        dataset
            .fov(*fov)
            .is_some_and(|row| row.acquisition == Some(id))
    };
    let is_here = |fov: &FovId| dataset.fov(*fov).and_then(Fov::place_name) == here;
    let mut fovs = dataset.order.iter().copied().filter(of_id);
    fovs.clone().find(is_here).or_else(|| fovs.next())
}

impl Region {
    fn state(&self, view: &View<'_>, facts: &Facts) -> FovState {
        FovState::of(&self.fovs, self.num_present, view, facts)
    }

    /// `B3, 4 FOVs`, and below it what is acquired of them.
    fn words(&self, view: &View<'_>, facts: &Facts) -> String {
        let fovs = match self.fovs.len() {
            1 => "1 FOV".to_owned(),
            count => format!("{count} FOVs"),
        };
        let state = self.state(view, facts).words();
        format!("{}, {fovs}\n{state}", self.name)
    }
}

/// One region as a line; a click goes to its first FOV.
fn region_ui(
    ui: &mut Ui,
    region: &Region,
    is_shown: bool,
    view: &View<'_>,
    facts: &Facts,
    out: &mut Vec<Action>,
) {
    let colors = palette(facts.theme);
    ui.horizontal(|ui| {
        let size = vec2(SQUARE_PT + SPACE_8, LINE_PT);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let state = region.state(view, facts);
        let square = Square {
            rect: Rect::from_center_size(rect.center(), vec2(SQUARE_PT, SQUARE_PT)),
            rounding: 1,
            outline: colors.quiet,
            is_shown,
        };
        ui.painter().extend(state.shapes(square, colors));
        let line = egui::Button::selectable(is_shown, &region.name).truncate();
        let response = ui.add(line).on_hover_text(region.words(view, facts));
        if response.clicked() {
            let first = region.fovs.first();
            out.extend(first.map(|&fov| Action::View(Command::GoToFov(fov))));
        }
    });
}

/// FOVs of a region as numbered buttons, several in a row; only those on the screen are laid out.
fn fovs_ui(ui: &mut Ui, region: &Region, view: &View<'_>, facts: &Facts, out: &mut Vec<Action>) {
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
                    let size = vec2(BUTTON_PT, LINE_PT - 2.0);
                    fov_button(ui, fov, view, facts, out, size);
                }
            });
        }
    });
}

/// A FOV: its number on a square that tells its state.
fn fov_button(
    ui: &mut Ui,
    fov: FovId,
    view: &View<'_>,
    facts: &Facts,
    out: &mut Vec<Action>,
    size: egui::Vec2,
) {
    let Some(row) = view.dataset.fov(fov) else {
        return;
    };
    let colors = palette(facts.theme);
    let place = row.place_name().unwrap_or_default();
    let field = row.label.strip_prefix(&format!("{place}:"));
    let field = field.unwrap_or(&row.label).to_owned();
    let name = row.fov_in_region.map_or(field, |index| index.to_string());
    let state = FovState::of(&[fov], usize::from(row.present), view, facts);
    let is_shown = view.session.position.fov == fov;
    let color = if state.fill == Fill::Planned {
        colors.quiet
    } else {
        colors.text
    };
    // The square lies under the number, and its place is known only when the button has been laid out.
    let under = ui.painter().add(Shape::Noop);
    let button = egui::Button::new(RichText::new(name).monospace().color(color))
        .fill(Color32::TRANSPARENT)
        .stroke(Stroke::NONE)
        .min_size(size);
    let response = ui.add(button.truncate());
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, is_shown, format!("FOV {}", row.label))
    });
    let is_touched = response.hovered() || response.has_focus();
    let outline = match state.fill {
        _ if is_touched => colors.text,
        Fill::Acquired => colors.line,
        Fill::Planned | Fill::Partly => colors.quiet,
    };
    let square = Square {
        rect: response.rect,
        rounding: ROUNDING,
        outline,
        is_shown,
    };
    ui.painter()
        .set(under, Shape::Vec(state.shapes(square, colors)));
    let acquisition = row
        .acquisition
        .map(|id| format!(", acquisition {id}"))
        .unwrap_or_default();
    let hint = format!("{}{acquisition}\n{}", row.label, state.words());
    if response.on_hover_text(hint).clicked() {
        out.push(Action::View(Command::GoToFov(fov)));
    }
}
