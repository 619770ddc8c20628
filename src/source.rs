//! Where bytes come from: list, stat, read a range. The only `std::fs` towards data; read-only, always.
