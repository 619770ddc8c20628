//! Integration tests: one binary, a module per feature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod desk;
mod imports;
mod screenshots;
mod squid_data;
mod window;
