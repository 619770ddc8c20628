//! Integration tests: one binary, a module per feature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod data;
mod desk;
mod docs;
mod expected;
mod fixture;
mod imports;
mod live;
mod live_hostile;
mod live_registered;
mod live_socket;
mod live_window;
mod oracle;
mod planes;
mod program;
mod real_window;
mod render_cli;
mod screenshots;
mod simulated;
mod squid_data;
mod tiff_folders;
mod window;
