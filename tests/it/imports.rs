//! Who may import whom: the table of `docs/architecture.md`, held by reading `use` lines and inline paths.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Module, and what of ours it may import; `model` is free for all.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("metadata", &[]),
    ("source", &[]),
    ("dataset", &[]),
    ("image_file", &["source"]),
    ("formats", &["source", "image_file", "metadata", "dataset"]),
    ("export", &["source", "dataset", "formats"]),
    ("ledger", &["dataset"]),
    ("store", &["source", "image_file", "metadata", "dataset"]),
    ("cache", &[]),
    (
        "live",
        &["source", "metadata", "formats", "dataset", "store"],
    ),
    ("loader", &["dataset", "ledger", "store", "cache"]),
    ("session", &["dataset", "ledger"]),
    ("canvas", &[]),
    ("mesh_painter", &[]),
    (
        "render",
        &[
            "formats", "dataset", "ledger", "store", "cache", "loader", "session", "canvas",
        ],
    ),
    ("simulate", &["formats", "metadata", "live"]),
    ("ui", &["session", "dataset", "ledger", "canvas"]),
    ("settings", &["session"]),
    (
        "app",
        &[
            "formats",
            "metadata",
            "source",
            "dataset",
            "export",
            "ledger",
            "store",
            "cache",
            "loader",
            "live",
            "session",
            "canvas",
            "mesh_painter",
            "render",
            "simulate",
            "ui",
            "settings",
        ],
    ),
    (
        "cli",
        &[
            "formats", "metadata", "source", "dataset", "export", "ledger", "store", "cache",
            "loader", "live", "session", "render", "simulate", "settings", "app", "bench",
        ],
    ),
    (
        "bench",
        &[
            "formats", "metadata", "source", "dataset", "ledger", "store", "cache", "loader",
            "live", "session", "canvas", "render", "simulate", "settings", "app",
        ],
    ),
    ("main", &["cli", "settings", "app"]),
];

/// Crates that only some modules may name.
const CRATES: &[(&str, &[&str])] = &[
    ("egui", &["ui", "canvas", "mesh_painter", "app"]),
    ("wgpu", &["canvas", "mesh_painter"]),
    ("zarrs", &["store"]),
    ("anyhow", &["cli", "main"]),
    ("clap", &["cli", "main"]),
];

/// Modules that may name `std::fs`.
const FILE_SYSTEM: &[&str] = &[
    "source", "export", "settings", "simulate", "live", "cli", "app",
];

/// Modules that may write files: results go through `export`, which keeps them out of datasets.
const WRITERS: &[&str] = &["export", "settings", "simulate", "live"];

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top module that a file belongs to (`src/formats/plate.rs` is `formats`).
fn module_of(path: &Path) -> String {
    let below = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The code without comments and without test modules.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap();
    before_tests
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Names that follow `prefix`: `crate::a`, and each of `crate::{a, b::c}`.
fn named_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let entries = match rest.strip_prefix('{') {
            Some(list) => top_level_entries(list),
            None => vec![rest],
        };
        for entry in entries {
            let name: String = entry
                .trim()
                .chars()
                .take_while(|ch| ch.is_alphanumeric() || *ch == '_')
                .collect();
            if !name.is_empty() {
                names.insert(name);
            }
        }
    }
    names
}

/// The entries of a brace list, up to its end; nested lists stay with their entry.
fn top_level_entries(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut entries) = (0, 0, Vec::new());
    for (at, ch) in list.char_indices() {
        match ch {
            '{' => depth += 1,
            '}' if depth == 0 => {
                entries.push(&list[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    entries
}

/// True where the code names a crate; `egui_wgpu::` does not name `wgpu`.
fn is_named(code: &str, krate: &str) -> bool {
    let is_whole_word = |at: usize| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|ch| !ch.is_alphanumeric() && ch != '_')
    };
    ["::", ";", ","].iter().any(|after| {
        let named = format!("{krate}{after}");
        code.match_indices(&named).any(|(at, _)| is_whole_word(at))
    })
}

fn all_files() -> Vec<(String, PathBuf, String)> {
    let mut files = Vec::new();
    source_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let not_tests = |path: &PathBuf| {
        !path
            .iter()
            .any(|part| matches!(part.to_str(), Some("tests" | "tests.rs" | "testing.rs")))
    };
    let described = files
        .into_iter()
        .filter(not_tests)
        .map(|path| (module_of(&path), code_of(&path), path));
    described
        .map(|(module, code, path)| (module, path, code))
        .collect()
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, path, code) in all_files() {
        if module == "lib" {
            continue;
        }
        let may = allowed
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{module} is not in the table"));
        for name in named_after(&code, "crate::")
            .into_iter()
            .chain(named_after(&code, "squidview::"))
        {
            let is_module = allowed.contains_key(name.as_str());
            if is_module && name != "model" && name != module && !may.contains(&name.as_str()) {
                wrong.push(format!("{}: {module} imports {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_are_named_only_where_they_belong() {
    let mut wrong = Vec::new();
    for (module, path, code) in all_files() {
        for (krate, may) in CRATES {
            let named = is_named(&code, krate);
            if named && !may.contains(&module.as_str()) {
                wrong.push(format!("{}: {module} names {krate}", path.display()));
            }
        }
        let touches_files = ["std::fs", "fs::read", "fs::write", "File::open"]
            .iter()
            .any(|what| code.contains(what));
        if touches_files && !FILE_SYSTEM.contains(&module.as_str()) {
            wrong.push(format!("{}: {module} touches files", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn results_are_written_by_one_module_that_keeps_them_out_of_datasets() {
    const WRITING: [&str; 6] = [
        "fs::write",
        "File::create",
        "File::options",
        "OpenOptions",
        "save_buffer",
        ".save_with_format",
    ];
    let writes = |code: &str| WRITING.iter().any(|what| code.contains(what));
    let files = all_files();
    let is_wrong = |module: &str| !WRITERS.contains(&module) && module != "source";
    let wrong = files
        .iter()
        .filter(|(module, _, code)| is_wrong(module) && writes(code));
    let wrong: Vec<_> = wrong.map(|(_, path, _)| path).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let export = files.iter().filter(|(module, ..)| module == "export");
    assert!(export.into_iter().any(|(_, _, code)| writes(code)));
}

#[test]
fn brace_lists_are_taken_apart() {
    let names = named_after(
        "use crate::{\n    model::{A, B},\n    store,\n};\nlet x = crate::ledger::L;",
        "crate::",
    );
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["ledger", "model", "store"]
    );
}
