//! What is done to a file: cut off, one bit turned over, one value of its metadata replaced by an extreme.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::xml;

/// Places at which each file is cut off.
const CUTS: usize = 20;
/// Bits of each file that are turned over, one at a time.
const FLIPS: usize = 200;
/// Rows of a table whose cells are replaced; all are read alike.
const ROWS: usize = 4;
/// Stands for an extreme until the document is text.
const MARK: &str = "@extreme@";

/// What replaces a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extreme {
    Zero,
    MinusOne,
    TwoTo31,
    TwoTo63,
    NotANumber,
    EmptyText,
    Null,
    WrongType,
    Megabyte,
}

const EXTREMES: [Extreme; 9] = [
    Extreme::Zero,
    Extreme::MinusOne,
    Extreme::TwoTo31,
    Extreme::TwoTo63,
    Extreme::NotANumber,
    Extreme::EmptyText,
    Extreme::Null,
    Extreme::WrongType,
    Extreme::Megabyte,
];

/// Where a value stands.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// JSON pointer.
    Json(String),
    /// Line of a YAML document, all after its key.
    Line(usize),
    /// Row and column of a table.
    Cell(usize, usize),
    /// Number of an attribute of XML.
    Attribute(usize),
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Only so many bytes are left.
    Cut(usize),
    /// The bit of that number is turned over.
    Flip(usize),
    Value(Place, Extreme),
}

/// One change to one file.
#[derive(Clone)]
pub(super) struct Case {
    /// Below the fixture.
    pub(super) file: PathBuf,
    pub(super) change: Change,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.file.display(), self.change)
    }
}

impl Case {
    /// The file as it is after the change.
    pub(super) fn apply(&self, original: &[u8]) -> Vec<u8> {
        match &self.change {
            Change::Cut(length) => original[..*length].to_vec(),
            Change::Flip(bit) => {
                let mut bytes = original.to_vec();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            }
            Change::Value(Place::Json(pointer), extreme) => {
                let mut document: Value = serde_json::from_slice(original).unwrap();
                let value = document.pointer_mut(pointer).unwrap();
                let text = extreme.in_json(value);
                *value = MARK.into();
                let whole = serde_json::to_string(&document).unwrap();
                whole.replace(&format!("\"{MARK}\""), &text).into_bytes()
            }
            Change::Value(Place::Line(number), extreme) => {
                let text = std::str::from_utf8(original).unwrap();
                let replaced = |line: &str| {
                    let key_end = line.find(": ").map_or(line.len(), |at| at + 2);
                    format!("{}{}", &line[..key_end], extreme.in_yaml())
                };
                with_line(text, *number, replaced)
            }
            Change::Value(Place::Cell(row, column), extreme) => {
                let text = std::str::from_utf8(original).unwrap();
                let replaced = |line: &str| {
                    let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
                    cells[*column] = extreme.in_table();
                    cells.join(",")
                };
                with_line(text, *row, replaced)
            }
            Change::Value(Place::Attribute(number), extreme) => {
                xml::with_attribute(&self.file, original, *number, &extreme.in_table())
            }
        }
    }
}

