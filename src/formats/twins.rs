//! Several names of one thing, as `0` and `00`, or `.tiff` and `.png` of one plane: which one is shown, and that others are
//! not.
//!
//! Squid pads numbers by a setting of the machine, and gives the files of a channel one ending
//! (`control/core/multi_point_worker.py`, `control/utils_acquisition.py`). So the name counts that is written as most of
//! the others are; what lies beside it somebody copied there.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::model::{Code, Problem};

/// The ending that Squid gives most files.
const USUAL_ENDING: &str = "tiff";

/// With how many digits, at least, most of the numbers are written; of equally many the fewest.
pub(super) fn usual_width<'a>(numbers: impl Iterator<Item = &'a str>) -> usize {
    // By digits as written and as needed: names are many, and these few.
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for number in numbers {
        *counts
            .entry((number.len(), needed_digits(number)))
            .or_default() += 1;
    }
    let padded = counts.keys().filter(|(written, needed)| written > needed);
    let widths = padded.map(|(written, _)| *written).chain([1]);
    let num_fitting = |width: usize| -> usize {
        let fitting = counts
            .iter()
            .filter(|((written, needed), _)| *written == width.max(*needed));
        fitting.map(|(_, count)| count).sum()
    };
    widths
        .max_by_key(|&width| (num_fitting(width), Reverse(width)))
        .unwrap_or(1)
}

/// True where a number is written with so many digits at least.
pub(super) fn is_as_wide(number: &str, width: usize) -> bool {
    number.len() == width.max(needed_digits(number))
}

fn needed_digits(number: &str) -> usize {
    number.trim_start_matches('0').len().max(1)
}

/// The ending of most names; of equally many the one that Squid writes.
pub(super) fn usual_ending<'a>(endings: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for ending in endings {
        *counts.entry(ending).or_default() += 1;
    }
    let rank = |(ending, count): &(&str, usize)| (*count, is_usual(ending), Reverse(ending.len()));
    counts
        .into_iter()
        .max_by_key(rank)
        .map(|(ending, _)| ending)
}

/// How well a name fits in among the others: the largest counts.
pub(super) type Fit<'a> = (bool, bool, bool, Reverse<&'a str>);

/// How well a name fits in that is written as others are, or not: its numbers, and its ending.
pub(super) fn fit<'a>(name: &'a str, are_as_wide: bool, ending: &str, usual: &str) -> Fit<'a> {
    (
        are_as_wide,
        ending == usual,
        is_usual(ending),
        Reverse(name),
    )
}

fn is_usual(ending: &str) -> bool {
    ending.trim_start_matches(".ome.") == USUAL_ENDING
}

/// Names that are left aside because another one of the same thing is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    count: usize,
    first: String,
}

impl LeftOut {
    /// One more.
    pub(super) fn add(&mut self, name: &str) {
        if self.count == 0 || name < self.first.as_str() {
            name.clone_into(&mut self.first);
        }
        self.count += 1;
    }

    /// Says that there are any; `what` they are, as "files of planes".
    pub(super) fn problem(&self, what: &str, location: impl Into<String>) -> Option<Problem> {
        let Self { count, first } = self;
        let message = format!(
            "{count} {what} that have another one are left aside, {first:?} the first; shown is the one that is called \
             as most others are"
        );
        (*count > 0).then(|| Problem::new(Code::Ignored, location, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_wide_as_most_of_them() {
        let check = |numbers: &[&str], expected: usize| {
            assert_eq!(
                usual_width(numbers.iter().copied()),
                expected,
                "{numbers:?}"
            );
        };
        check(&[], 1);
        check(&["0"], 1);
        check(&["00"], 2);
        check(&["0", "00"], 1);
        check(&["0", "00", "000"], 1);
        check(&["0", "1", "10", "02"], 1);
        check(&["00", "01", "10", "2"], 2);
        // What needs its digits says nothing.
        check(&["10", "11", "100"], 1);
        check(&["10", "11", "09"], 2);
        assert!(is_as_wide("100", 2) && is_as_wide("07", 2) && is_as_wide("0", 1));
        assert!(!is_as_wide("7", 2) && !is_as_wide("07", 1) && !is_as_wide("007", 2));
    }

    #[test]
    fn of_endings_most_have_then_that_of_squid_counts() {
        let check = |endings: &[&str], expected: Option<&str>| {
            assert_eq!(
                usual_ending(endings.iter().copied()),
                expected,
                "{endings:?}"
            );
        };
        check(&[], None);
        check(&["png", "bmp", "png"], Some("png"));
        check(&["TIFF", "png", "tif", "tiff"], Some("tiff"));
        check(&[".ome.tif", ".ome.tiff"], Some(".ome.tiff"));
    }
}
