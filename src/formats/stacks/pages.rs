//! The pages of one stack by what they say of themselves.
//!
//! Squid `control/core/job_processing.py`: a page has a JSON description with `z_level` and `channel`, and the channel's
//! exact name as its `PageName`; its library (tifffile) adds a second description with the shape of the page.

use std::{collections::HashMap, path::Path};

use crate::{
    image_file::{
        ImageFileError,
        directories::{Chain, Directories, Directory, tags},
    },
    model::{limits, parse_json},
};

/// Bytes of a description that is parsed; Squid's have some hundreds.
const DESCRIPTION_BYTES: u64 = 64 << 10;
/// Bytes of the name of a page.
const NAME_BYTES: u64 = 4 << 10;

/// What a page says it is.
#[derive(Debug, PartialEq, Eq)]
struct Label {
    z: u32,
    channel: String,
}

/// The pages of a file that may grow: where each plane's directory lies.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    num_bytes: u64,
    chain: Chain,
    channels: Vec<String>,
    /// By z-slice and place of the channel.
    offsets: HashMap<(u32, u16), u64>,
    num_z: u32,
}

impl Pages {
    /// The pages of a file by now, those that are `known` not read again; `None` where it is absent. A page that is not
    /// wholly there is none yet.
    ///
    /// # Errors
    /// When the file cannot be read, or is no TIFF file (yet).
    pub(super) fn read(path: &Path, known: Option<&Self>) -> Result<Option<Self>, ImageFileError> {
        let Some(mut file) = Directories::open(path)? else {
            return Ok(None);
        };
        // A file that is shorter or begins elsewhere is another one.
        let known = known.filter(|known| {
            let first = known.chain.offsets().first().copied();
            known.num_bytes <= file.num_bytes() && (first.is_none() || first == file.first())
        });
        let mut pages = known.cloned().unwrap_or_default();
        pages.num_bytes = file.num_bytes();
        let mut chain = std::mem::take(&mut pages.chain);
        chain.follow(&mut file, |file, page| {
            if !file.holds_samples(page)? {
                return Ok(false);
            }
            if let Some(label) = label_of(file, page)? {
                pages.take(label, page.offset);
            }
            Ok(true)
        })?;
        pages.chain = chain;
        Ok(Some(pages))
    }

    /// The last page of a plane wins, as it was taken last.
    fn take(&mut self, label: Label, offset: u64) {
        let known = self.channels.iter().position(|it| *it == label.channel);
        let channel = match known {
            Some(channel) => channel,
            None if self.channels.len() < limits::CHANNELS => {
                self.channels.push(label.channel);
                self.channels.len() - 1
            }
            None => return,
        };
        self.num_z = self.num_z.max(label.z + 1);
        self.offsets.insert((label.z, channel as u16), offset);
    }

    /// Where the directory of a plane lies.
    pub(super) fn offset(&self, z: u32, channel: &str) -> Option<u64> {
        let channel = self.channels.iter().position(|it| it == channel)?;
        self.offsets.get(&(z, channel as u16)).copied()
    }

    /// Where the directory of any plane lies, the earliest in the file.
    pub(super) fn first_offset(&self) -> Option<u64> {
        self.offsets.values().min().copied()
    }

    /// Names of channels in the order of pages.
    pub(super) fn channels(&self) -> &[String] {
        &self.channels
    }

    /// z-slices up to the last one.
    pub(super) fn num_z(&self) -> u32 {
        self.num_z
    }

    /// Pages gone through.
    pub(super) fn len(&self) -> usize {
        self.chain.offsets().len()
    }
}

/// What a page says it is; `None` where it does not.
fn label_of(file: &mut Directories, page: &Directory) -> Result<Option<Label>, ImageFileError> {
    let is_short = |limit: u64| {
        move |entry: &crate::image_file::directories::Entry| {
            entry.num_bytes().is_some_and(|bytes| bytes <= limit)
        }
    };
    for entry in page
        .all(tags::DESCRIPTION)
        .filter(is_short(DESCRIPTION_BYTES))
    {
        let text = file.text(entry)?.unwrap_or_default();
        let Ok(description) = parse_json(&text) else {
            continue;
        };
        let z = description
            .get("z_level")
            .and_then(serde_json::Value::as_u64);
        let Some(z) = z.filter(|&z| z < u64::from(limits::Z_SLICES)) else {
            continue;
        };
        let name = match page.get(tags::PAGE_NAME).filter(is_short(NAME_BYTES)) {
            Some(entry) => file.text(entry)?,
            None => None,
        };
        let said = || description.get("channel")?.as_str().map(str::to_owned);
        let channel = name.filter(|name| !name.is_empty()).or_else(said);
        return Ok(channel.map(|channel| Label {
            z: z as u32,
            channel,
        }));
    }
    Ok(None)
}
