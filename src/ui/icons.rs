//! Icons drawn as shapes: the default fonts have no play, pause or arrow symbols.

use egui::{Color32, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

/// What an icon button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    Play,
    Pause,
    Previous,
    Next,
    Fit,
    Close,
}

/// A square button with an icon, an accessible label, and a tooltip that names its key.
pub(super) fn button(ui: &mut Ui, icon: Icon, label: &str, is_on: bool) -> Response {
    let side = ui.spacing().interact_size.y.max(18.0);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_on, label));
    let visuals = ui.style().interact_selectable(&response, is_on);
    if response.hovered() || response.has_focus() || is_on {
        let fill = if is_on {
            visuals.bg_fill
        } else {
            visuals.weak_bg_fill
        };
        ui.painter().rect(
            rect,
            visuals.corner_radius,
            fill,
            visuals.bg_stroke,
            egui::StrokeKind::Inside,
        );
    }
    for shape in shapes(icon, rect.shrink(side * 0.28), visuals.text_color()) {
        ui.painter().add(shape);
    }
    response.on_hover_text(label)
}

fn shapes(icon: Icon, rect: Rect, color: Color32) -> Vec<Shape> {
    let stroke = Stroke::new(1.5, color);
    let triangle =
        |points: [egui::Pos2; 3]| Shape::convex_polygon(points.to_vec(), color, Stroke::NONE);
    let (center, half) = (rect.center(), rect.width() / 2.0);
    match icon {
        Icon::Play => vec![triangle([
            rect.left_top(),
            pos2(rect.right(), center.y),
            rect.left_bottom(),
        ])],
        Icon::Pause => {
            let bar =
                |x: f32| Rect::from_min_size(pos2(x, rect.top()), vec2(half * 0.6, rect.height()));
            vec![
                Shape::rect_filled(bar(rect.left() + half * 0.15), 0.0, color),
                Shape::rect_filled(bar(rect.right() - half * 0.75), 0.0, color),
            ]
        }
        Icon::Previous => {
            vec![Shape::line(
                vec![
                    pos2(center.x + half * 0.4, rect.top()),
                    pos2(center.x - half * 0.4, center.y),
                    pos2(center.x + half * 0.4, rect.bottom()),
                ],
                stroke,
            )]
        }
        Icon::Next => {
            vec![Shape::line(
                vec![
                    pos2(center.x - half * 0.4, rect.top()),
                    pos2(center.x + half * 0.4, center.y),
                    pos2(center.x - half * 0.4, rect.bottom()),
                ],
                stroke,
            )]
        }
        Icon::Fit => {
            let corner = |at: egui::Pos2, dx: f32, dy: f32| {
                Shape::line(
                    vec![
                        at + vec2(dx * half * 0.7, 0.0),
                        at,
                        at + vec2(0.0, dy * half * 0.7),
                    ],
                    stroke,
                )
            };
            vec![
                corner(rect.left_top(), 1.0, 1.0),
                corner(rect.right_top(), -1.0, 1.0),
                corner(rect.left_bottom(), 1.0, -1.0),
                corner(rect.right_bottom(), -1.0, -1.0),
            ]
        }
        Icon::Close => vec![
            Shape::line_segment([rect.left_top(), rect.right_bottom()], stroke),
            Shape::line_segment([rect.right_top(), rect.left_bottom()], stroke),
        ],
    }
}
