//! Which label images are drawn over the image, and how: by name, so that it holds for every FOV that has them.

use std::collections::BTreeMap;

use super::{Command, Session};

/// How one label image is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelView {
    /// It is drawn over the image.
    pub is_on: bool,
    /// 0 to 1.
    pub opacity: f32,
    /// Only the edge of each label is drawn.
    pub is_outline: bool,
}

impl Default for LabelView {
    fn default() -> Self {
        Self {
            is_on: false,
            opacity: 0.5,
            is_outline: false,
        }
    }
}

/// Label images by name; those that nobody touched are off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelViews(BTreeMap<String, LabelView>);

impl LabelViews {
    /// How the label image of that name is shown.
    #[must_use]
    pub fn of(&self, name: &str) -> LabelView {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Names of those that are drawn.
    pub(super) fn shown(&self) -> Vec<String> {
        let shown = self.0.iter().filter(|(_, view)| view.is_on);
        shown.map(|(name, _)| name.clone()).collect()
    }
}

impl Session {
    pub(super) fn set_label(&mut self, command: &Command) {
        let (Command::ShowLabel(name, _)
        | Command::SetLabelOpacity(name, _)
        | Command::SetLabelOutline(name, _)) = command
        else {
            return;
        };
        let view = self.labels.0.entry(name.clone()).or_default();
        match command {
            Command::ShowLabel(_, is_on) => view.is_on = *is_on,
            Command::SetLabelOpacity(_, opacity) => {
                view.opacity = if opacity.is_nan() {
                    view.opacity
                } else {
                    opacity.clamp(0.0, 1.0)
                };
            }
            Command::SetLabelOutline(_, is_outline) => view.is_outline = *is_outline,
            _ => {}
        }
    }
}
