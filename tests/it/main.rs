//! Integration tests: one binary, a module per feature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod expected;
mod imports;
mod oracle;
mod planes;
mod squid_data;