fn with_line(text: &str, number: usize, replaced: impl Fn(&str) -> String) -> Vec<u8> {
    let lines = text.lines().enumerate().map(|(at, line)| {
        if at == number {
            replaced(line)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

impl Extreme {
    fn in_json(self, value: &Value) -> String {
        match self {
            Self::NotANumber => "NaN".into(),
            Self::WrongType => match value {
                Value::Null => "7",
                Value::Bool(_) | Value::Number(_) => "\"x\"",
                Value::String(_) | Value::Object(_) => "[]",
                Value::Array(_) => "{}",
            }
            .into(),
            other => other.in_yaml(),
        }
    }

    fn in_yaml(self) -> String {
        match self {
            Self::NotANumber => ".nan".into(),
            Self::EmptyText => "\"\"".into(),
            Self::Null => "null".into(),
            Self::WrongType => "[a, {b: 1}]".into(),
            Self::Megabyte => format!("\"{}\"", "x".repeat(1 << 20)),
            other => other.in_table(),
        }
    }

    fn in_table(self) -> String {
        match self {
            Self::Zero => "0".into(),
            Self::MinusOne => "-1".into(),
            Self::TwoTo31 => "2147483648".into(),
            Self::TwoTo63 => "9223372036854775808".into(),
            Self::NotANumber => "NaN".into(),
            Self::EmptyText => String::new(),
            Self::Null => "null".into(),
            Self::WrongType => "x,y".into(),
            Self::Megabyte => "x".repeat(1 << 20),
        }
    }
}

/// Numbers that are the same for the same seed, everywhere (`SplitMix64`).
struct Random(u64);

impl Random {
    fn of(text: &str) -> Self {
        Self(u64::from(crc32fast::hash(text.as_bytes())))
    }

    /// Below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % end
    }
}

/// All files below a folder, in order.
pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Some cases, in turn one cut off, one with a bit turned over and one with another value, the same for the same seed.
pub(super) fn sample(cases: &[Case], seed: &str, length: usize) -> Vec<Case> {
    let is_of = |case: &Case, kind: usize| match case.change {
        Change::Cut(_) => kind == 0,
        Change::Flip(_) => kind == 1,
        Change::Value(..) => kind == 2,
    };
    let kinds = [0, 1, 2].map(|kind| {
        let cases = cases.iter().filter(|case| is_of(case, kind));
        cases.collect::<Vec<_>>()
    });
    let mut random = Random::of(seed);
    let chosen = (0..length).filter_map(|at| {
        let cases = &kinds[at % kinds.len()];
        let case = cases.get(random.below(cases.len().max(1)))?;
        Some((*case).clone())
    });
    chosen.collect()
}

/// Every change to every file below a fixture's folder.
pub(super) fn cases_of(root: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for path in files_below(root) {
        let file = path.strip_prefix(root).unwrap().to_path_buf();
        let bytes = fs::read(&path).unwrap();
        let changes = changes_of(&file, &bytes);
        cases.extend(changes.into_iter().map(|change| Case {
            file: file.clone(),
            change,
        }));
    }
    cases
}

fn changes_of(file: &Path, bytes: &[u8]) -> Vec<Change> {
    let cuts: BTreeSet<usize> = (0..CUTS).map(|at| bytes.len() * at / CUTS).collect();
    let num_bits = bytes.len() * 8;
    let bits: BTreeSet<usize> = if num_bits <= FLIPS {
        (0..num_bits).collect()
    } else {
        let mut random = Random::of(&file.to_string_lossy());
        let mut bits = BTreeSet::new();
        while bits.len() < FLIPS {
            bits.insert(random.below(num_bits));
        }
        bits
    };
    let cuts = cuts.into_iter().filter(|&length| length < bytes.len());
    let changes = cuts
        .map(Change::Cut)
        .chain(bits.into_iter().map(Change::Flip));
    let each = |place: Place| EXTREMES.map(|extreme| Change::Value(place.clone(), extreme));
    let values = places_of(file, bytes).into_iter().flat_map(each);
    changes.chain(values).collect()
}

/// The values of a metadata document; none in any other file.
fn places_of(file: &Path, bytes: &[u8]) -> Vec<Place> {
    let name = file.file_name().unwrap().to_string_lossy();
    let text = || std::str::from_utf8(bytes).unwrap();
    match name.rsplit('.').next() {
        Some("json" | "zarray" | "zattrs" | "zgroup") => {
            let mut pointers = Vec::new();
            let document = serde_json::from_slice(bytes).unwrap();
            add_pointers(&document, String::new(), &mut pointers);
            pointers.into_iter().map(Place::Json).collect()
        }
        Some("yaml") => (0..text().lines().count()).map(Place::Line).collect(),
        Some("csv") => {
            let rows = text().lines().take(ROWS).enumerate();
            rows.flat_map(|(row, line)| {
                (0..line.split(',').count()).map(move |column| Place::Cell(row, column))
            })
            .collect()
        }
        _ => {
            let attributes = xml::attributes_of(file, bytes).len();
            (0..attributes).map(Place::Attribute).collect()
        }
    }
}

fn add_pointers(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                add_pointers(member, format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                add_pointers(item, format!("{pointer}/{at}"), found);
            }
        }
        _ => {}
    }
    found.push(pointer);
}
