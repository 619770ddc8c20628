#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| squidview_fuzz::run("ome_xml", bytes));
