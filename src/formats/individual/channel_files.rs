//! The files of each channel: which are asked for size and type, and how they end.

use std::collections::BTreeMap;

use super::{Found, TRIED_FILES, planes::Digits};
use crate::formats::twins;

/// Files of a channel.
pub(super) struct OfChannel<'a> {
    /// The first ones, those first that are called as most.
    pub(super) tried: Vec<&'a Found<'a>>,
    /// That of most.
    pub(super) ending: &'a str,
}

/// Files by the sanitised name of their channel.
pub(super) fn of<'a>(planes: &'a [Found<'a>], digits: &Digits) -> BTreeMap<&'a str, OfChannel<'a>> {
    let mut endings: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for plane in planes {
        let found = endings.entry(&*plane.name.channel).or_default();
        found.push(plane.name.ending);
    }
    let of_channel = |(key, endings): (&'a str, Vec<&'a str>)| {
        let ending = twins::usual_ending(endings.into_iter()).unwrap_or("tiff");
        let tried = Vec::new();
        (key, OfChannel { tried, ending })
    };
    let mut found: BTreeMap<_, _> = endings.into_iter().map(of_channel).collect();
    let is_usual =
        |plane: &Found<'_>, ending: &str| plane.name.ending == ending && digits.fit(&plane.name);
    for are_usual in [true, false] {
        for plane in planes {
            if let Some(of) = found.get_mut(&*plane.name.channel)
                && of.tried.len() < TRIED_FILES
                && is_usual(plane, of.ending) == are_usual
            {
                of.tried.push(plane);
            }
        }
    }
    found
}
