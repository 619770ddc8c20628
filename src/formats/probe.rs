//! What kind of Zarr node lies in a folder: its documents, each read once.
//!
//! Zarr v3 has `zarr.json`; v2 has `.zarray` or `.zgroup`, with `.zattrs` beside it. Squid's first Zarr writer left
//! v3 stores with a `.zattrs`, so that one is read in either case (zarr-specs.readthedocs.io).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    dataset::{OpenFovError, ZarrFormat, ZarrLocator},
    metadata::{
        ngff::{self, Attributes},
        zarr_array::{self, ArrayDocument},
    },
    model::{Code, Problem},
    source::{self, SourceError},
};

/// The documents of a folder.
#[derive(Debug)]
pub(super) struct Node {
    /// The folder.
    pub(super) folder: PathBuf,
    /// Version of the format; `None`: no Zarr node.
    pub(super) format: Option<ZarrFormat>,
    /// The array document, if it is an array.
    array: Option<Value>,
    /// What its attributes say.
    pub(super) attributes: Attributes,
    /// Documents that could not be read.
    pub(super) problems: Vec<Problem>,
}

/// An array that can be read, and where it lies.
#[derive(Debug)]
pub(super) struct FoundArray {
    /// What its document says.
    pub(super) document: ArrayDocument,
    /// Where it lies.
    pub(super) locator: ZarrLocator,
}

impl Node {
    /// Reads the documents of a folder; one that is absent or unreadable is no node. Locations of problems are below
    /// `root`.
    pub(super) fn read(folder: &Path, root: &Path) -> Self {
        let mut documents = Documents {
            folder,
            root,
            problems: Vec::new(),
        };
        let v3 = documents.read("zarr.json");
        let is_broken_v3 = !documents.problems.is_empty();
        if let Some(document) = &v3 {
            documents.check_group(document);
        }
        let zattrs = documents.read(".zattrs");
        let mut attributes = ngff::parse(v3.as_ref(), zattrs.as_ref());
        let (array, format) = match v3 {
            Some(document) => {
                let is_array = document.get("node_type").and_then(Value::as_str) == Some("array");
                (is_array.then_some(document), Some(ZarrFormat::V3))
            }
            None if is_broken_v3 => (None, Some(ZarrFormat::V3)),
            None => {
                let array = documents.read(".zarray");
                let is_node = array.is_some()
                    || zattrs.is_some()
                    || !documents.problems.is_empty()
                    || matches!(source::stat(&folder.join(".zgroup")), Ok(Some(_)));
                (array, is_node.then_some(ZarrFormat::V2))
            }
        };
        let location = below(root, folder);
        let mut problems = documents.problems;
        for problem in attributes.problems.drain(..) {
            let location = join_location(&location, &problem.location);
            problems.push(Problem {
                location,
                ..problem
            });
        }
        Self {
            folder: folder.to_path_buf(),
            format,
            array,
            attributes,
            problems,
        }
    }

    /// The whole path of what a problem is about: the document that it names, else the folder.
    pub(super) fn place_of(&self, problem: &Problem) -> PathBuf {
        let documents = ["zarr.json", ".zarray", ".zattrs"];
        let is_named = |name: &&&str| Path::new(&problem.location).ends_with(name);
        match documents.iter().find(is_named) {
            Some(name) => self.folder.join(name),
            None => self.folder.clone(),
        }
    }

    /// True for an array, readable or not.
    pub(super) fn is_array(&self) -> bool {
        self.array.is_some()
    }

    /// True where a Zarr document lies in the folder.
    pub(super) fn is_node(&self) -> bool {
        self.format.is_some()
    }

    /// The array that lies in this folder; `None` where none does.
    ///
    /// # Errors
    /// When its document cannot be used.
    pub(super) fn array(&self) -> Result<Option<FoundArray>, OpenFovError> {
        let (Some(document), Some(format)) = (&self.array, self.format) else {
            return Ok(None);
        };
        let parsed = match format {
            ZarrFormat::V2 => zarr_array::parse_v2(document),
            ZarrFormat::V3 => zarr_array::parse_v3(document),
        };
        let parsed = parsed.map_err(|error| OpenFovError {
            code: error.code,
            message: error.message,
            location: self.folder.display().to_string(),
        })?;
        Ok(Some(FoundArray {
            document: parsed,
            locator: ZarrLocator {
                folder: self.folder.clone(),
                format,
                document: Some(Arc::from(without_attributes(document))),
            },
        }))
    }
}

