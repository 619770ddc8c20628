//! From a plane to the file and page that hold it, by the rules of `TiffData`.
//!
//! docs.openmicroscopy.org/ome-model, "OME-TIFF specification", the `TiffData` element: without one all pages follow each
//! other in the dimension order from the first one on; `IFD` and the `First*` default to 0; `PlaneCount` is 1 where an
//! `IFD` is given, else all that follow. Stored as runs, so that a million planes in one element are one entry.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{Dimension, OmeImage, TiffData};

/// Where a plane lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into [`PlaneTable::files`]; `None`: the file that the document stands in.
    pub file_idx: Option<u32>,
    /// Page in that file.
    pub page_idx: u32,
}

/// Consecutive planes in consecutive pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Plane in the dimension order.
    first: u64,
    count: u64,
    place: Place,
}

impl Run {
    fn end(&self) -> u64 {
        self.first + self.count
    }

    /// Of the planes from one up to another; `None` where no page has such a number.
    fn part(&self, first: u64, until: u64) -> Option<Self> {
        let page_idx = u64::from(self.place.page_idx) + (first - self.first);
        Some(Self {
            first,
            count: until - first,
            place: Place {
                page_idx: u32::try_from(page_idx).ok()?,
                ..self.place
            },
        })
    }
}

/// The planes of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneTable {
    runs: Vec<Run>,
    /// z, c (counted in pages), t.
    sizes: [u64; 3],
    order: [Dimension; 3],
    /// Other files that hold planes, as the document names them.
    pub files: Vec<String>,
    /// Planes that the document puts into several pages.
    pub num_twice: u64,
}

impl PlaneTable {
    /// The planes of an image of which pages hold `num_page_channels` channels; `own_uuid` is that of the document, and
    /// `first_page` where an image without any `TiffData` begins.
    #[must_use]
    pub fn of(
        image: &OmeImage,
        num_page_channels: u32,
        own_uuid: Option<&str>,
        first_page: u32,
    ) -> Self {
        let sizes = [image.size_z, num_page_channels, image.size_t].map(u64::from);
        let mut table = Self {
            runs: Vec::new(),
            sizes,
            order: image.order,
            files: Vec::new(),
            num_twice: 0,
        };
        if image.tiff_data.is_empty() {
            let place = Place {
                file_idx: None,
                page_idx: first_page,
            };
            table.runs.push(Run {
                first: 0,
                count: table.num_planes(),
                place,
            });
            return table;
        }
        let mut known = std::collections::HashMap::new();
        for data in &image.tiff_data {
            let file_idx = table.file_of(data, own_uuid, &mut known);
            table.add(data, file_idx);
        }
        table.put_in_order();
        table
    }

    /// Planes, counted in pages. Each size is within its budget, so the product is far from overflowing.
    #[must_use]
    pub fn num_planes(&self) -> u64 {
        self.sizes.iter().product()
    }

