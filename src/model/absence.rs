//! What it means for a read that nothing of a plane is on disk.

/// What a reader makes of a plane of which nothing, or nothing but zeros, is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Absence {
    /// What store and acquisition say: the fill value where they are finished, else not written yet.
    #[default]
    AsStored,
    /// The acquisition announces what it writes and has not announced this plane: zeros may be room that was made in
    /// advance, so nothing and zeros alike are not acquired yet, unless the store is finished.
    Unannounced,
    /// The plane was announced and has been absent for so long that it counts as all zero (TensorStore leaves out chunks
    /// that hold nothing but the fill value).
    Zero,
}
