//! Dark or light.

/// Dark or light panels; the canvas is dark in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// For a dark room.
    #[default]
    Dark,
    /// For a bright one.
    Light,
}
