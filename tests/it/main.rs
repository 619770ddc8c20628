//! Integration tests: one binary, a module per feature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod imports;
mod squid_data;