    fn file_of<'a>(
        &mut self,
        data: &'a TiffData,
        own_uuid: Option<&str>,
        known: &mut std::collections::HashMap<&'a str, u32>,
    ) -> Option<u32> {
        let name = data.file_name.as_deref()?;
        let is_own = own_uuid.is_some() && own_uuid == data.uuid.as_deref().map(str::trim);
        if is_own {
            return None;
        }
        let next = self.files.len() as u32;
        let at = *known.entry(name).or_insert(next);
        if at == next {
            self.files.push(name.to_owned());
        }
        Some(at)
    }

    fn add(&mut self, data: &TiffData, file_idx: Option<u32>) {
        let [z, c, t] = data.first;
        let Some(first) = self.index_of(z, c, t) else {
            return;
        };
        let rest = self.num_planes() - first;
        let count = match (data.plane_count, data.ifd) {
            (Some(count), _) => u64::from(count).min(rest),
            (None, Some(_)) => 1,
            (None, None) => rest,
        };
        let place = Place {
            file_idx,
            page_idx: data.ifd.unwrap_or(0),
        };
        // A document with an element per plane names pages one after the other.
        if let Some(last) = self.runs.last_mut() {
            let follows = last.first + last.count == first
                && last.place.file_idx == file_idx
                && u64::from(last.place.page_idx) + last.count == u64::from(place.page_idx);
            if follows {
                last.count += count;
                return;
            }
        }
        if count > 0 {
            self.runs.push(Run {
                first,
                count,
                place,
            });
        }
    }

    /// Sorted by planes. Of several that name the same plane, the one of the fewest planes has it, of equal ones the last.
    fn put_in_order(&mut self) {
        let named = std::mem::take(&mut self.runs);
        let mut starts: Vec<usize> = (0..named.len()).collect();
        starts.sort_by_key(|&at| named[at].first);
        let mut ends = starts.clone();
        ends.sort_by_key(|&at| named[at].end());
        let (mut starts, mut ends) = (starts.into_iter().peekable(), ends.into_iter().peekable());
        // Those that name the plane that it has come to, the one that has it first.
        let mut naming = BTreeSet::new();
        let rank = |at: usize| (named[at].count, Reverse(at));
        while let Some(&next_end) = ends.peek() {
            let next_start = starts.peek().map(|&at| named[at].first);
            let first = if let Some(at) = next_start.and_then(|first| {
                let is_next = first < named[next_end].end();
                starts.next_if(|_| is_next)
            }) {
                naming.insert(rank(at));
                named[at].first
            } else {
                naming.remove(&rank(next_end));
                ends.next();
                named[next_end].end()
            };
            let until_start = starts.peek().map(|&at| named[at].first);
            let until_end = ends.peek().map(|&at| named[at].end());
            let until = until_start.into_iter().chain(until_end).min();
            let mut here = naming.iter().map(|(_, Reverse(at))| named[*at]);
            if let (Some(run), Some(until)) = (here.next(), until.filter(|&until| until > first)) {
                let part = run.part(first, until);
                let other = here.next().and_then(|other| other.part(first, until));
                self.num_twice += match (part, other) {
                    (Some(part), Some(other)) if part != other => until - first,
                    _ => 0,
                };
                self.runs.extend(part);
            }
        }
    }

    /// Number of a plane in the dimension order; `None` beyond the sizes.
    fn index_of(&self, z: u32, c: u32, t: u32) -> Option<u64> {
        let size = |dimension| match dimension {
            Dimension::Z => (u64::from(z), self.sizes[0]),
            Dimension::C => (u64::from(c), self.sizes[1]),
            Dimension::T => (u64::from(t), self.sizes[2]),
        };
        let mut number = 0;
        for &dimension in self.order.iter().rev() {
            let (at, length) = size(dimension);
            if at >= length {
                return None;
            }
            number = number * length + at;
        }
        Some(number)
    }

    /// Where a plane lies (c counted in pages); `None` where no element names it, or beyond the sizes.
    #[must_use]
    pub fn find(&self, z: u32, c: u32, t: u32) -> Option<Place> {
        let index = self.index_of(z, c, t)?;
        let after = self.runs.partition_point(|run| run.first <= index);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let step = index - run.first;
        let page_idx = u64::from(run.place.page_idx).checked_add(step)?;
        (step < run.count).then_some(Place {
            page_idx: u32::try_from(page_idx).ok()?,
            ..run.place
        })
    }

    /// Pages that the file with the document needs to hold all of its planes.
    #[must_use]
    pub fn num_own_pages(&self) -> u64 {
        let own = self.runs.iter().filter(|run| run.place.file_idx.is_none());
        let ends = own.map(|run| u64::from(run.place.page_idx) + run.count);
        ends.max().unwrap_or(0)
    }

    /// True where the file with the document holds planes itself.
    #[must_use]
    pub fn names_own_file(&self) -> bool {
        self.runs.iter().any(|run| run.place.file_idx.is_none())
    }

    /// The first plane of every run, a few: where to look for a page that can be described.
    pub fn samples(&self) -> impl Iterator<Item = Place> {
        self.runs.iter().map(|run| run.place).take(8)
    }
}
