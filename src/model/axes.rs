//! Axes: what a dimension of an array stands for.

/// What a dimension of an array stands for, by its role and not by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AxisRole {
    /// t, timepoints.
    Time,
    /// c, channels.
    Channel,
    /// z, slices.
    Z,
    /// y, rows of a plane.
    Y,
    /// x, columns of a plane.
    X,
    /// FOVs inside one array (Squid's 6-D layout; not an NGFF axis).
    Fov,
    /// Any other axis (angle, phase); addressed through `PlaneId::extra`.
    Other,
}

/// One dimension of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// t, c, z, y, x by role; other axes by their own name.
    pub name: String,
    /// What it stands for.
    pub role: AxisRole,
    /// The unit as the file gives it, if it does.
    pub unit: Option<String>,
}

/// An axis that a person moves along.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum NavAxis {
    /// Timepoints.
    Time,
    /// FOVs, in display order.
    Fov,
    /// z-slices.
    Z,
}
