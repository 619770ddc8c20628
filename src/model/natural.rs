//! Natural order of names: 2 before 10, A2 before A10, Z before AA.

use std::cmp::Ordering;

/// Compares names the way people sort them.
///
/// Runs of digits compare as numbers, and come before text. Of runs of one or two capitals (rows of a plate), shorter
/// ones come first (`Z9` before `AA1`), and all of them before other text. Equal numbers with other padding (`1`, `01`)
/// fall back to the text, so the order is total: sorting by one that is not may panic.
#[must_use]
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    by_runs(a, b).then_with(|| a.cmp(b))
}

/// Compares run by run; of two names that agree as far as the shorter goes, the shorter comes first.
fn by_runs(a: &str, b: &str) -> Ordering {
    // Names of one folder begin alike for the most part.
    let alike = equal_runs(a, b);
    compare(&a[alike..], &b[alike..])
}

fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let (run_a, rest_a) = first_run(a);
        let (run_b, rest_b) = first_run(b);
        let order = match (Run::of(run_a), Run::of(run_b)) {
            (Run::Number, Run::Number) => number_cmp(run_a, run_b),
            (Run::Row, Run::Row) => run_a.len().cmp(&run_b.len()).then_with(|| run_a.cmp(run_b)),
            (Run::Text, Run::Text) => run_a.cmp(run_b),
            (kind_a, kind_b) => kind_a.cmp(&kind_b),
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().cmp(&b.len())
}

/// Bytes of the runs that both begin with, but for the last one, which may go on differently.
fn equal_runs(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let Some(last) = common.checked_sub(1) else {
        return 0;
    };
    let is_digit = a[last].is_ascii_digit();
    let before = a[..last]
        .iter()
        .rposition(|byte| byte.is_ascii_digit() != is_digit);
    // Beside a digit no character is cut.
    before.map_or(0, |before| before + 1)
}

/// What a run of a name is, in the order of kinds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    Number,
    /// One or two capitals.
    Row,
    Text,
}

impl Run {
    fn of(run: &str) -> Self {
        if run.bytes().all(|b| b.is_ascii_digit()) {
            Self::Number
        } else if run.len() <= 2 && run.bytes().all(|b| b.is_ascii_uppercase()) {
            Self::Row
        } else {
            Self::Text
        }
    }
}

/// The longest prefix of only digits or of only other characters; `text` is not empty.
fn first_run(text: &str) -> (&str, &str) {
    let digits = text.as_bytes()[0].is_ascii_digit();
    let mut bytes = text.bytes();
    let end = bytes.position(|byte| byte.is_ascii_digit() != digits);
    let end = end.unwrap_or(text.len());
    text.split_at(end)
}

/// Compares digit strings of any length as numbers.
fn number_cmp(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(sorted: &[&str]) {
        let mut names = sorted.to_vec();
        names.reverse();
        names.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(names, sorted);
    }

    #[test]
    fn names_sort_as_people_sort_them() {
        check(&["A1", "A2", "A10", "B1", "Z9", "AA1", "AF48"]);
        check(&["A", "B", "Z", "AA", "AB"]);
        check(&["fov_0.ome.zarr", "fov_2.ome.zarr", "fov_10.ome.zarr"]);
        check(&["manual", "manual0", "manual2", "manual10"]);
        check(&["7", "A", "AA1", "Aa", "manual"]);
        check(&["01", "1", "02", "99999999999999999999999"]);
    }

    proptest! {
        #[test]
        fn numbers_inside_a_name_sort_as_numbers(
            (before, after) in ("[a-z_]{0,4}", "[a-z_.]{0,4}"),
            (a, b) in (any::<u64>(), any::<u64>()),
            (padding_a, padding_b) in (0_usize..4, 0_usize..4),
        ) {
            let name = |number: u64, padding| format!("{before}{}{number}{after}", "0".repeat(padding));
            let order = natural_cmp(&name(a, padding_a), &name(b, padding_b));
            if a == b {
                prop_assert_eq!(order == Ordering::Equal, padding_a == padding_b);
            } else {
                prop_assert_eq!(order, a.cmp(&b));
            }
        }

        #[test]
        fn wells_sort_by_row_then_column((rows, columns) in ((0_u32..702, 0_u32..702), (1_u32..99, 1_u32..99))) {
            let letter = |index: u32| char::from(b'A' + index as u8);
            let row = |index: u32| match index.checked_sub(26) {
                None => letter(index).to_string(),
                Some(rest) => [letter(rest / 26), letter(rest % 26)].iter().collect(),
            };
            let well = |index, column| format!("{}{column}", row(index));
            let order = natural_cmp(&well(rows.0, columns.0), &well(rows.1, columns.1));
            prop_assert_eq!(order, (rows.0, columns.0).cmp(&(rows.1, columns.1)));
        }

        #[test]
        fn skipping_what_is_alike_changes_no_order(
            start in "[A-C0-2_\u{b5}]{0,6}",
            (a, b) in ("[A-C0-2_\u{b5}\u{b6}]{0,4}", "[A-C0-2_\u{b5}\u{b6}]{0,4}"),
        ) {
            let (a, b) = (start.clone() + &a, start + &b);
            prop_assert_eq!(by_runs(&a, &b), compare(&a, &b));
        }

        #[test]
        fn the_order_is_total(names in proptest::collection::vec("[A-Ca0-2_!]{0,3}|.{0,6}", 8)) {
            for (a, b) in names.iter().flat_map(|a| names.iter().map(move |b| (a, b))) {
                prop_assert_eq!(natural_cmp(a, b), natural_cmp(b, a).reverse());
                prop_assert_eq!(natural_cmp(a, b) == Ordering::Equal, a == b);
                for c in &names {
                    let is_chain = natural_cmp(a, b).is_le() && natural_cmp(b, c).is_le();
                    prop_assert!(!is_chain || natural_cmp(a, c).is_le(), "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}
