//! Reading tiles.
