//! Tiles of Zarr arrays, v2 and v3: the fast path, and `zarrs` for all other codec chains.