/// True where a Zarr document lies in a folder, whatever it says.
pub(super) fn has_document(folder: &Path) -> bool {
    const NAMES: [&str; 4] = ["zarr.json", ".zarray", ".zgroup", ".zattrs"];
    NAMES
        .iter()
        .any(|name| matches!(source::stat(&folder.join(name)), Ok(Some(_))))
}

/// What reading an array needs of its document: each opened image keeps it, and attributes may be long.
fn without_attributes(document: &Value) -> String {
    let members = document.as_object().into_iter().flatten();
    let needed = members.filter(|(key, _)| *key != "attributes");
    let needed: serde_json::Map<_, _> = needed.map(|(key, it)| (key.clone(), it.clone())).collect();
    Value::Object(needed).to_string()
}

/// Reads documents of one folder and keeps what went wrong.
struct Documents<'a> {
    folder: &'a Path,
    root: &'a Path,
    problems: Vec<Problem>,
}

impl Documents<'_> {
    /// A document that is a JSON object; an empty `.zattrs` is none.
    fn read(&mut self, name: &str) -> Option<Value> {
        let path = self.folder.join(name);
        let found = match source::read_json(&path) {
            Ok(found) => found?,
            // Asked of a file, or of something in it: there is no such document.
            Err(error) if error.code() == Code::NotFound => return None,
            Err(error) => {
                if name != ".zattrs" || !is_blank(&path) {
                    self.problems.push(problem_of(&error, self.root));
                }
                return None;
            }
        };
        if found.is_object() {
            return Some(found);
        }
        self.problems.push(Problem::new(
            Code::BadMetadata,
            below(self.root, &path),
            "expected a JSON object",
        ));
        None
    }
}

impl Documents<'_> {
    /// Lists what is odd in the `zarr.json` of a group; an array's is checked when the array is opened.
    fn check_group(&mut self, document: &Value) {
        let text = |key: &str| document.get(key).map(Value::to_string);
        let (code, message) = match (text("node_type").as_deref(), text("zarr_format").as_deref()) {
            (Some("\"array\""), _) | (Some("\"group\"") | None, Some("3") | None) => return,
            (Some("\"group\"") | None, Some(format)) => {
                let message = format!("zarr_format is {format}, expected 3");
                (Code::Unsupported, message)
            }
            (Some(kind), _) => {
                let message = format!("node_type is {kind}, expected \"group\" or \"array\"");
                (Code::BadMetadata, message)
            }
        };
        let location = below(self.root, self.folder);
        self.problems.push(Problem::new(code, location, message));
    }
}

/// Some writers leave an empty `.zattrs` where there is nothing to say.
fn is_blank(path: &Path) -> bool {
    matches!(source::read_document(path), Ok(Some(text)) if text.trim().is_empty())
}

/// A source's error as a problem.
pub(super) fn problem_of(error: &SourceError, root: &Path) -> Problem {
    Problem::new(error.code(), below(root, &error.path), error.message())
}

/// A source's error for one FOV.
pub(super) fn fov_error_of(error: &SourceError) -> OpenFovError {
    OpenFovError {
        code: error.code(),
        message: error.message(),
        location: error.location(),
    }
}

/// `path` below `root` with `/` between names, "." for the root itself; outside of it, the whole path.
pub(super) fn below(root: &Path, path: &Path) -> String {
    let Ok(rest) = path.strip_prefix(root) else {
        return path.display().to_string();
    };
    let names: Vec<_> = rest.iter().map(|name| name.to_string_lossy()).collect();
    if names.is_empty() {
        ".".to_owned()
    } else {
        names.join("/")
    }
}

/// A location relative to a folder that is itself a location.
fn join_location(base: &str, relative: &str) -> String {
    match (base, relative) {
        (base, "." | "") => base.to_owned(),
        (".", relative) => relative.to_owned(),
        (base, relative) => format!("{base}/{relative}"),
    }
}
