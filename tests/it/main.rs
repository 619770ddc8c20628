//! Integration tests: one binary, a module per feature.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod conformance;
mod data;
mod desk;
mod destinations;
mod docs;
mod expected;
mod extremes;
mod failing_disk;
mod fixture;
#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "also a crate of its own")]
mod fuzz_targets;
mod fuzzed;
mod growing_folder;
mod image_bombs;
mod image_files;
mod imports;
mod labels;
mod limits;
mod links;
mod live;
mod live_absence;
mod live_complete;
mod live_crash;
mod live_growth;
mod live_hostile;
mod live_metadata;
mod live_order;
mod live_refusals;
mod live_registered;
mod live_running;
mod live_socket;
mod live_threads;
mod live_window;
mod live_writer;
mod measuring;
mod microscope;
mod mutated;
mod old_acquisitions;
mod ome_kinds;
mod ome_tiff;
mod ome_tiff_folders;
mod omero;
mod oracle;
mod planes;
mod program;
mod pushed;
mod real_live;
mod real_window;
mod recordings;
mod render_cli;
mod screenshots;
mod simulated;
mod simulated_images;
mod squid_data;
mod squid_ome_tiff;
mod stacks;
mod tiff_folders;
mod torn_window;
mod twin_names;
mod uniform;
mod waiting;
mod window;
