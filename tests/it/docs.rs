//! The documents tell the truth: every file, option, default and key that they name is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::program::squidview;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, changelog and everything in `docs/`: path and text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![
        root().join("README.md"),
        root().join("CHANGELOG.md"),
        root().join("benches/README.md"),
    ];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// Inline code, and the lines of code blocks.
fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            found.push(line.to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// Targets of links that lead into this project.
fn links(text: &str) -> Vec<String> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://"))
        .map(|target| target.split('#').next().unwrap().to_owned())
        .collect()
}

/// True for code that names a file of this project rather than one in a dataset.
fn is_project_path(code: &str) -> bool {
    let tops = [
        "src/",
        "tests/",
        "docs/",
        "scripts/",
        "benches/",
        "examples/",
        ".github/",
    ];
    let is_path = code
        .chars()
        .all(|ch| ch.is_ascii_alphanumeric() || "_-./".contains(ch));
    is_path && tops.iter().any(|top| code.starts_with(top))
}

#[test]
fn every_file_that_a_document_names_exists() {
    for (path, text) in documents() {
        for link in links(&text) {
            let target = path.parent().unwrap().join(&link);
            assert!(target.exists(), "{}: link to {link}", path.display());
        }
        for word in code(&text).iter().flat_map(|code| code.split_whitespace()) {
            if is_project_path(word) {
                assert!(
                    root().join(word).exists(),
                    "{}: names {word}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_test_that_the_table_of_formats_names_exists() {
    let text = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let mut num_named = 0;
    let is_source = |code: &&String| {
        Path::new(code)
            .extension()
            .is_some_and(|ending| ending == "rs")
    };
    for code in code(&text).iter().filter(is_source) {
        num_named += 1;
        let places = ["tests/it", "."];
        assert!(
            places
                .iter()
                .any(|place| root().join(place).join(code).exists()),
            "{code}"
        );
    }
    assert!(num_named > 5, "rows name their tests");
}

/// Rows of the first table of `docs/formats.md`: what each says of its tests.
fn tests_of_rows(text: &str) -> Vec<(String, String)> {
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| layout"))
        .skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| {
        let (layout, tests) = row.trim_end_matches('|').rsplit_once('|').unwrap();
        (layout.to_owned(), tests.to_owned())
    });
    cells.collect()
}

#[test]
fn each_row_of_the_table_of_formats_is_backed_by_a_test_with_what_it_names() {
    let text = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let rows = tests_of_rows(&text);
    assert!(rows.len() > 30, "{}", rows.len());
    let fixtures: Vec<String> = fs::read_dir(root().join("tests/data/squid"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let expected = fs::read_dir(root().join("tests/data/expected")).unwrap();
    let expected: Vec<(String, String)> = expected
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    for (layout, tests) in rows {
        let mut known = String::new();
        for word in code(&tests) {
            if Path::new(&word).extension().is_some_and(|it| it == "rs") {
                let places = ["tests/it", "."].map(|place| root().join(place).join(&word));
                let path = places.iter().find(|path| path.exists());
                let path = path.unwrap();
                known = fs::read_to_string(path).unwrap();
                let is_test = known.contains("#[test]") || known.contains("criterion");
                assert!(is_test, "{word} has a test: {layout}");
                // What the writers of other programs call their cases stands in what is expected of them.
                let stem = path.file_stem().unwrap().to_string_lossy();
                let of_file = expected.iter().filter(|(name, _)| name.starts_with(&*stem));
                known.extend(of_file.map(|(_, text)| text.as_str()));
                continue;
            }
            // A group of cases or the name of a fixture, of the file before it.
            let stem = word.split('*').next().unwrap();
            let is_fixture = fixtures.iter().any(|name| name.starts_with(stem));
            assert!(known.contains(stem) || is_fixture, "{word}: {layout}");
        }
        assert!(!known.is_empty(), "no test is named: {layout}");
    }
}

/// `--help` of every mode.
fn help() -> String {
    let modes = [
        vec![],
        vec!["demo"],
        vec!["render"],
        vec!["simulate"],
        vec!["inspect"],
        vec!["plane"],
        vec!["bench", "read"],
        vec!["bench", "step"],
    ];
    let texts = modes.into_iter().map(|mut arguments| {
        arguments.push("--help");
        squidview(&arguments).stdout
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Words that begin with `--`.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|ch: char| !(ch.is_ascii_alphanumeric() || ch == '-' || ch == '_'));
    let is_option =
        |word: &&str| word.len() > 3 && word.starts_with("--") && !word.starts_with("---");
    words.filter(is_option).map(str::to_owned).collect()
}

#[test]
fn every_option_that_a_document_names_is_one() {
    let known = options(&help());
    assert!(known.contains("--cache-mb") && known.contains("--fovs-per-region"));
    for (path, text) in documents() {
        for line in code(&text).iter().filter(|line| line.contains("squidview")) {
            for option in options(line) {
                assert!(
                    known.contains(&option),
                    "{}: {option} in {line:?}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_key_of_the_window_stands_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme
        .split("## Keys")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    for (keys, _) in squidview::ui::help_lines() {
        for key in keys.split(", ").flat_map(|keys| keys.split(" to ")) {
            let written = key
                .replace("Left", "←")
                .replace("Right", "→")
                .replace("Up", "↑")
                .replace("Down", "↓");
            let words = if key.starts_with("Pg") { key } else { &written };
            let all = words.split(' ').all(|word| {
                section.to_lowercase().contains(&word.to_lowercase())
                    || word == "with"
                    || word == "these"
            });
            assert!(all, "{key}");
        }
    }
}
